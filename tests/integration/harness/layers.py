"""The layer rules of the OCI image specification, as plainly as they can be said: tars in, a tree out. The tests' own
opinion, to hold an image against where no other tool can be asked."""
import hashlib
import io
import stat
import tarfile

from .tree import Entry, link_groups

KINDS = {tarfile.REGTYPE: stat.S_IFREG, tarfile.AREGTYPE: stat.S_IFREG, tarfile.GNUTYPE_SPARSE: stat.S_IFREG,
         tarfile.DIRTYPE: stat.S_IFDIR, tarfile.SYMTYPE: stat.S_IFLNK, tarfile.CHRTYPE: stat.S_IFCHR,
         tarfile.BLKTYPE: stat.S_IFBLK, tarfile.FIFOTYPE: stat.S_IFIFO}
OPAQUE = b".wh..wh..opq"
WHITEOUT = b".wh."


def merge(layers):
    """{path bytes: Entry} of uncompressed layer tars, lowest first. Missing parents have mtime 0."""
    entries = {b".": Entry(stat.S_IFDIR)}
    inodes = {}  # path -> identity of the inode
    for number, layer in enumerate(layers):
        _whiteouts(entries, inodes, layer)
        _add(entries, inodes, layer, number)
    groups = {}
    for path, inode in inodes.items():
        groups.setdefault(inode, []).append(path)
    link_groups(entries, groups.values())
    return entries


def texts(layers, names):
    """{name: what the highest layer says that has the file}."""
    found = {}
    for layer in layers:
        with _open(layer) as tar:
            found.update((name, tar.extractfile(member).read().decode()) for member in tar
                         if (name := _name(member.name).decode(errors="replace")) in names and member.isreg())
    return found


def _name(member):
    name = member.encode("utf-8", "surrogateescape")
    parts = [part for part in name.split(b"/") if part not in (b"", b".")]
    return b"/".join(parts) or b"."


def _open(layer):
    return tarfile.open(fileobj=io.BytesIO(layer), encoding="utf-8", errors="surrogateescape")


def _remove(entries, inodes, path, keep_top=False):
    for old in [old for old in entries if old.startswith(path + b"/") or old == path and not keep_top]:
        entries.pop(old)
        inodes.pop(old, None)


def _whiteouts(entries, inodes, layer):
    with _open(layer) as tar:
        for member in tar:
            folder, _, last = _name(member.name).rpartition(b"/")
            if last == OPAQUE:
                _remove(entries, inodes, folder, keep_top=True)
            elif last.startswith(WHITEOUT):
                hidden = last[len(WHITEOUT):]
                _remove(entries, inodes, folder + b"/" + hidden if folder else hidden)


def _add(entries, inodes, layer, number):
    with _open(layer) as tar:
        for index, member in enumerate(tar):
            path = _name(member.name)
            if path.rpartition(b"/")[2].startswith(WHITEOUT):
                continue
            _parents(entries, inodes, path)
            if member.islnk():
                target = _name(member.linkname)
                _remove(entries, inodes, path)
                entries[path], inodes[path] = entries[target], inodes[target]
                continue
            entry = _entry(tar, member)
            if entry.kind == stat.S_IFDIR:
                if path in entries and entries[path].kind != stat.S_IFDIR:
                    _remove(entries, inodes, path)
            else:
                _remove(entries, inodes, path)
                inodes[path] = (number, index)
            entries[path] = entry


def _parents(entries, inodes, path):
    parts = path.split(b"/")
    for length in range(1, len(parts)):
        parent = b"/".join(parts[:length])
        if parent not in entries or entries[parent].kind != stat.S_IFDIR:
            _remove(entries, inodes, parent)
            entries[parent] = Entry(stat.S_IFDIR)


def _entry(tar, member):
    entry = Entry(KINDS[member.type], member.mode & 0o7777, member.uid, member.gid, int(member.mtime))
    if entry.kind == stat.S_IFREG:
        data = tar.extractfile(member).read()
        entry.size, entry.sha256 = len(data), hashlib.sha256(data).hexdigest()
    elif entry.kind == stat.S_IFLNK:
        entry.target = member.linkname.encode("utf-8", "surrogateescape")
        entry.mode = 0o777
    elif entry.kind in (stat.S_IFCHR, stat.S_IFBLK):
        entry.device = (member.devmajor, member.devminor)
    prefix = "SCHILY.xattr."
    entry.xattrs = {key.removeprefix(prefix): value.encode("utf-8", "surrogateescape")
                    for key, value in member.pax_headers.items() if key.startswith(prefix)}
    return entry
