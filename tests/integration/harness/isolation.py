"""The ways in which RUN can be executed here, each for a test case of its own."""
import contextlib
import functools
import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from .case import PROGRAM, Case, removed_by_now, scratch_root, shared_registry
from .process import is_root

ISOLATIONS = ("root", "subid", "single", "chroot")
# Somebody who is in no machine's /etc/passwd, for whom a mount namespace of our own has an account and ranges of ids.
SOMEBODY = 54322
FIRST_ID, IDS = 1_000_000, 65536
_numbers = itertools.count()


@dataclass(frozen=True)
class Way:
    """How gbuild is called so that an isolation is to be had."""
    isolation: str
    prefix: tuple = ()
    user: int = None  # who runs it, if not the caller

    def command(self, *arguments):
        return [*self.prefix, str(program()) if self.user else PROGRAM, *map(str, arguments)]

    def hand_over(self, *paths):
        """To who runs it."""
        if self.user is not None:
            for path in paths:
                os.chown(path, self.user, self.user)


@functools.cache
def program():
    """A copy of gbuild where everybody gets."""
    scratch_root().chmod(0o755)
    target = scratch_root() / "gbuild"
    shutil.copy(PROGRAM, target)
    target.chmod(0o755)
    return target


@functools.cache
def account_files():
    """/etc/passwd, subuid and subgid in which SOMEBODY has ranges."""
    folder = Path(tempfile.mkdtemp(dir=scratch_root(), prefix="accounts-"))
    folder.chmod(0o755)
    for name, more in [("passwd", f"somebody:x:{SOMEBODY}:{SOMEBODY}::/:/bin/sh\n"), ("subuid", f"somebody:{FIRST_ID}:{IDS}\n"),
                       ("subgid", f"somebody:{FIRST_ID}:{IDS}\n")]:
        there = Path("/etc", name)
        (folder / name).write_text((there.read_text() if there.exists() else "") + more)
    return folder


def as_somebody(folder):
    """A command's beginning: the rest is run by SOMEBODY, who has ranges of ids. The machine stays as it is."""
    binds = " && ".join(f"mount --bind {folder}/{name} /etc/{name}" for name in ["passwd", "subuid", "subgid"])
    return ("unshare", "-m", "sh", "-c", f'{binds} && exec "$@"', "sh", "setpriv", "--reuid", str(SOMEBODY), "--regid",
            str(SOMEBODY), "--clear-groups", "--inh-caps", "-all")


WITHOUT_SYS_ADMIN = ("setpriv", "--bounding-set", "-sys_admin", "--inh-caps", "-sys_admin")


def _candidates():
    if not is_root():
        return [Way("subid"), Way("single")]
    subid = Way("subid")
    if not doctor(subid)["works"] and subprocess.run(["unshare", "-m", "true"], stderr=subprocess.DEVNULL, check=False).returncode == 0:
        subid = Way("subid", as_somebody(account_files()), SOMEBODY)
    return [Way("root"), subid, Way("single"), Way("chroot", WITHOUT_SYS_ADMIN)]


def doctor(way):
    """What `gbuild doctor` says, called that way: the probe of the way's isolation."""
    with tempfile.TemporaryDirectory(dir=scratch_root(), prefix="doctor-") as folder:
        way.hand_over(folder)
        done = subprocess.run(way.command("doctor", "--format", "json", "--root", folder + "/store"), check=False,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              cwd=folder, env={"PATH": os.environ["PATH"], "HOME": folder})
    if done.returncode not in (0, 8):
        raise RuntimeError(f"gbuild doctor: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return next(probe for probe in json.loads(done.stdout)["probes"] if probe["isolation"] == way.isolation)


@functools.cache
def probes():
    """[(Way, probe)] of all that may be there."""
    return [(way, doctor(way)) for way in _candidates()]


def ways():
    return [way for way, probe in probes() if probe["works"]]


def all_ways():
    """Also as an ordinary user with one id, where the caller is root."""
    return [*ways(), Way("single", as_somebody(account_files()), SOMEBODY)] if is_root() else ways()


class RunCase(Case):
    """A case whose builds run their steps one way: the first that works, unless a class says otherwise. Steps are executed,
    whatever an earlier build has kept, unless a class is about that."""
    way = None
    cached = False

    def setUp(self):
        if self.way is None:
            self.way = ways()[0]
        super().setUp()
        self.way.hand_over(self.dir)

    def folder(self, name):
        path = super().folder(name)
        self.way.hand_over(path)
        return path

    def command(self, *arguments):
        return self.way.command(*arguments)

    @property
    def has_namespaces(self):
        return self.way.isolation != "chroot"

    def only_with_namespaces(self):
        if not self.has_namespaces:
            self.skipTest("chroot alone gives no such thing")

    def keep_store(self, name):
        """One for the whole run: for bases that take long to pull."""
        self.store = scratch_root() / f"store-{name}-{self.way.isolation}"
        self.store.mkdir(exist_ok=True)
        self.way.hand_over(self.store)

    def assert_nothing_staged(self):
        """No step's files are left in the store."""
        left = [str(path) for path in staged(self.store)]
        self.assertEqual(left, [], "a build left steps' files behind")

    def options(self, *more):
        return ["--isolation", self.way.isolation, *([] if self.cached else ["--no-cache"]), *more]

    def build(self, dockerfile, files=None, options=(), **more):
        return super().build(dockerfile, files, self.options(*options), **more)

    def lines(self, command, before="", base="box", options=(), **more):
        """What a command prints, in a build FROM `base` with the instructions `before` it."""
        dockerfile = f"FROM {base}\n{before}RUN {command}\n"
        result = self.build(dockerfile, options=["--progress", "json", *options], **more)
        events = [json.loads(line) for line in result.err.split("\n") if line]
        started = [event["id"] for event in events if event["event"] == "step-started"]
        return [event["line"] for event in events if event["event"] == "step-output" and event["id"] == started[-1]]

    def added(self, tree, base="FROM box\n"):
        """{path: Entry} of what a built tree has and the base has not, or has otherwise."""
        plain = self.built(base, name="plain")
        return {path: entry for path, entry in tree.items() if plain.get(path) != entry}


def processes_with(mark):
    """Ids of the processes that have it among their arguments; gbuild itself and what started it are none of them."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if mark.encode() in (entry / "cmdline").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
    return found


class Marked:
    """A step whose processes can be found from outside: `sleep MARK`."""

    def setUp(self):
        super().setUp()
        # As many seconds as nobody else sleeps.
        self.mark = str(900_000_000 + os.getpid() * 100 + next(_numbers))

    def start_build(self, dockerfile, *options, name="image"):
        context = self.context({"Dockerfile": dockerfile}, "context-" + name)
        return self.start("build", "--registry-mirror", shared_registry().host, "-t", name, "-o", self.image(name),
                          *self.options("--progress", "plain", *options), context)

    def wait_for_processes(self, process, count=1):
        """Until the step's are there."""
        while len(processes_with(self.mark)) < count:
            if process.poll() is not None:
                self.fail(f"the build has ended: {process.communicate()}")
            time.sleep(0.01)

    def assert_no_process_left(self, patience=0):
        """At once, or soon where the one who would see to it was killed."""
        deadline = time.monotonic() + patience
        while processes_with(self.mark) and time.monotonic() < deadline:
            time.sleep(0.02)
        self.assertEqual(processes_with(self.mark), [], "processes of a step are left")


def every_way(tests):
    """Class decorator: a RunCase of these tests for every way that works here, named by its isolation. Single is left to
    users who have no other: what root runs, they run, too."""
    module = sys.modules[tests.__module__]
    for way in ways():
        if is_root() and way.isolation == "single" or way.isolation in getattr(tests, "left_out", ()):
            continue
        name = f"{tests.__name__}{way.isolation.capitalize()}"
        kind = type(name, (tests, RunCase), {"way": way, "__module__": tests.__module__, "__doc__": tests.__doc__})
        setattr(module, name, kind)
    return tests


def staged(store):
    """What a store has of builds that are not done, once what they discarded is removed."""
    tmp = Path(store) / "tmp"
    for discarded in tmp.glob("discarded-*"):
        removed_by_now(discarded)
    return sorted(tmp.iterdir()) if tmp.is_dir() else []


def owner(entry):
    return entry.uid, entry.gid


@contextlib.contextmanager
def mounted_tmpfs(point, size):
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=1777", "tmpfs", str(point)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", str(point)], check=True)
