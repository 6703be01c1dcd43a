"""What a build context can hold and git cannot: owners, modes, times, links, devices, names, archives. Made anew for each run."""
import gzip
import io
import os
import random
import shutil
import stat
import subprocess
import tarfile
from pathlib import Path

from .process import need_program

# Of the context: after the bases, so that it is the epoch in an image. Of what is in archives: before them, so that it stays.
TIME, ARCHIVED_TIME = 1_750_000_000, 1_500_000_000


def make(source, target, owner):
    """A copy of the folder `source` with all that beside it, as that user's."""
    shutil.copytree(source, target, symlinks=True)
    _same_modes(target)
    _names(target / "names")
    _modes(target / "modes")
    _links(target / "links")
    _contents(target / "contents")
    _archives(target / "archives")
    (target / "empty").mkdir()
    (target / "empty" / "inner").mkdir()
    for path in target.rglob("*"):
        _give(path, owner)
    _give(target, owner)
    settle(target)


def _give(path, owner):
    mode = path.lstat().st_mode
    os.chown(path, owner, owner, follow_symlinks=False)
    if not stat.S_ISLNK(mode):
        path.chmod(stat.S_IMODE(mode))  # setuid is lost with the old owner


def settle(folder):
    """One time for all: what a checkout does not keep."""
    for path, names, files in os.walk(folder, topdown=False):
        for name in [*names, *files, "."]:
            os.utime(os.path.join(path, name), (TIME, TIME), follow_symlinks=False)


def _same_modes(folder):
    for path in [folder, *folder.rglob("*")]:
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.suffix == ".sh" else 0o644)


def _names(folder):
    folder.mkdir()
    for name in ["with space", "naïve-名前", "new\nline", "-rf", "[x]", "star*", "back\\slash", "quote'\"", "..two", "x" * 255]:
        (folder / name).write_text(f"{name}\n")
    (folder / "dir with space").mkdir()
    (folder / "dir with space" / "file").write_text("deep\n")
    (folder / os.fsdecode(b"not-utf8-\xff")).write_text("bytes\n")


def _modes(folder):
    folder.mkdir()
    for mode in [0o400, 0o600, 0o640, 0o666, 0o755, 0o777, 0o1644, 0o2755, 0o4755, 0o6711]:
        path = folder / f"file-{mode:04o}"
        path.write_text("#!/bin/sh\n")
        path.chmod(mode)
    for mode in [0o500, 0o700, 0o755, 0o1777, 0o2775]:
        path = folder / f"dir-{mode:04o}"
        path.mkdir()
        (path / "inside").write_text("inside\n")
        path.chmod(mode)


def _links(folder):
    (folder / "real").mkdir(parents=True)
    (folder / "real" / "file").write_text("linked\n")
    for name, target in [("to-file", "real/file"), ("to-dir", "real"), ("dangling", "/no/such/thing"), ("loop", "loop"),
                         ("absolute", "/etc/passwd"), ("up", "../one"), ("out", "../../../outside"), ("long", "x/" * 400 + "end")]:
        (folder / name).symlink_to(target)
    (folder / "first").write_text("one inode\n")
    os.link(folder / "first", folder / "second")


def _contents(folder):
    folder.mkdir()
    noise = random.Random(1)
    (folder / "empty").write_bytes(b"")
    (folder / "one-byte").write_bytes(b"x")
    (folder / "no-newline").write_text("text")
    (folder / "zeros").write_bytes(bytes(300_000))
    (folder / "block").write_bytes(noise.randbytes(131072))
    (folder / "block-and-one").write_bytes(noise.randbytes(131073))
    (folder / "large").write_bytes(noise.randbytes(1_500_000))
    with (folder / "sparse").open("wb") as file:
        file.seek(3_000_000)
        file.write(b"end")


def _archives(folder):
    need_program("zstd")
    folder.mkdir()
    for name, compression in [("plain.tar", ""), ("gz.tar.gz", "gz"), ("bz2.tar.bz2", "bz2"), ("xz.tar.xz", "xz")]:
        (folder / name).write_bytes(_archive(Path(name).stem.partition(".")[0], compression))
    subprocess.run(["zstd", "-q", "-o", str(folder / "zst.tar.zst")], input=_archive("zst"), check=True)
    # What it is counts, not what it is called.
    (folder / "archive-without-a-name").write_bytes(_archive("unnamed", "gz"))
    (folder / "not-an-archive.tar.gz").write_text("just text\n")
    (folder / "single.gz").write_bytes(gzip.compress(b"no tar inside\n", mtime=0))
    (folder / "cut.tar.gz").write_bytes(_large_archive()[:-5000])
    (folder / "odd.tar").write_bytes(_odd_archive())
    (folder / "over.tar").write_bytes(_overlaying_archive())
    (folder / "empty.tar").write_bytes(_finish(lambda tar: None))


def _entry(tar, name, kind=tarfile.REGTYPE, data=b"", mode=0o644, uid=0, gid=0, **more):
    info = tarfile.TarInfo(name)
    info.type, info.mode, info.uid, info.gid, info.mtime, info.size = kind, mode, uid, gid, ARCHIVED_TIME, len(data)
    for key, value in more.items():
        setattr(info, key, value)
    tar.addfile(info, io.BytesIO(data))


def _finish(fill, compression=""):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:" + compression, format=tarfile.PAX_FORMAT) as tar:
        fill(tar)
    data = buffer.getvalue()
    return gzip.compress(gzip.decompress(data), mtime=0) if compression == "gz" else data


def _archive(name, compression=""):
    def fill(tar):
        _entry(tar, name, tarfile.DIRTYPE, mode=0o750, uid=7, gid=8)
        _entry(tar, f"{name}/file", data=name.encode(), mode=0o640, uid=7, gid=8)
        _entry(tar, f"{name}/link", tarfile.SYMTYPE, linkname="file", mode=0o777, uid=9, gid=10)
    return _finish(fill, compression)


def _large_archive():
    return _finish(lambda tar: _entry(tar, "noise", data=random.Random(2).randbytes(20_000)), "gz")


def _odd_archive():
    def fill(tar):
        _entry(tar, "./", tarfile.DIRTYPE, mode=0o700)
        _entry(tar, "./no-access", data=b"secret", mode=0)
        _entry(tar, "./setuid", data=b"#!", mode=0o4755, uid=3)
        _entry(tar, "./sticky", tarfile.DIRTYPE, mode=0o1777)
        _entry(tar, "./first", data=b"shared", uid=5, gid=6)
        _entry(tar, "./second", tarfile.LNKTYPE, linkname="./first", uid=5, gid=6)
        _entry(tar, "./pipe", tarfile.FIFOTYPE, mode=0o622)
        _entry(tar, "./null", tarfile.CHRTYPE, mode=0o666, devmajor=1, devminor=3)
        _entry(tar, "./disk", tarfile.BLKTYPE, mode=0o660, devmajor=7, devminor=9, gid=6)
        _entry(tar, "./no/parents/said", data=b"deep")
        _entry(tar, "./twice", data=b"first")
        _entry(tar, "./twice", data=b"second", mode=0o600)
        _entry(tar, "./naïve", data=b"name")
        _entry(tar, "./able", data=b"x", mode=0o755,
               pax_headers={"SCHILY.xattr.security.capability": bytes.fromhex("0100000200200000000000000000000000000000").decode("latin-1")})
    return _finish(fill)


def _overlaying_archive():
    def fill(tar):
        _entry(tar, "etc/issue", data=b"from the archive\n", mode=0o600)
        _entry(tar, "home/app", tarfile.DIRTYPE, mode=0o700, uid=1000, gid=1001)
        _entry(tar, "srv/.wh.kept", data=b"no whiteout here")
    return _finish(fill)


def special_files(folder):
    """What only root can make."""
    folder.mkdir()
    os.mkfifo(folder / "pipe")
    os.mknod(folder / "null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
    (folder / "owned").write_text("owned\n")
    os.chown(folder / "owned", 1234, 5678)
    (folder / "secret").write_text("secret\n")
    (folder / "secret").chmod(0)
    settle(folder)
