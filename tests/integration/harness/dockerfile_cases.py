"""The Dockerfiles of testdata/differential, and what they are built with.

THEME/NAME.Dockerfile is a case. Beside it there may be
    NAME.like.Dockerfile   the same in words that buildah knows, which it builds instead; its first line says why
    NAME.dockerignore      a .dockerignore for this case alone
    NAME.options           more arguments for both, one a line; {folder} is where the contexts are, {registry} where the
                           bases are
Cases of the theme `refused` must fail."""
import shutil
from dataclasses import dataclass
from pathlib import Path

from . import bases, odd_context
from .case import made_once, scratch_folder, shared_layout, shared_registry
from .isolation import SOMEBODY
from .oci import PATH_ENV, Image
from .parts import PROJECT
from .process import run
from .tars import Tar

DATA = PROJECT / "testdata" / "differential"
REFUSED = "refused"


@dataclass(frozen=True)
class DifferentialCase:
    path: Path

    @property
    def name(self):
        return f"{self.theme}/{self.path.name.removesuffix('.Dockerfile')}"

    @property
    def theme(self):
        return self.path.parent.name

    def beside(self, ending):
        """The file NAME.ENDING, or None."""
        path = self.path.with_name(self.path.name.removesuffix("Dockerfile") + ending)
        return path if path.exists() else None

    @property
    def options(self):
        path = self.beside("options")
        return path.read_text().format(folder=contexts(), registry=registry().host).splitlines() if path else []

    @property
    def must_fail(self):
        return self.theme == REFUSED

    @property
    def only_root(self):
        """Whether it takes what only root may read."""
        return "special" in "".join(self.options)


def cases():
    return [DifferentialCase(path) for path in sorted(DATA.glob("*/*.Dockerfile")) if ".like." not in path.name]


def readable(path):
    """A copy of one of DATA's files where everybody gets."""
    return contexts() / "data" / path.relative_to(DATA)


@made_once
def contexts():
    """A folder with `main`, the context of all cases, and the named ones `other` and `special`. `main` is not root's: a
    builder has no need to be."""
    folder = scratch_folder("contexts")
    folder.chmod(0o755)
    odd_context.make(DATA / "context", folder / "main", SOMEBODY)
    (folder / "other").mkdir()
    (folder / "other" / "named").write_text("from a named context\n")
    odd_context.settle(folder / "other")
    odd_context.special_files(folder / "special")
    shutil.copytree(DATA, folder / "data", ignore=shutil.ignore_patterns("context"))
    return folder


def context(case):
    """`main`, or a copy of it with what the case adds."""
    ignore = case.beside("dockerignore")
    if not ignore:
        return contexts() / "main"
    folder = scratch_folder("context") / "main"
    folder.parent.chmod(0o755)
    run("cp", "-a", contexts() / "main", folder)
    shutil.copy(ignore, folder / ".dockerignore")
    return folder


@made_once
def registry():
    """shared_registry() and bases whose configuration says a lot."""
    found = shared_registry()
    full = {"User": "app:staff", "WorkingDir": "/srv/full", "Entrypoint": ["/bin/echo"], "Volumes": {"/data": {}},
            "ExposedPorts": {"80/tcp": {}}, "StopSignal": "SIGINT", "Shell": ["/bin/ash", "-c"],
            "Env": [PATH_ENV, "FULL=1", "EMPTY="], "Labels": {"base": "full", "b": "c"},
            "Healthcheck": {"Test": ["CMD", "true"], "Interval": 5_000_000_000, "Retries": 2}}
    triggers = ["COPY one /triggered", "ENV TRIGGERED=yes", "RUN echo ran > /ran"]
    for name, image in [("full", bases.box_image(**full)), ("triggers", bases.box_image(OnBuild=triggers)),
                        ("odd", Image([bases.odd_layer()], {"Env": [PATH_ENV]})), ("linked", Image([_linked_layer()], {"Env": [PATH_ENV]}))]:
        shared_layout().add_image(image, name)
        found.push(shared_layout(), name, f"library/{name}:latest")
    return found


def _linked_layer():
    """A system whose /bin and others are links, as distributions have it."""
    tar = Tar().directory("usr").directory("usr/bin").directory("srv").directory("srv/real").directory("etc")
    tar.symlink("bin", "usr/bin").symlink("srv/way", "real").symlink("srv/far", "/srv/real").symlink("srv/up", "../etc")
    tar.symlink("srv/nowhere", "/not/there").symlink("srv/to-file", "real/file").file("srv/real/file", "file\n")
    tar.symlink("srv/loop", "loop").file("etc/passwd", bases.PASSWD).file("etc/group", bases.GROUP)
    tar.hardlink("srv/again", "srv/real/file")
    return tar.bytes()
