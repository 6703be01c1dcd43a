"""The test case that every theme builds on: a scratch folder, a store of its own, the program, and registries."""
import atexit
import contextlib
import fcntl
import functools
import hashlib
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import unittest
from dataclasses import dataclass
from pathlib import Path

from . import bases, parts
from .oci import Layout
from .registry import Registry
from .squashfs import Reader
from .tree import differences

PROGRAM = os.environ.get("GBUILD", str(parts.PROJECT / "build" / "dev" / "gbuild"))


@dataclass(frozen=True)
class Run:
    code: int
    out: str
    err: str

    def __str__(self):
        return f"exit code {self.code}\n--- standard output\n{self.out}--- standard error\n{self.err}"


@functools.cache
def scratch_root():
    """One folder for the whole run, removed at its end."""
    folder = Path(tempfile.mkdtemp(prefix="gbuild-it-"))
    atexit.register(_remove, folder)
    return folder


def _remove(folder):
    """Also what tests made unreadable, or gave to subordinate ids."""
    for path, folders, _ in os.walk(folder):
        for name in [name for name in folders if name.startswith("discarded-")]:
            removed_by_now(Path(path) / name)
            folders.remove(name)
    foreign = [path for path in folder.rglob("*") if not path.is_symlink() and path.stat().st_uid not in (0, os.geteuid())]
    if foreign and os.geteuid() != 0:
        subprocess.run(["unshare", "--map-root-user", "--map-auto", "rm", "-rf", str(folder)], check=True)
        return
    for path, folders, _ in os.walk(folder):
        for name in folders:
            inner = Path(path) / name
            if not inner.is_symlink():
                inner.chmod(0o700)
    shutil.rmtree(folder)


def removed_by_now(discarded):
    """Waits for the process in the background that removes what a store discarded."""
    with contextlib.suppress(OSError):
        held = os.open(discarded, os.O_RDONLY)
        try:
            fcntl.flock(held, fcntl.LOCK_EX)
        finally:
            os.close(held)
    return not discarded.exists()


# functools.cache calls a function again while another thread is still in its first call of it.
_making = threading.RLock()


def made_once(make):
    cached = functools.cache(make)

    @functools.wraps(make)
    def get():
        with _making:
            return cached()

    return get


@made_once
def shared_layout():
    """tiny, edge, edge-in-range and box as an OCI layout."""
    layout = Layout(scratch_root() / "layout")
    layout.add_image(bases.tiny_image(), "tiny")
    layout.add_image(bases.edge_image(), "edge")
    layout.add_image(bases.box_image(), "box")
    layout.add_image(bases.edge_image_in_range(), "edge-in-range")
    return layout


@made_once
def shared_registry():
    """A plain registry with library/NAME of all in shared_layout()."""
    registry = Registry(scratch_root() / "registry")
    atexit.register(registry.stop)
    for name in ["tiny", "edge", "edge-in-range", "box"]:
        registry.push(shared_layout(), name, f"library/{name}:latest")
    return registry


@made_once
def debian_registry():
    """shared_registry(), with library/debian, too."""
    registry = shared_registry()
    registry.push(parts.debian_layout(), "latest", "library/debian:latest")
    return registry


@made_once
def package_registry():
    """debian_registry(), with library/debian-python and library/debian-node, too."""
    registry = debian_registry()
    for name, layout in [("debian-python", parts.python_layout()), ("debian-node", parts.node_layout())]:
        registry.push(layout, "latest", f"library/{name}:latest")
    return registry


def scratch_folder(name):
    """A folder that outlives a test, until the end of the run."""
    return Path(tempfile.mkdtemp(dir=scratch_root(), prefix=name + "-"))


class Case(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.dir = Path(tempfile.mkdtemp(dir=scratch_root(), prefix=self.id().rpartition(".")[2] + "-"))
        self.addCleanup(_remove, self.dir)
        self.home = self.folder("home")
        self.store = self.dir / "store"

    def folder(self, name):
        path = self.dir / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    def context(self, files, name="context"):
        """A build context: {path: text or bytes; None for a folder}."""
        folder = self.folder(name)
        for path, data in files.items():
            target = folder / path
            if data is None:
                target.mkdir(parents=True, exist_ok=True)
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data.encode() if isinstance(data, str) else data)
        return folder

    # The program.

    def command(self, *arguments):
        """How gbuild is called."""
        return [PROGRAM, *map(str, arguments)]

    def environment(self, **changes):
        """What gbuild sees: nothing of the caller's but PATH; a value of None takes a variable away."""
        values = {"PATH": os.environ["PATH"], "HOME": str(self.home), "GBUILD_ROOT": str(self.store), "LC_ALL": "C.UTF-8",
                  "TMPDIR": str(self.folder("tmp")), "GBUILD_SYSTEM_CONFIG": "/dev/null",
                  "CONTAINERS_REGISTRIES_CONF": "/dev/null"}
        for name in ["ASAN_OPTIONS", "LSAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS"]:
            if name in os.environ:
                values[name] = os.environ[name]
        values.update(changes)
        return {name: str(value) for name, value in values.items() if value is not None}

    def start(self, *arguments, cwd=None, env=None, umask=-1):
        return subprocess.Popen(self.command(*arguments), cwd=cwd or self.dir, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, umask=umask,
                                env=self.environment(**(env or {})))

    def gbuild(self, *arguments, cwd=None, env=None, code=0, stdin=None, umask=-1):
        """Runs the program and checks its exit code."""
        done = subprocess.run(self.command(*arguments), cwd=cwd or self.dir, input=stdin or b"", umask=umask,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=self.environment(**(env or {})),
                              timeout=600, check=False)
        result = Run(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))
        if code is not None and result.code != code:
            self.fail(f"gbuild {' '.join(map(str, arguments))}: expected exit code {code}, got {result}")
        return result

    def build(self, dockerfile, files=None, options=(), code=0, registry=None, name="image", **more):
        """Builds into self.dir/NAME.gvmi, with `FROM tiny` and `FROM edge` at hand, and returns the Run."""
        context = self.context({"Dockerfile": dockerfile, **(files or {})}, "context-" + name)
        return self.gbuild("build", "--registry-mirror", (registry or shared_registry()).host, "-t", name, "-o",
                           self.image(name), *options, context, code=code, **more)

    def image(self, name="image"):
        return self.dir / f"{name}.gvmi"

    def built(self, dockerfile, files=None, options=(), name="image", **more):
        """The tree of what build() makes."""
        self.build(dockerfile, files, options, name=name, **more)
        return self.tree(self.image(name))

    def tree(self, image):
        with Reader(image) as reader:
            return reader.entries()

    def read(self, path, name="image"):
        with Reader(self.image(name)) as reader:
            return reader.read(path)

    def interrupt(self, process, delay, number=signal.SIGKILL):
        """Sends a signal once the process has run for `delay` seconds, unless it has ended by itself."""
        timer = threading.Timer(delay, lambda: process.poll() is None and process.send_signal(number))
        timer.start()
        out, err = process.communicate()
        timer.cancel()
        return Run(process.returncode, out.decode(errors="replace"), err.decode(errors="replace"))

    # Checks.

    def assert_same_tree(self, expected, actual, ignore=()):
        lines = differences(expected, actual, ignore)
        if lines:
            more = f"\n… and {len(lines) - 30} more" if len(lines) > 30 else ""
            self.fail(f"{len(lines)} differences:\n" + "\n".join(lines[:30]) + more)

    def assert_error(self, run, *parts_of_text):
        """One error that says what, where and what to do; no crash, no output file, no debris."""
        self.assertIn("error:", run.err, run)
        for text in parts_of_text:
            self.assertIn(text, run.err, run)
        self.assert_no_output()

    def assert_no_output(self, name="image"):
        self.assertFalse(self.image(name).exists(), "a failed build left its output")
        left = [path.name for path in self.dir.iterdir() if ".gvmi" in path.name]
        self.assertEqual(left, [], "a failed build left files beside the output")

    def assert_store_verified(self):
        """Every blob in the store has the content its name promises."""
        for blob in (self.store / "blobs").rglob("*"):
            if blob.is_file() and len(blob.name) == 64:
                self.assertEqual(hashlib.sha256(blob.read_bytes()).hexdigest(), blob.name, "the store holds a bad blob")
