"""Layer tars, as plain or as hostile as a test needs them."""
import io
import tarfile

from .oci import CREATED_SECONDS


class Tar:
    """Collects entries; `bytes()` is the finished, uncompressed tar in PAX format."""

    def __init__(self, mtime=CREATED_SECONDS, fmt=tarfile.PAX_FORMAT):
        self._buffer = io.BytesIO()
        self._tar = tarfile.open(fileobj=self._buffer, mode="w", format=fmt)
        self._mtime = mtime

    def add(self, name, kind=tarfile.REGTYPE, data=b"", mode=None, uid=0, gid=0, target="", device=(0, 0), mtime=None,
            pax=None, xattrs=None):
        info = tarfile.TarInfo(name)
        info.type = kind
        info.mode = mode if mode is not None else (0o755 if kind == tarfile.DIRTYPE else 0o644)
        info.uid, info.gid = uid, gid
        info.linkname = target
        info.devmajor, info.devminor = device
        info.mtime = self._mtime if mtime is None else mtime
        info.pax_headers = dict(pax or {})
        for key, value in (xattrs or {}).items():
            # PAX values are bytes; tarfile writes surrogate escapes back as the bytes they stand for.
            info.pax_headers["SCHILY.xattr." + key] = value.decode("utf-8", "surrogateescape")
        if isinstance(data, str):
            data = data.encode()
        if kind == tarfile.REGTYPE:
            info.size = len(data)
        self._tar.addfile(info, io.BytesIO(data) if kind == tarfile.REGTYPE else None)
        return self

    def file(self, name, data=b"", **more):
        return self.add(name, data=data, **more)

    def directory(self, name, **more):
        return self.add(name, tarfile.DIRTYPE, **more)

    def symlink(self, name, target, **more):
        return self.add(name, tarfile.SYMTYPE, target=target, mode=0o777, **more)

    def hardlink(self, name, target, **more):
        return self.add(name, tarfile.LNKTYPE, target=target, **more)

    def fifo(self, name, **more):
        return self.add(name, tarfile.FIFOTYPE, **more)

    def character(self, name, major, minor, **more):
        return self.add(name, tarfile.CHRTYPE, device=(major, minor), **more)

    def block(self, name, major, minor, **more):
        return self.add(name, tarfile.BLKTYPE, device=(major, minor), **more)

    def whiteout(self, name):
        folder, _, last = name.rpartition("/")
        return self.file(f"{folder}/.wh.{last}" if folder else f".wh.{last}")

    def opaque(self, folder):
        return self.file(folder + "/.wh..wh..opq")

    def bytes(self):
        self._tar.close()
        return self._buffer.getvalue()


def archive(files, compression=""):
    """A tar for ADD: {name: contents}; compression as tarfile names it ("gz", "bz2", "xz")."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:" + compression) as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            info.mtime = CREATED_SECONDS
            info.mode = 0o640
            info.uid, info.gid = 7, 8
            tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()
