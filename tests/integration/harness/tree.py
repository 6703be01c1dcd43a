"""File trees as values, and what differs between two of them."""
import contextlib
import errno
import hashlib
import os
import stat
from dataclasses import dataclass, field, fields
from pathlib import Path

KINDS = {stat.S_IFDIR: "directory", stat.S_IFREG: "file", stat.S_IFLNK: "symlink", stat.S_IFBLK: "block device",
         stat.S_IFCHR: "character device", stat.S_IFIFO: "fifo", stat.S_IFSOCK: "socket"}


@dataclass
class Entry:
    kind: int
    mode: int = 0o755
    uid: int = 0
    gid: int = 0
    mtime: int = 0
    size: int = 0
    sha256: str = ""
    target: bytes = b""
    device: tuple = (0, 0)
    xattrs: dict = field(default_factory=dict)
    links: tuple = ()  # every name of the inode, sorted, when it has more than one

    def describe(self):
        return f"{KINDS[self.kind]} {self.mode:04o} {self.uid}:{self.gid}"


def link_groups(entries, groups):
    for paths in groups:
        if len(paths) > 1:
            for path in paths:
                entries[path].links = tuple(sorted(paths))


def _xattrs(path):
    try:
        names = os.listxattr(path, follow_symlinks=False)
    except OSError as error:
        # A squashfs without an xattr table answers so.
        if error.errno == errno.EOPNOTSUPP:
            return {}
        raise
    return {name: os.getxattr(path, name, follow_symlinks=False) for name in names}


@contextlib.contextmanager
def _readable(path, status):
    """What one owns may be read, whatever its mode says for the moment."""
    wanted = stat.S_IRUSR | (stat.S_IXUSR if stat.S_ISDIR(status.st_mode) else 0)
    lacks = status.st_uid == os.geteuid() != 0 and status.st_mode & wanted != wanted
    if lacks:
        os.chmod(path, stat.S_IMODE(status.st_mode) | wanted)
    try:
        yield
    finally:
        if lacks:
            os.chmod(path, stat.S_IMODE(status.st_mode))


def walk(root, contents=True):
    """{path bytes: Entry} of a directory; the root is b"." ."""
    root = os.fsencode(root)
    found, inodes = {}, {}

    def visit(path, name):
        status = os.lstat(path)
        kind = stat.S_IFMT(status.st_mode)
        entry = Entry(kind, stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid, int(status.st_mtime))
        entry.xattrs = _xattrs(path)
        if kind == stat.S_IFREG:
            entry.size = status.st_size
            if contents:
                with _readable(path, status), open(path, "rb") as file:
                    entry.sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        elif kind == stat.S_IFLNK:
            entry.target = os.readlink(path)
        elif kind in (stat.S_IFBLK, stat.S_IFCHR):
            entry.device = (os.major(status.st_rdev), os.minor(status.st_rdev))
        found[name] = entry
        if kind == stat.S_IFDIR:
            with _readable(path, status):
                for child in os.listdir(path):
                    visit(os.path.join(path, child), child if name == b"." else name + b"/" + child)
        else:
            inodes.setdefault((status.st_dev, status.st_ino), []).append(name)

    visit(root, b".")
    link_groups(found, inodes.values())
    return found


def differences(expected, actual, ignore=()):
    """One line for each difference; `ignore` names fields that are not compared."""
    lines = []
    for path in sorted(expected.keys() | actual.keys()):
        name = path.decode(errors="backslashreplace")
        if path not in actual:
            lines.append(f"{name}: missing ({expected[path].describe()})")
        elif path not in expected:
            lines.append(f"{name}: unexpected ({actual[path].describe()})")
        else:
            for item in fields(Entry):
                want, have = getattr(expected[path], item.name), getattr(actual[path], item.name)
                if item.name not in ignore and want != have:
                    lines.append(f"{name}: {item.name} is {have!r}, expected {want!r}")
    return lines


def directory_size(path):
    return sum(file.lstat().st_size for file in Path(path).rglob("*") if not file.is_dir())
