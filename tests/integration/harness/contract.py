"""What a Golem provider's VM needs of an image, applied to an expected tree."""
import hashlib
import stat

from .tree import Entry

EMPTY = hashlib.sha256(b"").hexdigest()


def with_vm_entries(tree, epoch, volumes=(), workdir="/"):
    """A copy of `tree` with exactly what is added for the VM. New entries have mtime `epoch`."""
    entries = dict(tree)
    root = entries[b"."]
    entries[b"."] = Entry(root.kind, 0o755, root.uid, root.gid, root.mtime, xattrs=root.xattrs)
    for path in [b"dev", b"dev/pts", b"dev/shm", b"proc", b"sys", b"etc", b"var"]:
        entries.setdefault(path, Entry(stat.S_IFDIR, 0o755, mtime=epoch))
    for path in [b"tmp", b"var/tmp"]:
        entries.setdefault(path, Entry(stat.S_IFDIR, 0o1777, mtime=epoch))
    for path in [b"etc/hosts", b"etc/hostname", b"etc/resolv.conf"]:
        if path not in entries or entries[path].kind != stat.S_IFREG:
            entries[path] = Entry(stat.S_IFREG, 0o644, mtime=epoch, sha256=EMPTY)
    entries.setdefault(b"etc/mtab", Entry(stat.S_IFLNK, 0o777, mtime=epoch, target=b"/proc/mounts"))
    for point in [*volumes, workdir]:
        parts = [part for part in point.encode().split(b"/") if part]
        for length in range(1, len(parts) + 1):
            path = b"/".join(parts[:length])
            if entries.setdefault(path, Entry(stat.S_IFDIR, 0o755, mtime=epoch)).kind != stat.S_IFDIR:
                break  # a link that leads there
    return entries
