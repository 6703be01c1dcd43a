"""The builders whose images are compared, each with a store of its own for the whole run."""
import contextlib
import functools
import hashlib
import json
import os
import pickle
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from . import gvmi, layers
from .case import PROGRAM, scratch_folder, shared_layout
from .dockerfile_cases import DATA, context, readable, registry
from .isolation import SOMEBODY, account_files, as_somebody, program
from .oci import CREATED_SECONDS
from .parts import cache_folder
from .process import run
from .squashfs import Reader


@dataclass
class Built:
    """What a builder made; `error` is what it said when it failed."""
    tree: dict = field(default_factory=dict)
    config: dict = field(default_factory=dict)
    accounts: dict = field(default_factory=dict)  # etc/passwd and etc/group
    digest: str = ""  # of the image's bytes
    error: str = ""


class Gbuild:
    """As who runs the tests; `somebody` is a user with one id and emulated owners, for root to hold against itself."""

    def __init__(self, somebody=False):
        self._folder = scratch_folder("differential")
        self._prefix = as_somebody(account_files()) if somebody else ()
        self._program = program() if somebody else PROGRAM
        self._isolation = "single" if somebody else "auto"
        if somebody:
            os.chown(self._folder, SOMEBODY, SOMEBODY)

    def built(self, case):
        with self._image(case) as (image, error):
            if error:
                return Built(error=error)
            with Reader(image) as reader:
                return Built(reader.entries(), gvmi.read_trailer(image).config, digest=gvmi.sha256(image))

    def digest(self, case):
        """Of the image alone; "" when there is none."""
        with self._image(case) as (image, error):
            return "" if error else gvmi.sha256(image)

    @contextlib.contextmanager
    def _image(self, case):
        """(path, what it said if it failed)."""
        image = self._folder / f"{case.name.replace('/', '-')}.gvmi"
        done = subprocess.run([*self._prefix, str(self._program), "build", "--registry-mirror", registry().host, "--isolation",
                               self._isolation, "--progress", "plain", "--vm-user", "image", "-o", str(image),
                               "-f", str(readable(case.path)), *case.options, str(context(case))],
                              cwd=self._folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, timeout=600,
                              env={"PATH": os.environ["PATH"], "HOME": str(self._folder), "LC_ALL": "C.UTF-8",
                                   "GBUILD_ROOT": str(self._folder / "store"), "SOURCE_DATE_EPOCH": str(CREATED_SECONDS)})
        yield image, f"exit code {done.returncode}\n{done.stdout.decode(errors='replace')}" if done.returncode else ""
        image.unlink(missing_ok=True)


@functools.cache
def surroundings():
    """What buildah's answers depend on besides the case: itself, the bases, the contexts, and what makes and reads all these."""
    hasher = hashlib.sha256(run("buildah", "--version").encode())
    hasher.update((shared_layout().path / "index.json").read_bytes())
    files = [path for folder in (Path(__file__).parent, DATA / "context") for path in folder.rglob("*") if path.is_file() or path.is_symlink()]
    for path in sorted(path for path in files if "__pycache__" not in path.parts):
        hasher.update(f"\0{path.name}\0".encode() + (os.fsencode(path.readlink()) if path.is_symlink() else path.read_bytes()))
    return hasher.hexdigest()


class Buildah:
    # What docker leaves to a step, where buildah leaves less.
    RIGHTS = ["--cap-add=CAP_MKNOD", "--cap-add=CAP_NET_RAW", "--cap-add=CAP_AUDIT_WRITE"]

    def __init__(self):
        self._folder = scratch_folder("buildah")
        (self._folder / "registries.conf").write_text(
            'unqualified-search-registries = ["docker.io"]\n'
            f'[[registry]]\nprefix = "docker.io"\nlocation = "{registry().host}"\ninsecure = true\n')
        # Overlay costs less; it does not work on top of every file system.
        self._driver = "overlay" if self._run("overlay", "from", "scratch").returncode == 0 else "vfs"

    @staticmethod
    @functools.cache
    def is_listed():
        """Whether it is the version that differences.txt was made with: another one may know more."""
        return run("buildah", "--version").startswith("buildah version 1.28.")

    def built(self, case):
        """Once for each case, context and version of buildah: its answers are kept, since it takes most of the time."""
        kept = cache_folder() / "buildah" / self._key_of(case)
        if kept.exists():
            return pickle.loads(kept.read_bytes())
        built = self.built_from(case.name.replace("/", "-"), readable(case.beside("like.Dockerfile") or case.path), case.options,
                                context(case))
        if not built.error or case.must_fail:
            kept.parent.mkdir(parents=True, exist_ok=True)
            partial = kept.with_name(f"{kept.name}.{os.getpid()}")
            partial.write_bytes(pickle.dumps(built))
            partial.rename(kept)
        return built

    def _key_of(self, case):
        hasher = hashlib.sha256(f"{surroundings()} {self._driver} {case.name}".encode())
        for ending in ["Dockerfile", "like.Dockerfile", "dockerignore", "options"]:
            path = case.beside(ending)
            hasher.update(f"\0{ending}\0{path.read_text() if path else ''}".encode())
        return hasher.hexdigest()

    def built_from(self, name, dockerfile, options, folder):
        target = self._folder / name
        done = self._run(self._driver, "bud", "--format", "docker", "--isolation", "chroot", *self.RIGHTS, "--layers=false",
                         "--force-rm", "--pull=false", "--tls-verify=false", "--identity-label=false", "-t", f"dir:{target}",
                         "-f", dockerfile, *options, folder)
        # It also fails after the work is done: to look up an image that is no other than its base.
        if not (target / "manifest.json").exists():
            return Built(error=f"exit code {done.returncode}\n" + done.stdout.decode(errors="replace"))
        manifest = json.loads((target / "manifest.json").read_text())
        blobs = [(target / item["digest"].removeprefix("sha256:")).read_bytes() for item in manifest["layers"]]
        config = json.loads((target / manifest["config"]["digest"].removeprefix("sha256:")).read_text())
        shutil.rmtree(target)
        return Built(layers.merge(blobs), config["config"], layers.texts(blobs, ["etc/passwd", "etc/group"]))

    def _run(self, driver, *arguments):
        # What its storage leaves mounted goes with the mount namespace.
        command = ["unshare", "--mount", "--propagation", "private", "buildah", "--root", self._folder / driver, "--runroot",
                   self._folder / f"{driver}-run", "--storage-driver", driver, *arguments]
        return subprocess.run(list(map(str, command)), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False, timeout=600,
                              env={"PATH": os.environ["PATH"], "HOME": str(self._folder), "LC_ALL": "C.UTF-8",
                                   "CONTAINERS_REGISTRIES_CONF": str(self._folder / "registries.conf")})
