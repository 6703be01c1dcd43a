"""Images made here, small and full of trouble."""
import tarfile

from .oci import PATH_ENV, Image, to_json
from .parts import applets, busybox
from .tars import Tar

PASSWD = """root:x:0:0:root:/root:/bin/sh
daemon:x:1:1:daemon:/usr/sbin:/bin/false
app:x:1000:1001:An App:/home/app:/bin/sh
"""
GROUP = """root:x:0:
daemon:x:1:
app:x:1001:
staff:x:50:app
"""


SHADOW = "root:*:19000:0:99999:7:::\napp:*:19000:0:99999:7:::\n"


def tiny_layers():
    """A static busybox, accounts, and little else; two layers, the second with a whiteout."""
    first = Tar()
    for folder in ["bin", "etc", "home", "home/app", "root", "srv", "tmp", "usr", "usr/share"]:
        first.directory(folder, mode=0o1777 if folder == "tmp" else 0o755)
    first.file("bin/busybox", busybox().read_bytes(), mode=0o755)
    for name in ["sh", "cat", "ls", "echo"]:
        first.symlink("bin/" + name, "busybox")
    first.file("etc/passwd", PASSWD).file("etc/group", GROUP).file("etc/hostname", "tiny\n")
    first.file("etc/removed-later", "gone")
    first.file("usr/share/numbers", "".join(f"{number}\n" for number in range(40000)))
    second = Tar().whiteout("etc/removed-later").file("etc/issue", "tiny \\n\n")
    return [first.bytes(), second.bytes()]


def tiny_config(**more):
    return {"Env": [PATH_ENV, "TINY=yes"], "Cmd": ["/bin/sh"], "WorkingDir": "/", "Labels": {"base": "tiny"}, **more}


def tiny_image(**more):
    return Image(tiny_layers(), tiny_config(**more))


def box_layers():
    """tiny with all that busybox can do under names of its own, and what accounts need: for commands to run in."""
    tar = Tar().directory("usr/bin").directory("var").directory("var/empty")
    for name in applets():
        if name not in ("busybox", "sh", "cat", "ls", "echo"):
            tar.symlink("bin/" + name, "busybox")
    tar.file("etc/group", GROUP + "shadow:x:42:\n").file("etc/shadow", SHADOW, mode=0o640, gid=42)
    tar.directory("home/app", uid=1000, gid=1001).directory("old", mode=0o750, uid=7, gid=8)
    tar.file("old/a", "a\n", uid=7, gid=8).file("old/b", "b\n", mode=0o400, uid=9, gid=10).directory("old/deep/er")
    tar.file("old/deep/er/c", "c\n").hardlink("old/again", "old/a", uid=7, gid=8).symlink("old/link", "a", uid=11, gid=12)
    tar.fifo("old/pipe", uid=13, gid=14)
    return [*tiny_layers(), tar.bytes()]


def box_image(**more):
    return Image(box_layers(), tiny_config(**more))


# Version 2 of the kernel's capability format: CAP_NET_RAW, effective.
CAPABILITY = bytes.fromhex("0100000200200000000000000000000000000000")


def edge_layers():
    """Every rule of the layer format that decent images use."""
    return [odd_layer(), _edge_middle(), _edge_top()]


def odd_layer():
    """Every kind of entry."""
    tar = Tar()
    tar.directory("./", mode=0o700)
    tar.directory("./lower").file("./lower/kept", "kept").file("./lower/hidden", "hidden")
    tar.directory("./lower/sub", mode=0o750, uid=12, gid=34).file("./lower/sub/file", "sub")
    tar.directory("opaque").file("opaque/old", "old").directory("opaque/deep").file("opaque/deep/old", "old")
    tar.directory("becomes-file").file("becomes-file/inside", "inside")
    tar.file("becomes-directory", "was a file")
    tar.symlink("link-to-directory", "lower")
    tar.file("hard/one", b"shared inode" * 1000, uid=5, gid=6, mode=0o640)
    tar.hardlink("hard/two", "hard/one", uid=5, gid=6, mode=0o640)
    tar.hardlink("./hard/three", "/hard/one", uid=5, gid=6, mode=0o640)
    tar.file("linked-from-above", "linked from above")
    tar.directory("dev").character("dev/zero", 1, 5, mode=0o666).block("dev/loop9", 7, 9, mode=0o660, gid=6)
    tar.character("dev/big", 259, 70000, mode=0o600)
    tar.fifo("pipe", mode=0o622)
    tar.symlink("dangling", "/no/such/thing").symlink("long-target", "x/" * 400 + "end")
    tar.file("mode-000", "secret", mode=0).file("setuid", "#!", mode=0o4755).file("sticky", mode=0o1644)
    tar.directory("setgid-dir", mode=0o2775, gid=50)
    tar.file("owner-big", uid=4_000_000_000, gid=3_000_000_000)
    tar.file("empty").file("old-time", mtime=0).file("fraction", mtime=1700000000.75)
    tar.file("trusted", "x", xattrs={"user.note": b"hello", "user.binary": bytes(range(256)), "user.empty": b""})
    tar.file("ping", b"\x7fELF", mode=0o755, xattrs={"security.capability": CAPABILITY})
    tar.directory("xdir", xattrs={"user.on-directory": b"1"})
    tar.file("same-xattrs", "y", xattrs={"user.note": b"hello", "user.binary": bytes(range(256)), "user.empty": b""})
    return tar.bytes()


def _edge_middle():
    tar = Tar()
    tar.whiteout("lower/hidden").file("lower/added", "added")
    tar.directory("lower/sub", mode=0o711, uid=99, gid=98)
    tar.file("opaque/new", "new").opaque("opaque").file("opaque/deep/new", "new")
    tar.file("becomes-file", "now a file")
    tar.directory("becomes-directory").file("becomes-directory/inside", "inside")
    tar.file("./odd/name with spaces", "1").file("odd/naïve-ünïcode-名前", "2").file("odd/new\nline", "3")
    tar.file("odd/" + "n" * 255, "4").file("odd/-rf", "5").file("odd/*?[x]", "6").file("odd/back\\slash", "7")
    tar.file("odd/" + "/".join(["deep"] * 60) + "/leaf", "8")
    tar.hardlink("hard/from-above", "linked-from-above")
    tar.file("twice", "first").file("twice", "second", mode=0o600)
    tar.file("no/such/parent/file", "parents are made")
    tar.file("zeros", bytes(700_000)).file("hole-in-the-middle", b"a" * 10 + bytes(600_000) + b"z" * 10)
    tar.file("exact-block", b"b" * 131072).file("block-and-one", b"b" * 131073).file("two-blocks", b"c" * 262144)
    tar.file("copy-of-numbers", _numbers()).file("copy-of-numbers-2", _numbers())
    tar.file("nearly-numbers", _numbers()[:-5] + b"other")
    return tar.bytes()


def _edge_top():
    tar = Tar(fmt=tarfile.GNU_FORMAT)
    tar.whiteout("odd/-rf").whiteout("hard/two")
    tar.file("long/" + "directory-name/" * 12 + "file-with-a-gnu-long-name", "gnu")
    tar.file("re-created", "1").directory("many")
    for number in range(700):
        tar.file(f"many/{number:04}", str(number % 50), uid=number % 300)
    return tar.bytes()


def _numbers():
    return b"".join(b"%d\n" % number for number in range(60000))


def edge_image():
    return Image(edge_layers(), {"Env": [PATH_ENV], "WorkingDir": "/lower", "Volumes": {"/data": {}}})


def edge_image_in_range():
    """edge without the owner that 65536 ids do not reach."""
    image = edge_image()
    image.layers.append(Tar().whiteout("owner-big").bytes())
    return image


def config_with(**more):
    return to_json(more)
