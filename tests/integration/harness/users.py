"""Who builds: root, somebody with ranges of ids, somebody with nothing. Nothing of the machine is changed for them."""
import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from .process import is_root, missing_part

NOBODY_IN_PARTICULAR = 54321
WITH_RANGES = 54322
FIRST_SUBORDINATE, SUBORDINATES = 700_000_000, 65536

# In a mount namespace of its own, so that nobody else sees these accounts: newuidmap takes its user's name from passwd.
BIND_ACCOUNTS = """for name in passwd subuid subgid; do mount --bind "$1/$name" "/etc/$name" || exit 1; done
shift
exec "$@" """


@dataclass(frozen=True)
class Builder:
    """A user and the isolation of its steps. `prefix` makes a command that user's."""
    isolation: str
    prefix: tuple
    home: Path
    program: Path

    @property
    def store(self):
        return self.home / "store"

    def command(self, *arguments):
        """gbuild with arguments, as this user."""
        own = [f"HOME={self.home}", f"GBUILD_ROOT={self.store}", f"TMPDIR={self.home / 'tmp'}"]
        return [*self.prefix, "env", "-C", str(self.home), *own, str(self.program), *map(str, arguments)]

    def run(self, *arguments, environment, limit=600):
        """CompletedProcess of gbuild, its output as text."""
        return subprocess.run(self.command(*arguments), env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, errors="replace", timeout=limit, check=False)


def builders(folder, program, environment, absent=missing_part):
    """As root: root and the two kinds of other users; as somebody else: that one, in every isolation. `absent` is called
    with the reason for what does not work on this machine, and that is left out. `folder` is opened to all, and so is
    the one that it is in."""
    folder = Path(folder)
    for path in [folder, folder.parent]:
        path.chmod(0o755)
    if is_root():
        made = [_builder("root", 0, (), folder, program), _subid(folder, program), _single(folder, program)]
    else:
        made = [_own(isolation, folder, program) for isolation in ["subid", "single"]]
    working = []
    for builder in made:
        probe = _probe(builder, environment)
        if probe["works"]:
            working.append(builder)
        elif builder.isolation != "subid" or is_root():
            absent(f"isolation {builder.isolation} does not work here: {probe}")
    return working


def _own(isolation, folder, program):
    return _builder(isolation, os.geteuid(), (), folder, program)


def _single(folder, program):
    return _builder("single", NOBODY_IN_PARTICULAR, _become(NOBODY_IN_PARTICULAR), folder, program)


def _subid(folder, program):
    accounts = folder / "accounts"
    accounts.mkdir()
    (accounts / "passwd").write_text(Path("/etc/passwd").read_text()
                                     + f"gbuild-ranges:x:{WITH_RANGES}:{WITH_RANGES}::/nonexistent:/bin/sh\n")
    for name in ["subuid", "subgid"]:
        (accounts / name).write_text(f"gbuild-ranges:{FIRST_SUBORDINATE}:{SUBORDINATES}\n")
    prefix = ("unshare", "--mount", "--propagation", "private", "sh", "-c", BIND_ACCOUNTS, "sh", str(accounts),
              *_become(WITH_RANGES))
    return _builder("subid", WITH_RANGES, prefix, folder, program)


def _become(uid):
    return ("setpriv", "--reuid", str(uid), "--regid", str(uid), "--clear-groups")


def _builder(isolation, uid, prefix, folder, program):
    """With a copy of the program: others do not see what is in root's folders."""
    home = folder / isolation
    (home / "tmp").mkdir(parents=True)
    shutil.copy(program, home / "gbuild")
    if prefix:
        for path in [home, home / "tmp"]:
            os.chown(path, uid, uid)
    return Builder(isolation, prefix, home, home / "gbuild")


def _probe(builder, environment):
    done = builder.run("doctor", "--format", "json", environment=environment)
    try:
        probes = json.loads(done.stdout)["probes"]
    except (ValueError, KeyError) as error:
        raise AssertionError(f"gbuild doctor: exit code {done.returncode}\n{done.stdout}{done.stderr}") from error
    return next(probe for probe in probes if probe["isolation"] == builder.isolation)
