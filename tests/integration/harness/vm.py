"""Boots a .gvmi in QEMU (software emulation) as a Golem provider would mount it, and runs one command in it."""
import os
import re
import stat
import subprocess
from pathlib import Path

from .process import need_program

# In the order of loading; what each depends on is found in the modules themselves.
MODULES = ["virtio_pci", "virtio_blk", "squashfs", "overlay", "9pnet_virtio", "9p"]
BEGIN, END = "--- job begins ---", "--- job ends with "

INIT = """#!/bin/busybox sh
fail() { echo "boot failed: $1"; poweroff -f; }
/bin/busybox --install -s /bin
export PATH=/bin
mount -t devtmpfs dev /dev || fail devtmpfs
for module in %(modules)s; do insmod "/modules/$module" || fail "insmod $module"; done
mount -t squashfs -o ro,nodev /dev/vda /lower || fail "mount squashfs"
mount -t tmpfs -o size=128m tmpfs /upper && mkdir /upper/upper /upper/work || fail tmpfs
mount -t overlay -o lowerdir=/lower,upperdir=/upper/upper,workdir=/upper/work overlay /root || fail overlay
mount -t proc proc /root/proc || fail "mount /proc: the image lacks the directory"
mount -t sysfs sys /root/sys || fail "mount /sys: the image lacks the directory"
mount -t devtmpfs dev /root/dev || fail "mount /dev"
mount -t tmpfs -o mode=1777 tmpfs /root/tmp || fail "mount /tmp"
mkdir -p /root/dev/pts /root/dev/shm
mount -t devpts devpts /root/dev/pts || fail "mount /dev/pts"
mount -t tmpfs tmpfs /root/dev/shm || fail "mount /dev/shm"
echo "127.0.0.1 vm" >> /root/etc/hosts || fail "write /etc/hosts"
echo "nameserver 127.0.0.1" > /root/etc/resolv.conf || fail "write /etc/resolv.conf"
ip link set lo up || fail "lo"
%(volumes)s
echo "%(begin)s"
chroot /root /bin/sh -c 'cd "$1" && shift && exec "$@"' sh %(workdir)s %(command)s
echo "%(end)s$?"
poweroff -f
"""


def _quote(text):
    return "'" + text.replace("'", "'\\''") + "'"


def initramfs(busybox, modules, init):
    """A newc cpio archive, made here so that no device nodes or root are needed."""
    archive = _Cpio()
    for folder in ["bin", "dev", "lower", "upper", "root", "modules"]:
        archive.add(folder, stat.S_IFDIR | 0o755)
    archive.add("dev/console", stat.S_IFCHR | 0o600, device=(5, 1))
    archive.add("bin/busybox", stat.S_IFREG | 0o755, Path(busybox).read_bytes())
    for module in modules:
        archive.add("modules/" + module.name, stat.S_IFREG | 0o644, module.read_bytes())
    archive.add("init", stat.S_IFREG | 0o755, init.encode())
    return archive.bytes()


class _Cpio:
    def __init__(self):
        self._data = bytearray()
        self._number = 0

    def add(self, name, mode, data=b"", device=(0, 0)):
        self._number += 1
        encoded = name.encode() + b"\0"
        numbers = [self._number, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(encoded), 0]
        self._data += b"070701" + b"".join(b"%08x" % number for number in numbers) + encoded
        self._pad()
        self._data += data
        self._pad()

    def _pad(self):
        self._data += bytes(-len(self._data) % 4)

    def bytes(self):
        self.add("TRAILER!!!", 0)
        return bytes(self._data)


def modules_in_order(tree):
    """Paths of MODULES and all they depend on, each after its dependencies. What is built into the kernel has no file."""
    files = {path.name.removesuffix(".ko").replace("-", "_"): path for path in Path(tree).rglob("*.ko")}
    ordered = []

    def visit(name):
        path = files.get(name.replace("-", "_"))
        if path is None or path in ordered:
            return
        depends = re.search(rb"\0depends=([^\0]*)\0", path.read_bytes())
        for needed in depends.group(1).decode().split(",") if depends else []:
            visit(needed)
        ordered.append(path)

    for name in MODULES:
        visit(name)
    return ordered


class Machine:
    def __init__(self, kernel, modules, busybox):
        """`kernel` is a vmlinuz, `modules` a folder of .ko files (see modules_in_order)."""
        need_program("qemu-system-x86_64")
        self._kernel, self._modules, self._busybox = kernel, modules, busybox

    def run(self, image, command, workdir, volumes, folder, limit=240, user=""):
        """(output lines of the command, exit code). `volumes` maps mount points to host folders, by 9p. `user` is the
        trailer's, "uid:gid"; to become it takes a setpriv in the image."""
        if user:
            uid, gid = user.split(":")
            command = ["setpriv", f"--reuid={uid}", f"--regid={gid}", "--clear-groups", *command]
        folder = Path(folder)
        modules = modules_in_order(self._modules)
        mounts, drives = [], []
        for number, (point, host) in enumerate(volumes.items()):
            mounts.append(f"mount -t 9p -o trans=virtio,version=9p2000.L v{number} {_quote('/root' + point)}"
                          f" || fail {_quote('mount ' + point)}")
            drives += ["-virtfs", f"local,path={host},mount_tag=v{number},security_model=none"]
        init = INIT % {"modules": " ".join(module.name for module in modules), "volumes": "\n".join(mounts),
                       "begin": BEGIN, "end": END, "workdir": _quote(workdir), "command": " ".join(map(_quote, command))}
        (folder / "initramfs").write_bytes(initramfs(self._busybox, modules, init))
        console = self._console(
            ["-initrd", str(folder / "initramfs"), "-drive", f"file={image},format=raw,readonly=on,if=virtio", *drives],
            {**os.environ, "TMPDIR": str(folder)}, limit)
        job = re.search(re.escape(BEGIN) + r"\n(.*?)" + re.escape(END) + r"(\d+)", console, re.S)
        if not job:
            raise AssertionError("the machine did not run the command:\n" + console)
        return job.group(1).splitlines(), int(job.group(2))

    def _console(self, options, environment, limit):
        """All that the machine wrote until it ended by itself."""
        command = ["qemu-system-x86_64", "-machine", "pc,accel=tcg", "-cpu", "max", "-m", "512", "-nodefaults",
                   "-no-user-config", "-display", "none", "-serial", "stdio", "-no-reboot", "-kernel", str(self._kernel),
                   "-append", "console=ttyS0 quiet panic=-1", *options]
        try:
            output = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                    timeout=limit, check=False, env=environment).stdout
        except subprocess.TimeoutExpired as late:
            raise AssertionError(f"the machine still ran after {limit} s:\n"
                                 + (late.stdout or b"").decode(errors="replace")) from None
        return output.decode(errors="replace").replace("\r", "")
