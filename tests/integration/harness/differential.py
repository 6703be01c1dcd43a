"""What differs between gbuild's and buildah's image of one Dockerfile, and what may: testdata/differential/differences.txt."""
import functools
import json
import re
import stat
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from . import contract, tree
from .builders import Buildah, Built, Gbuild
from .case import made_once
from .dockerfile_cases import DATA
from .oci import CREATED_SECONDS

CONFIG = ["Env", "Cmd", "Entrypoint", "WorkingDir", "User", "Volumes", "ExposedPorts", "Labels", "StopSignal", "Healthcheck",
          "OnBuild", "Shell"]


@dataclass(frozen=True)
class Difference:
    """A line of differences.txt: `CASE | WHAT | WHY`. WHAT is a line of compare(), `*` standing for anything and `?` for
    one character."""
    case: str
    what: str
    why: str

    def covers(self, line):
        pattern = re.escape(self.what).replace(r"\*", ".*").replace(r"\?", ".")
        return re.fullmatch(pattern, line, re.DOTALL) is not None


@functools.cache
def all_known_differences():
    lines = (DATA / "differences.txt").read_text().splitlines()
    return [Difference(*map(str.strip, line.split(" | "))) for line in lines if line and not line.startswith("#")]


def known_differences(case):
    return [item for item in all_known_differences() if item.case == case.name]


def compare(case, ours, theirs):
    """Lines, each a difference: `PATH: FIELD is OURS, expected THEIRS`, `config KEY: OURS, buildah THEIRS`, or who fails
    or builds what the other does not."""
    if case.must_fail:
        return [f"{who} builds it" for who, built in [("gbuild", ours), ("buildah", theirs)] if not built.error]
    if ours.error or theirs.error:
        return [f"{who} fails" for who, built in [("gbuild", ours), ("buildah", theirs)] if built.error]
    volumes, workdir = theirs.config.get("Volumes") or {}, theirs.config.get("WorkingDir") or "/"
    expected = contract.with_vm_entries(_without_mount_points(theirs.tree), CREATED_SECONDS, volumes, workdir)
    for path, entry in expected.items():
        entry.mtime = _time(entry, ours.tree.get(path))
    lines = tree.differences(expected, ours.tree)
    for key in CONFIG:
        mine, other = ours.config.get(key) or None, theirs.config.get(key) or None
        if key == "WorkingDir":
            mine, other = mine or "/", other or "/"
        if key == "User":
            other = _numbers(other, theirs.accounts)
        if mine != other:
            lines.append(f"config {key}: {json.dumps(mine)}, buildah {json.dumps(other)}")
    return lines


def _without_mount_points(entries):
    """buildah leaves in the image what it mounts over in RUN: empty files that one may execute, and an empty /run."""
    left = dict(entries)
    for path in [b"etc/hosts", b"etc/hostname", b"etc/resolv.conf"]:
        if path in left and (left[path].size, left[path].mode) == (0, 0o755):
            del left[path]
    if not any(path.startswith(b"run/") for path in left):
        left.pop(b"run", None)
    return left


def _time(entry, ours):
    """What a build makes is as old as the base, so a `now` of buildah's is that. Nobody says what time a directory has in
    which something was made."""
    if ours is not None and entry.kind == ours.kind == stat.S_IFDIR:
        return ours.mtime
    return min(entry.mtime, CREATED_SECONDS)


def _numbers(user, accounts):
    """USER as the VM takes it: by the image's own accounts."""
    if not user:
        return None
    users, groups = ([line.split(":") for line in accounts.get(name, "").splitlines()] for name in ["etc/passwd", "etc/group"])
    name, _, group = user.partition(":")
    found = next((line for line in users if name in (line[0], line[2])), [name, "", name, "0"])
    gid = next((line[2] for line in groups if group in (line[0], line[2])), group) if group else found[3]
    return f"{found[2]}:{gid}"


@dataclass(frozen=True)
class Result:
    ours: Built
    theirs: Built
    lines: list


class Pair:
    """The builders side by side, some cases ahead of who asks."""

    def __init__(self):
        self._gbuild, self._somebody, self._buildah = Gbuild(), Gbuild(somebody=True), Buildah()
        self._workers = ThreadPoolExecutor(2)
        self._jobs = {}

    def ask(self, case, following=()):
        for item in [case, *following]:
            if item.name not in self._jobs:
                self._jobs[item.name] = self._workers.submit(self._build, item)
        return self._jobs.pop(case.name).result()

    def _build(self, case):
        ours, theirs = self._gbuild.built(case), self._buildah.built(case)
        lines = compare(case, ours, theirs)
        if not case.only_root and self._somebody.digest(case) != ours.digest:
            lines.append("an ordinary user gets something else")
        return Result(ours, theirs, lines)


@made_once
def pair():
    return Pair()
