"""An independent squashfs 4.0 reader, written from the format's description, so that an image can be judged without the
library that wrote it and without root. Understands gzip, xz and uncompressed blocks."""
import hashlib
import lzma
import stat
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

from .tree import Entry, link_groups

NO_TABLE = 0xFFFFFFFFFFFFFFFF
NO_INDEX = 0xFFFFFFFF
COMPRESSORS = {1: "gzip", 2: "lzma", 3: "lzo", 4: "xz", 5: "lz4", 6: "zstd"}
FILE_TYPES = {1: stat.S_IFDIR, 2: stat.S_IFREG, 3: stat.S_IFLNK, 4: stat.S_IFBLK, 5: stat.S_IFCHR, 6: stat.S_IFIFO,
              7: stat.S_IFSOCK}
XATTR_PREFIXES = {0: "user.", 1: "trusted.", 2: "security."}
FLAG_EXPORTABLE = 0x0080


class FormatError(Exception):
    pass


@dataclass(frozen=True)
class Superblock:
    inodes: int
    mtime: int
    block_size: int
    fragments: int
    compressor: str
    flags: int
    ids: int
    version: tuple
    root: int
    bytes_used: int
    id_table: int
    xattr_table: int
    inode_table: int
    directory_table: int
    fragment_table: int
    export_table: int


def read_superblock(raw):
    (magic, inodes, mtime, block_size, fragments, compressor, block_log, flags, ids, major, minor, root, used, id_table,
     xattr_table, inode_table, directory_table, fragment_table, export_table) = struct.unpack("<5I6H8Q", raw[:96])
    if magic != 0x73717368:
        raise FormatError("no squashfs magic")
    if 1 << block_log != block_size:
        raise FormatError(f"block size {block_size} and its logarithm {block_log} disagree")
    return Superblock(inodes, mtime, block_size, fragments, COMPRESSORS[compressor], flags, ids, (major, minor), root, used,
                      id_table, xattr_table, inode_table, directory_table, fragment_table, export_table)


@dataclass
class Inode:
    kind: int
    mode: int
    uid: int
    gid: int
    mtime: int
    number: int
    nlink: int = 1
    size: int = 0
    start: int = 0
    offset: int = 0
    fragment: int = NO_INDEX
    blocks: tuple = ()
    target: bytes = b""
    rdev: int = 0
    xattr: int = NO_INDEX
    parent: int = 0


class Reader:
    """`entries()` gives the whole tree; each member reads on demand."""

    def __init__(self, path):
        self._file = Path(path).open("rb")
        self.superblock = read_superblock(self._read(0, 96))
        self._metadata = {}
        self._fragments = {}
        self._ids = self._id_table()
        self._fragment_entries = self._table(self.superblock.fragment_table, self.superblock.fragments, "<QII")
        self._load_xattr_index()

    def close(self):
        self._file.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # Raw access.

    def _read(self, offset, length):
        self._file.seek(offset)
        data = self._file.read(length)
        if len(data) != length:
            raise FormatError(f"the file ends before {offset + length}")
        return data

    def _inflate(self, data):
        if self.superblock.compressor == "gzip":
            return zlib.decompress(data)
        if self.superblock.compressor == "xz":
            return lzma.decompress(data)
        raise FormatError(f"this reader has no {self.superblock.compressor}")

    def _metadata_block(self, offset):
        """The block's bytes and the offset of the next one."""
        if offset not in self._metadata:
            header, = struct.unpack("<H", self._read(offset, 2))
            size = header & 0x7FFF
            data = self._read(offset + 2, size)
            block = data if header & 0x8000 else self._inflate(data)
            if len(block) > 8192:
                raise FormatError(f"metadata block at {offset} holds {len(block)} bytes")
            self._metadata[offset] = (block, offset + 2 + size)
        return self._metadata[offset]

    def _cursor(self, table, reference):
        return Cursor(self, table + (reference >> 16), reference & 0xFFFF)

    def _table(self, start, count, layout):
        """A table reached through a list of metadata block offsets."""
        size = struct.calcsize(layout)
        if count == 0 or start == NO_TABLE:
            return []
        pointers = (count * size + 8191) // 8192
        entries = []
        for pointer in struct.unpack(f"<{pointers}Q", self._read(start, 8 * pointers)):
            block, _ = self._metadata_block(pointer)
            entries += struct.iter_unpack(layout, block)
        return entries[:count]

    def _id_table(self):
        return [entry[0] for entry in self._table(self.superblock.id_table, self.superblock.ids, "<I")]

    def _load_xattr_index(self):
        self._xattr_start, self._xattr_sets = 0, []
        if self.superblock.xattr_table != NO_TABLE:
            self._xattr_start, count, _ = struct.unpack("<QII", self._read(self.superblock.xattr_table, 16))
            self._xattr_sets = self._table(self.superblock.xattr_table + 16, count, "<QII")

    def export_table(self):
        """Inode references by inode number - 1."""
        return [entry[0] for entry in self._table(self.superblock.export_table, self.superblock.inodes, "<Q")]

    # Inodes.

    def inode(self, reference):
        cursor = self._cursor(self.superblock.inode_table, reference)
        kind, mode, uid, gid, mtime, number = cursor.unpack("<4H2I")
        node = Inode(kind if kind < 8 else kind - 7, mode, self._ids[uid], self._ids[gid], mtime, number)
        extended = kind >= 8
        if node.kind == 1:
            self._directory(node, cursor, extended)
        elif node.kind == 2:
            self._regular(node, cursor, extended)
        elif node.kind == 3:
            node.nlink, length = cursor.unpack("<2I")
            node.target = cursor.read(length)
            node.size = length
        elif node.kind in (4, 5):
            node.nlink, node.rdev = cursor.unpack("<2I")
        else:
            node.nlink, = cursor.unpack("<I")
        if extended and node.kind > 2:
            node.xattr, = cursor.unpack("<I")
        return node

    @staticmethod
    def _directory(node, cursor, extended):
        if extended:
            node.nlink, size, node.start, node.parent, _, node.offset, node.xattr = cursor.unpack("<4I2HI")
        else:
            node.start, node.nlink, size, node.offset, node.parent = cursor.unpack("<2I2HI")
        node.size = size - 3

    def _regular(self, node, cursor, extended):
        if extended:
            node.start, node.size, _, node.nlink, node.fragment, node.offset, node.xattr = cursor.unpack("<3Q4I")
        else:
            node.start, node.fragment, node.offset, node.size = cursor.unpack("<4I")
        full = node.size // self.superblock.block_size
        count = full if node.fragment != NO_INDEX or node.size % self.superblock.block_size == 0 else full + 1
        node.blocks = cursor.unpack(f"<{count}I")

    def children(self, node):
        """(name, inode reference) in the stored order."""
        if node.size <= 0:
            return
        cursor = Cursor(self, self.superblock.directory_table + node.start, node.offset)
        left = node.size
        while left > 0:
            count, start, _ = cursor.unpack("<3I")
            left -= 12
            for _ in range(count + 1):
                offset, _, _, length = cursor.unpack("<HhHH")
                yield cursor.read(length + 1), start << 16 | offset
                left -= 8 + length + 1

    def contents(self, node):
        """The file's bytes, block by block."""
        position = node.start
        left = node.size
        for word in node.blocks:
            expected = min(left, self.superblock.block_size)
            size = word & 0xFFFFFF
            if size == 0:
                block = bytes(expected)
            else:
                raw = self._read(position, size)
                block = raw if word & 1 << 24 else self._inflate(raw)
            if len(block) != expected:
                raise FormatError(f"block of {len(block)} bytes where {expected} were due")
            position += size
            left -= expected
            yield block
        if node.fragment != NO_INDEX:
            tail = self._fragment(node.fragment)[node.offset:node.offset + left]
            if len(tail) != left:
                raise FormatError("a tail runs past its fragment block")
            yield tail

    def _fragment(self, index):
        if index not in self._fragments:
            start, word, _ = self._fragment_entries[index]
            raw = self._read(start, word & 0xFFFFFF)
            if len(self._fragments) > 64:
                self._fragments.clear()
            self._fragments[index] = raw if word & 1 << 24 else self._inflate(raw)
        return self._fragments[index]

    def xattrs(self, node):
        if node.xattr == NO_INDEX:
            return {}
        reference, count, _ = self._xattr_sets[node.xattr]
        cursor = self._cursor(self._xattr_start, reference)
        found = {}
        for _ in range(count):
            kind, length = cursor.unpack("<2H")
            name = XATTR_PREFIXES[kind & 0xFF] + cursor.read(length).decode()
            length, = cursor.unpack("<I")
            value = cursor.read(length)
            if kind & 0x100:
                elsewhere = self._cursor(self._xattr_start, struct.unpack("<Q", value)[0])
                length, = elsewhere.unpack("<I")
                value = elsewhere.read(length)
            found[name] = value
        return found

    # The tree.

    def find(self, path):
        """The inode at an absolute path; symbolic links are not followed."""
        node = self.inode(self.superblock.root)
        for name in path.strip("/").encode().split(b"/"):
            if name:
                node = self.inode(dict(self.children(node))[name])
        return node

    def read(self, path):
        return b"".join(self.contents(self.find(path)))

    def entries(self, contents=True):
        """{path bytes: Entry}; the root is b"." ."""
        found, numbers, digests = {}, {}, {}
        stack = [(b".", self.superblock.root)]
        while stack:
            path, reference = stack.pop()
            node = self.inode(reference)
            if node.kind == 1:
                stack += [(name if path == b"." else path + b"/" + name, child) for name, child in self.children(node)]
            else:
                numbers.setdefault(node.number, []).append(path)
            found[path] = self._entry(node, contents, digests)
        link_groups(found, numbers.values())
        return found

    def _entry(self, node, contents, digests):
        kind = FILE_TYPES[node.kind]
        digest = ""
        if kind == stat.S_IFREG and contents:
            if node.number not in digests:
                checksum = hashlib.sha256()
                for block in self.contents(node):
                    checksum.update(block)
                digests[node.number] = checksum.hexdigest()
            digest = digests[node.number]
        device = (0, 0)
        if kind in (stat.S_IFBLK, stat.S_IFCHR):
            device = (node.rdev >> 8 & 0xFFF, node.rdev & 0xFF | node.rdev >> 12 & 0xFFF00)
        size = node.size if kind == stat.S_IFREG else 0
        return Entry(kind, node.mode & 0o7777, node.uid, node.gid, node.mtime, size, digest, node.target, device,
                     self.xattrs(node))


class Cursor:
    """Reads on over metadata block borders."""

    def __init__(self, reader, block, offset):
        self._reader, self._block, self._offset = reader, block, offset

    def read(self, length):
        parts = []
        while length > 0:
            block, following = self._reader._metadata_block(self._block)
            part = block[self._offset:self._offset + length]
            parts.append(part)
            length -= len(part)
            self._offset += len(part)
            if self._offset >= len(block):
                self._block, self._offset = following, 0
        return b"".join(parts)

    def unpack(self, layout):
        return struct.unpack(layout, self.read(struct.calcsize(layout)))
