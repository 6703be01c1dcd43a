"""What takes long to get and changes seldom: Debian's base system and kernel. Fetched once, kept outside the repository."""
import os
import shutil
import tempfile
from pathlib import Path

from .oci import AMD64, PATH_ENV, Image, Layout
from .process import is_root, missing_part, run

PROJECT = Path(__file__).resolve().parents[3]


def cache_folder():
    """$GBUILD_TEST_CACHE; root's default is where another user can read it, too."""
    if "GBUILD_TEST_CACHE" in os.environ:
        return Path(os.environ["GBUILD_TEST_CACHE"])
    if is_root():
        return Path("/var/cache/gbuild-test")
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gbuild-test"


def debian_layout():
    """Debian's minimal system as an image with one gzip layer, tag "latest"."""
    return _layout_with("debian")


def python_layout():
    """The same with Python and what building a package with an extension in C takes."""
    return _layout_with("debian-python", "python3-venv", "python3-dev", "python3-setuptools", "python3-wheel", "gcc", "libc6-dev")


def node_layout():
    """The same with node and npm."""
    return _layout_with("debian-node", "npm")


def apt_setup(folder):
    """What an image needs in /etc/apt to install packages of this machine's archive. Made anew: it is kept nowhere."""
    run(PROJECT / "tools" / "lib" / "apt-setup", folder)


def kernel_folder():
    """vmlinuz and modules/*.ko of Debian's generic kernel package, unpacked, not installed."""
    return _made_once("kernel-with-network", _make_kernel)


def busybox():
    path = shutil.which("busybox", path="/bin:/usr/bin") or missing_part("busybox-static is not installed")
    return Path(path)


def applets():
    return run(busybox(), "--list").split()


def prepare():
    for part in [debian_layout, python_layout, node_layout, kernel_folder]:
        part()


def _layout_with(name, *packages):
    return Layout(_made_once(name, lambda folder: _make_debian(folder, packages)))


def _made_once(name, make):
    """The folder `name` of the cache, complete or not there at all."""
    cache = cache_folder()
    if not (cache / name).exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache, prefix=".making-") as scratch:
            folder = Path(scratch) / name
            folder.mkdir()
            make(folder)
            folder.chmod(0o755)
            try:
                folder.rename(cache / name)
            except OSError:
                if not (cache / name).exists():
                    raise
    return cache / name


def _make_debian(folder, packages):
    if shutil.which("mmdebstrap") is None:
        missing_part("mmdebstrap is not installed")
    tar = folder / "base.tar"
    run(PROJECT / "tools" / "lib" / "bootstrap-debian", tar, *packages)
    image = Image([tar], {"Env": [PATH_ENV], "Cmd": ["bash"]}, dict(AMD64))
    Layout(folder).add_image(image, "latest")
    tar.unlink()


def _make_kernel(folder):
    with tempfile.TemporaryDirectory() as scratch:
        # apt drops its rights to a user of its own where it is run as root.
        os.chmod(scratch, 0o777)
        package = _kernel_package()
        if package is None:
            missing_part("apt knows no linux-image-amd64")
        run("apt-get", "download", "-q", package, cwd=scratch)
        deb = next(Path(scratch).glob("*.deb"))
        run("dpkg-deb", "-x", deb, Path(scratch) / "unpacked")
        unpacked = Path(scratch) / "unpacked"
        shutil.copy(next(unpacked.glob("boot/vmlinuz-*")), folder / "vmlinuz")
        (folder / "modules").mkdir()
        for part in ["net/9p", "fs/9p", "fs/netfs", "fs/fscache", "fs/squashfs", "fs/overlayfs", "drivers/virtio",
                     "drivers/block", "drivers/char", "drivers/char/hw_random", "drivers/net", "net/core"]:
            for module in unpacked.glob(f"lib/modules/*/kernel/{part}/*.ko"):
                shutil.copy(module, folder / "modules")
    (folder / "vmlinuz").chmod(0o644)


def _kernel_package():
    """The package that the metapackage stands for today."""
    try:
        depends = run("apt-cache", "depends", "linux-image-amd64")
    except AssertionError:
        return None
    names = [line.split()[1] for line in depends.splitlines() if line.strip().startswith("Depends: linux-image-")]
    return names[0] if names else None
