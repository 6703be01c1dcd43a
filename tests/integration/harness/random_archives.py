"""Random tar archives, as odd as they come, and what others make of them.

An archive is a dictionary that JSON can hold: {"format", "compression", "entries": [{"name", "type", "mode", "uid", "gid", "mtime",
"target", "data"}]}; names are bytes as surrogate escapes."""
import bz2
import gzip
import io
import lzma
import os
import shutil
import subprocess
import tarfile

from .process import run

FORMATS = {"pax": tarfile.PAX_FORMAT, "gnu": tarfile.GNU_FORMAT, "ustar": tarfile.USTAR_FORMAT}
TYPES = {"file": tarfile.REGTYPE, "dir": tarfile.DIRTYPE, "link": tarfile.SYMTYPE, "hard": tarfile.LNKTYPE, "fifo": tarfile.FIFOTYPE}
COMPRESS = {"": bytes, "gz": lambda data: gzip.compress(data, 1), "bz2": lambda data: bz2.compress(data, 1),
            "xz": lambda data: lzma.compress(data, preset=0)}
NAMES = ["a", "b", "c", "d", "up", "etc", "f", ".wh.a", ".wh..wh..opq", "ü", "\udcff\udcfe", "new\nline", "back\\slash", " blank", "x" * 90,
         "y" * 140]
TARGETS = ["..", "../..", "/", ".", "/a", "/a/b", "a", "b", "../b", "../a/c", "d", "nowhere", "/etc", "../../../../etc", "up", "./a/../b"]
ROOTS = ["./", ".", "/", "/."]


def path(rng, depth=3):
    few = NAMES[:7] if rng.random() < 0.85 else NAMES
    return "/".join(rng.choice(few) for _ in range(rng.randint(1, depth)))


def written(rng, name):
    """One of the ways in which an archive may write a path."""
    return rng.choice([name, name, name, "./" + name, "/" + name, name.replace("/", "//"), name.replace("/", "/./")])


def fresh_or_known(rng, known):
    """A path to make something at: anywhere, in a directory or behind a link that is there, or in the place of something."""
    into = [name for name, kind in known.items() if kind in ("dir", "link")]
    if into and rng.random() < 0.6:
        return rng.choice(into) + "/" + path(rng, 2)
    return rng.choice(list(known)) if known and rng.random() < 0.25 else path(rng)


def entry(rng, known):
    """`known` has the kind of what the entries before made, by name."""
    kind = rng.choice(["file"] * 5 + ["dir"] * 5 + ["link"] * 4 + ["hard"] * 2 + ["fifo"])
    linkable = [name for name, other in known.items() if other != "dir"]
    if kind == "hard" and not linkable:
        kind = "dir"
    name = fresh_or_known(rng, known)
    made = {"name": written(rng, name), "type": kind, "mode": rng.choice([0o644, 0o755, 0o600, 0o4755, 0o2770, 0o1777, 0o444, 0]),
            "uid": rng.choice([0, 0, 1, 1000, 65534, 2**21 + 1]), "gid": rng.choice([0, 5, 2**31]), "mtime": rng.randint(0, 1_600_000_000)}
    if kind == "dir":
        made["name"] += rng.choice(["", "/"])
        made["mode"] = rng.choice([0o755, 0o700, 0o1777, 0o1711, 0o711])  # a disk would hand setgid down to what is made in it
    if kind == "file":
        made["data"] = rng.choice(["", "x", "text\n", "z" * rng.randint(1, 3000)])
    if kind == "link":
        made["target"] = rng.choice(TARGETS + list(known))
    if kind == "hard":
        made["target"] = written(rng, rng.choice(linkable))
    parts = name.split("/")
    for i in range(1, len(parts)):
        known.setdefault("/".join(parts[:i]), "dir")
    known[name] = known[rng.choice(linkable)] if kind == "hard" else kind
    return made


def archive(rng):
    known, entries = {}, []
    if rng.random() < 0.4:
        entries.append({"name": rng.choice(ROOTS), "type": "dir", "mode": 0o700, "uid": 501, "gid": 20, "mtime": 5})
    entries += [entry(rng, known) for _ in range(rng.randint(1, 9))]
    return {"format": rng.choice(["pax", "pax", "gnu", "ustar"]), "compression": rng.choice(["", "", "gz", "bz2", "xz"]), "entries": entries}


def tar_of(archive):
    """The bytes of the tar, not compressed; None when its format cannot hold it."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=FORMATS[archive["format"]], encoding="utf-8", errors="surrogateescape") as tar:
        for made in archive["entries"]:
            info = tarfile.TarInfo(made["name"])
            info.type, info.mode, info.mtime = TYPES[made["type"]], made["mode"], made["mtime"]
            info.uid, info.gid, info.linkname = made["uid"], made["gid"], made.get("target", "")
            data = made.get("data", "").encode()
            info.size = len(data)
            try:
                header = info.tobuf(tar.format, tar.encoding, tar.errors)
            except (ValueError, UnicodeEncodeError):
                return None
            tar.fileobj.write(header + data + b"\0" * (-len(data) % 512))
    return buffer.getvalue()


def compressed(archive, tar):
    return COMPRESS[archive["compression"]](tar)


def is_plain(archive):
    """Whether no path leads through a symbolic link, nothing is replaced and nothing leaves the archive: what everybody
    unpacks alike."""
    seen = {}
    for made in archive["entries"]:
        name = os.path.normpath("/" + made["name"]).lstrip("/")
        parts = name.split("/")
        above = ["/".join(parts[:i]) for i in range(1, len(parts))]
        if any(seen.get(parent, "dir") != "dir" for parent in above) or name in seen:
            return False
        if made["type"] == "hard" and seen.get(os.path.normpath("/" + made["target"]).lstrip("/")) not in ("file", "fifo"):
            return False
        seen.update({parent: "dir" for parent in above})
        seen[name] = made["type"]
    return True


def _followed(links, name):
    """Where a path leads inside the archive's root, and the links on the way; its last part is not followed."""
    rest, at, used = name.strip("/").split("/"), [], []
    while rest and len(used) < 40:
        part = rest.pop(0)
        if part == "..":
            at = at[:-1]
        elif part not in ("", "."):
            at.append(part)
            target = links.get("/".join(at)) if rest else None
            if target is not None:
                used.append("/".join(at))
                at = [] if target.startswith("/") else at[:-1]
                rest = target.split("/") + rest
    return "/".join(at), used


def saws_its_branch(archive):
    """Whether an entry takes the place of a link, or of what holds one, that its own path leads through: then it is a matter of
    taste where it ends."""
    links = {}
    for made in archive["entries"]:
        place, used = _followed(links, os.path.normpath("/" + made["name"]))
        if any(link == place or link.startswith(place + "/") for link in used):
            return True
        target = made.get("target", "") if made["type"] == "link" else None
        if made["type"] == "hard":
            target = links.get(_followed(links, os.path.normpath("/" + made["target"]))[0])
        if made["type"] != "dir":
            links = {link: to for link, to in links.items() if not link.startswith(place + "/")}
        links.pop(place, None)
        if target is not None:
            links[place] = target
    return False


class GnuTar:
    """GNU tar as the superuser, in a chroot as docker unpacks: no link leads out."""

    def __init__(self, folder):
        self._tools = folder / "tools"
        self._tools.mkdir()
        program = shutil.which("tar")
        words = run("ldd", program).split()
        libraries = [word for word in words if word.startswith("/")]
        for source in [program, *libraries]:
            shutil.copy(source, self._tools)
        self._loader = next(os.path.basename(word) for word in libraries if os.path.basename(word).startswith("ld-"))

    def unpacked(self, tar, target):
        """Whether it unpacks everything into `target`, a new directory."""
        target.mkdir(mode=0o755)
        tools = target / ".tools"
        tools.mkdir()
        for tool in self._tools.iterdir():
            os.link(tool, tools / tool.name)
        command = [f"/.tools/{self._loader}", "--library-path", "/.tools", "/.tools/tar", "-x", "-p", "-P", "--same-owner",
                   "--numeric-owner", "-f", "-"]
        done = subprocess.run(["/usr/sbin/chroot", str(target), *command], input=tar, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, umask=0o022, check=False, env={"LC_ALL": "C"})
        if not tools.is_dir():  # it took the place of what it was told to make
            return False
        shutil.rmtree(tools)
        return done.returncode == 0


def bsdtar_unpacked(tar, target):
    target.mkdir(mode=0o755)
    done = subprocess.run(["bsdtar", "-x", "-p", "-f", "-", "--numeric-owner", "-C", str(target)], input=tar, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL, umask=0o022, check=False, env={"LC_ALL": "C.UTF-8", "PATH": os.environ["PATH"]})
    return done.returncode == 0


def named_directories(archive):
    """Those that an entry makes: others have the time and mode of the unpacking."""
    return {os.fsencode(os.path.normpath("/" + item["name"]).lstrip("/")) for item in archive["entries"] if item["type"] == "dir"}
