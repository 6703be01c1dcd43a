"""Repositories made at random give what the git program makes of them.

GBUILD_GIT_CASES (default: 3) is how many, GBUILD_GIT_SEED the first one's seed; a failure names its own.
"""
import hashlib
import io
import os
import random
import stat
import subprocess
import tarfile
from urllib.parse import quote

from harness.case import Case
from harness.web import GitDaemon, WebServer

CASES = int(os.environ.get("GBUILD_GIT_CASES", "3"))
SEED = int(os.environ.get("GBUILD_GIT_SEED", "1"))
ODD = [bytes([byte]) for byte in range(1, 256) if byte != ord("/")]
DATE = b"A <a@example.org> 1700000000 +0000"


def git(*words, repository, stdin=b""):
    return subprocess.run(["git", "-c", "safe.directory=*", "--git-dir", str(repository), *words], input=stdin, check=True,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={"PATH": os.environ["PATH"]}).stdout


def quoted(path):
    """As fast-import has it."""
    return b'"' + b"".join(b"\\%03o" % byte for byte in path) + b'"'


class Maker:
    """One repository: commits on top of each other, with references of all kinds."""

    def __init__(self, folder, dice, submodule=None):
        self.folder, self._dice, self._submodule = folder, dice, submodule
        subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(folder)], check=True, env={"PATH": os.environ["PATH"]})
        self.stream, self.files, self.refs = [], {}, ["main"]
        for number in range(1, dice.randint(3, 7)):
            self._commit(number)
        self.stream.append(b"done\n")
        git("fast-import", "--quiet", "--done", repository=folder, stdin=b"".join(self.stream))

    def _data(self, data):
        return b"data %d\n%s\n" % (len(data), data)

    def _name(self):
        dice = self._dice
        if dice.random() < 0.5:
            return dice.choice([b"a", b"b", b"run.sh", b"README", b"sub", b"Sub", b"deep"])
        name = b"".join(dice.choice(ODD) for _ in range(dice.choice([1, 2, 5, 30])))
        return name if name not in (b".", b"..") and not name.lower().startswith(b".git") else b"plain"

    def _path(self):
        return b"/".join(self._name() for _ in range(self._dice.choice([1, 1, 2, 3])))

    def _free(self, path):
        """Whether a file may be there."""
        parents = [path[:at] for at in range(len(path)) if path[at:at + 1] == b"/"]
        return path not in self.files and not any(parent in self.files for parent in parents) and not any(
            other.startswith(path + b"/") for other in self.files)

    def _change(self):
        dice = self._dice
        if self.files and dice.random() < 0.3:
            path = dice.choice(sorted(self.files))
            if path in (b".gitmodules", b"mods/one"):
                return
            del self.files[path]
            self.stream.append(b"D %s\n" % quoted(path))
            return
        path = self._path()
        if not self._free(path):
            return
        kind = dice.choice([b"100644", b"100644", b"100755", b"120000", b"160000"])
        self.files[path] = kind
        if kind == b"160000" and self._submodule:
            self.stream.append(b"M 160000 %s %s\n" % (self._submodule[1].encode(), quoted(path)))
        elif kind == b"160000":
            self.stream.append(b"M 160000 %s %s\n" % (b"%040x" % dice.getrandbits(160), quoted(path)))
        else:
            size = dice.choice([0, 1, 100, 5000])
            data = self._path() if kind == b"120000" else dice.randbytes(size)
            self.stream.append(b"M %s inline %s\n" % (kind, quoted(path)) + self._data(data))

    def _commit(self, number):
        dice = self._dice
        self.stream.append(b"commit refs/heads/main\nmark :%d\nauthor %s\ncommitter %s\n" % (number, DATE, DATE) + self._data(b"change"))
        if self._submodule and number == 1:
            self.files[b"mods/one"], self.files[b".gitmodules"] = b"160000", b"100644"
            self.stream.append(b"M 160000 %s mods/one\n" % self._submodule[1].encode())
            modules = f'[submodule "one"]\n\tpath = mods/one\n\turl = {self._submodule[0]}\n'.encode()
            self.stream.append(b"M 100644 inline .gitmodules\n" + self._data(modules))
        for _ in range(dice.randint(3, 12)):
            self._change()
        name = dice.choice(["side", "feature/x.y", "a/b/c", "v1", "v1.0-rc+1"])
        if dice.random() < 0.8 and f"heads/{name}" not in self.refs:
            self.refs.append(f"heads/{name}")
            self.stream.append(b"reset refs/heads/%s\nfrom :%d\n\n" % (name.encode(), number))
        name = dice.choice(["v1", "light", "rel/2"])
        if f"tags/{name}" in self.refs:
            return
        self.refs.append(f"tags/{name}")
        if dice.random() < 0.5:
            self.stream.append(b"reset refs/tags/%s\nfrom :%d\n\n" % (name.encode(), number))
        else:
            self.stream.append(b"tag %s\nfrom :%d\ntagger %s\n" % (name.encode(), number, DATE) + self._data(b"tag"))

    def commit_at(self, ref):
        return git("rev-parse", f"refs/{ref}^{{commit}}" if "/" in ref else f"{ref}^{{commit}}", repository=self.folder).decode().strip()

    def tree(self, commit):
        """{path: (type, mode, target of a link or digest of a file)} as git itself has them."""
        data = git("archive", "--format=tar", commit, repository=self.folder)
        found = {}
        with tarfile.open(fileobj=io.BytesIO(data), encoding="utf-8", errors="surrogateescape") as tar:
            for member in tar:
                path = os.fsencode(member.name.rstrip("/"))
                if member.issym():
                    entry = (stat.S_IFLNK, None, os.fsencode(member.linkname))
                elif member.isdir():
                    entry = (stat.S_IFDIR, 0o755, "")
                else:
                    entry = (stat.S_IFREG, 0o755 if member.mode & 0o100 else 0o644, hashlib.sha256(tar.extractfile(member).read()).hexdigest())
                found[path] = entry
        return found


class RandomRepositories(Case):
    def setUp(self):
        super().setUp()
        self.repositories = self.folder("repositories")
        self.web = WebServer(repositories=self.repositories)
        self.addCleanup(self.web.stop)
        self.daemon = GitDaemon(self.repositories, self.dir / "daemon.log")
        self.addCleanup(self.daemon.stop)

    def query_of(self, maker, ref, dice):
        """One of the ways to name a reference, and the directory that is taken."""
        kind, _, name = ref.partition("/")
        escaped = quote(name, safe="")
        ways = [f"#{ref}" if "/" in ref else f"#refs/heads/{ref}", f"?ref=refs/{kind}/{escaped}" if "/" in ref else f"?branch={ref}"]
        if kind == "heads":
            ways += [f"#{name}", f"?branch={escaped}"]
        if kind == "tags":
            ways.append(f"?tag={escaped}")
        ways += [f"#{maker.commit_at(ref)}", f"?commit={maker.commit_at(ref)}"]
        return dice.choice(ways)

    def check_case(self, seed):
        dice = random.Random(seed)
        inner = Maker(self.repositories / f"inner{seed}.git", dice)
        at = inner.commit_at("main")
        outer = Maker(self.repositories / f"outer{seed}.git", dice, (f"../inner{seed}.git", at))
        lines, expected = ["FROM scratch"], {}
        for number, ref in enumerate(outer.refs):
            base = dice.choice([self.web.url, self.daemon.url])
            top = f"r{number}".encode()
            lines.append(f'ADD ["{base}/outer{seed}.git{self.query_of(outer, ref, dice)}", "/r{number}"]')
            for path, entry in outer.tree(outer.commit_at(ref)).items():
                expected[top + b"/" + path] = entry
            if top + b"/mods/one" in expected:
                for path, entry in inner.tree(at).items():
                    expected[top + b"/mods/one/" + path] = entry
        lines.append(f'ADD ["{self.web.url}/outer{seed}.git?subdir=mods/one", "/sub"]')
        expected.update({b"sub/" + path: entry for path, entry in inner.tree(at).items()})
        built = self.built("\n".join(lines) + "\nVOLUME /v\n", name=f"image{seed}")
        places = tuple(f"r{number}/".encode() for number in range(len(outer.refs))) + (b"sub/",)
        found = {path: (entry.kind, *((None, entry.target) if entry.kind == stat.S_IFLNK else (entry.mode, entry.sha256)))
                 for path, entry in built.items() if path.startswith(places)}
        self.assertEqual(found, expected)

    def test_what_is_added_is_what_git_archives(self):
        for seed in range(SEED, SEED + CASES):
            with self.subTest(seed=seed):
                self.check_case(seed)
