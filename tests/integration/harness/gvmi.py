"""An independent reader of .gvmi files: squashfs, CRC-32, JSON, length (the byte layout of the Golem VM image)."""
import hashlib
import json
import os
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

from .squashfs import read_superblock


@dataclass(frozen=True)
class Trailer:
    json_text: str
    config: dict
    squashfs_size: int  # bytes before the CRC


def read_trailer(path):
    """Raises ValueError unless every part is exactly as it should be."""
    data_size = os.path.getsize(path)
    with Path(path).open("rb") as file:
        superblock = read_superblock(file.read(96))
        file.seek(-8, os.SEEK_END)
        digits = file.read(8)
        if not (digits.isascii() and digits.isdigit()):
            raise ValueError(f"length {digits!r} is not eight digits")
        length = int(digits)
        file.seek(-8 - length - 4, os.SEEK_END)
        checksum, = struct.unpack("<I", file.read(4))
        text = file.read(length)
    if zlib.crc32(text) != checksum:
        raise ValueError(f"CRC is {zlib.crc32(text):08x}, the file says {checksum:08x}")
    squashfs_size = data_size - 8 - length - 4
    padded = -(-superblock.bytes_used // 4096) * 4096
    if squashfs_size != padded:
        raise ValueError(f"squashfs part has {squashfs_size} bytes, its superblock asks for {padded}")
    return Trailer(text.decode(), json.loads(text), squashfs_size)


def sha3_224(path):
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha3_224").hexdigest()


def sha256(path):
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
