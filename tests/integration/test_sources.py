"""Where files come from: URLs and repositories of ADD, and build contexts that are no directories."""
import bz2
import gzip
import hashlib
import lzma
import os
import shutil
import signal
import stat
import subprocess
import tarfile
import threading

from harness.case import Case
from harness.process import need_program
from harness.registry import certificate_authority
from harness.tars import Tar, archive
from harness.web import MODIFIED_SECONDS, GitDaemon, Repository, WebServer, send

USAGE, DOCKERFILE, NOT_FOUND, UNAUTHORIZED, NETWORK, INTEGRITY, UNSUPPORTED = 2, 3, 4, 5, 6, 7, 8
LATE = "--timestamp=2000000000"  # later than anything a server says


def sha256(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


class Web(Case):
    def setUp(self):
        super().setUp()
        self.server = WebServer({"/dir/file.bin": b"some bytes", "/a%20b": b"percent", "/x.tar.gz": archive({"in/side": b"x"}, "gz"),
                                 "/big": os.urandom(3 << 20)})
        self.addCleanup(self.server.stop)
        self.url = self.server.url

    def add(self, line, files=None, code=0, options=(), name="image", **more):
        return self.build(f"FROM scratch\n{line}\nVOLUME /v\n", files, [LATE, *options], code=code, name=name, **more)

    def added(self, line, **more):
        self.add(line, **more)
        return self.tree(self.image(more.get("name", "image")))


class AddUrl(Web):
    def test_file_is_root_s_alone_and_as_old_as_the_server_says(self):
        entry = self.added(f"ADD {self.url}/dir/file.bin /to/")[b"to/file.bin"]
        self.assertEqual((entry.mode, entry.uid, entry.gid, entry.mtime), (0o600, 0, 0, MODIFIED_SECONDS))
        self.assertEqual(self.read("/to/file.bin"), b"some bytes")

    def test_mtime_is_no_later_than_the_epoch(self):
        self.build(f"FROM scratch\nADD {self.url}/dir/file.bin /f\nVOLUME /v\n", options=["--timestamp", "1000"])
        self.assertEqual(self.tree(self.image())[b"f"].mtime, 1000)

    def test_no_last_modified_is_the_epoch(self):
        self.server.modified = None
        self.assertEqual(self.added(f"ADD {self.url}/dir/file.bin /f")[b"f"].mtime, 2_000_000_000)

    def test_owner_and_mode_options(self):
        entry = self.added(f"ADD --chown=5:6 --chmod=4755 {self.url}/dir/file.bin /f")[b"f"]
        self.assertEqual((entry.mode, entry.uid, entry.gid), (0o4755, 5, 6))

    def test_archives_stay_whole_unless_told_otherwise(self):
        self.add(f"ADD {self.url}/x.tar.gz /a/\nADD --unpack=false {self.url}/x.tar.gz /b/\nADD --unpack=true {self.url}/x.tar.gz /c/")
        built = self.tree(self.image())
        self.assertEqual({b"a/x.tar.gz", b"b/x.tar.gz", b"c/in/side"},
                         {path for path, entry in built.items() if path[:1] in b"abc" and entry.kind == stat.S_IFREG})

    def test_local_archives_can_be_left_whole(self):
        files = {"x.tar": archive({"inside": b"x"})}
        built = self.added("ADD --unpack=false x.tar /a/\nADD --unpack x.tar /b/\nADD x.tar /c/", files=files)
        self.assertIn(b"a/x.tar", built)
        self.assertIn(b"b/inside", built)
        self.assertIn(b"c/inside", built)

    def test_names(self):
        self.server.files["/q"] = b"q"
        self.server.files["/a b"] = b"blank"
        built = self.added(f"ARG H={self.url}\nADD $H/q?version=1&x=/y $H/a%20b local /d/\nADD {self.url}/q /renamed", files={"local": "l"})
        self.assertLessEqual({b"d/q", b"d/a b", b"d/local", b"renamed"}, set(built))

    def test_urls_that_name_no_file(self):  # L-19
        self.server.files.update({"/": b"root", "": b"root", "/a/": b"below", "/.": b"dot"})
        built = self.added(f"ADD {self.url}/ /d/\nADD {self.url}/?q=/x /q/\nADD {self.url}/ /e\nADD {self.url}/a/ /f/\nADD {self.url}?x /g/")
        self.assertLessEqual({b"d/__unnamed__", b"q/__unnamed__", b"e", b"f/a", b"g/__unnamed__"}, set(built))
        self.assertEqual((self.read("/d/__unnamed__"), self.read("/e"), self.read("/f/a")), (b"root", b"root", b"below"))

    def test_a_name_in_the_answer_is_no_matter(self):  # L-19
        self.server.faults["/get"] = lambda handler: send(handler, 200, b"x", {"Content-Disposition": 'attachment; filename="../other"'})
        self.assertIn(b"d/get", self.added(f"ADD {self.url}/get?id=7 /d/"))

    def test_exclude_meets_a_url_s_file(self):
        self.assertNotIn(b"d/file.bin", self.added(f"ADD --exclude=*.bin {self.url}/dir/file.bin {self.url}/big /d/"))

    def test_second_build_asks_and_downloads_nothing(self):
        self.add(f"ADD {self.url}/big /f")
        for etags in [True, False]:
            self.server.etags = etags
            self.add(f"ADD {self.url}/big /f", name="again")
            self.assertEqual(self.image().read_bytes(), self.image("again").read_bytes())
            _, _, headers = self.server.seen("/big")[-1]
            self.assertIn("If-None-Match", headers)
            self.assertIn("If-Modified-Since", headers)
        self.assert_store_verified()

    def test_what_changed_is_fetched_again(self):
        self.add(f"ADD {self.url}/dir/file.bin /f")
        self.server.files["/dir/file.bin"] = b"other bytes"
        self.add(f"ADD {self.url}/dir/file.bin /f")
        self.assertEqual(self.read("/f"), b"other bytes")

    def test_checksum(self):
        good = sha256(b"some bytes")
        entry = self.added(f"ADD --checksum={good} {self.url}/dir/file.bin /f")[b"f"]
        self.assertEqual(entry.mtime, 2_000_000_000)  # the file is a function of the line
        asked = len(self.server.seen())
        self.added(f"ADD --checksum={good} {self.url}/dir/file.bin /f", name="again")
        self.assertEqual(len(self.server.seen()), asked, "what is in the store was asked for")
        self.assertEqual(self.image().read_bytes(), self.image("again").read_bytes())

    def test_wrong_checksum(self):
        result = self.add(f"ADD --checksum={sha256(b'x')} {self.url}/dir/file.bin /f", code=INTEGRITY)
        self.assert_error(result, sha256(b"x"), sha256(b"some bytes"), "Dockerfile:2", "hint:")
        self.assertFalse(list((self.store / "blobs" / "sha256").iterdir()), "what is wrong was kept")

    def test_checksums_that_are_none(self):
        self.add(f"ADD --checksum=0123456789 {self.url}/x /f", code=DOCKERFILE)
        self.add(f"ADD --checksum={sha256(b'')} {self.url}/x.git /f", code=DOCKERFILE)

    def test_never_pull_makes_do_with_the_store(self):
        self.assert_error(self.add(f"ADD {self.url}/big /f", code=NOT_FOUND, options=["--pull=never"]), "--pull=never", "Dockerfile:2")
        self.assertEqual(self.server.seen(), [])
        self.add(f"ADD {self.url}/big /f")
        self.add(f"ADD {self.url}/big /f", options=["--pull=never"], name="again")
        self.assertEqual(len(self.server.seen()), 1)
        self.assertEqual(self.image().read_bytes(), self.image("again").read_bytes())

    def test_damage_in_the_store_is_noticed(self):
        self.add(f"ADD {self.url}/dir/file.bin /f")
        (blob,) = (self.store / "blobs" / "sha256").iterdir()
        blob.write_bytes(b"same bytes")
        self.add(f"ADD {self.url}/dir/file.bin /f")
        self.assertEqual(self.read("/f"), b"some bytes")

    def test_a_url_that_is_not_needed_is_not_asked_for(self):
        self.build(f"FROM scratch AS unused\nADD {self.url}/big /f\nFROM scratch\nVOLUME /v\n")
        self.assertEqual(self.server.seen(), [])


class AddUrlFaults(Web):
    def failed(self, path, code, *words, line=None, options=()):
        result = self.add(line or f"ADD {self.url}{path} /f", code=code, options=options)
        self.assert_error(result, *words, "Dockerfile:2:")
        return result

    def test_not_there(self):
        self.failed("/nothing", NOT_FOUND, f"{self.url}/nothing", "404", "hint:")

    def test_forbidden(self):
        self.server.faults["/f"] = lambda handler: send(handler, 403)
        self.failed("/f", UNAUTHORIZED, "403")

    def test_server_that_fails_for_a_while(self):
        left = [2]

        def fail(handler):
            left[0] -= 1
            if left[0] == 0:
                del self.server.faults["/big"]
            send(handler, 503, headers={"Retry-After": "0"})
        self.server.faults["/big"] = fail
        self.add(f"ADD {self.url}/big /f")
        self.assertEqual(self.read("/f"), self.server.files["/big"])

    def test_truncated_bodies(self):
        data = self.server.files["/big"]
        left = [2]

        def cut(handler):
            left[0] -= 1
            if left[0] == 0:
                del self.server.faults["/big"]
            send(handler, 200, data[:1 << 20], length=len(data))
        self.server.faults["/big"] = cut
        self.add(f"ADD {self.url}/big /f")
        self.assertEqual(self.read("/f"), data)
        self.assert_store_verified()

    def test_redirects(self):
        self.server.faults["/moved"] = lambda handler: send(handler, 302, headers={"Location": "/dir/file.bin"})
        built = self.added(f"ADD {self.url}/moved /d/")
        self.assertIn(b"d/moved", built)
        self.server.faults["/circle"] = lambda handler: send(handler, 302, headers={"Location": "/circle"})
        (self.image()).unlink()
        self.failed("/circle", NETWORK, "redirects")

    def test_nobody_listens(self):
        self.failed("", NETWORK, "127.0.0.1:1", line="ADD http://127.0.0.1:1/x /f")

    def test_secrets_of_urls_are_shown_and_kept_nowhere(self):
        self.server.stop()
        self.server = WebServer({"/f": b"x"}, login="us%er:pass@word")
        secret = self.server.url.replace("http://", "http://us%25er:pass%40word@")
        good = self.add(f"ARG U\nADD $U/f?token=hidden1234 /f", options=["--build-arg", f"U={secret}", "--progress", "json"])
        self.assertEqual(self.read("/f"), b"x")
        self.image().unlink()
        bad = self.add(f"ARG U\nADD $U/nothing?token=hidden1234 /f", options=["--build-arg", f"U={secret}"], code=NOT_FOUND)
        texts = [good.out, good.err, bad.err.replace("token=hidden1234 /f", "")]
        texts += [path.read_bytes().decode("latin-1") for path in self.store.rglob("*") if path.is_file()]
        for text in texts:
            for word in ["pass%40word", "pass@word"]:
                self.assertNotIn(word, text)
        for text in texts[2:]:
            self.assertNotIn("hidden1234", text)

    def test_passwords_in_lines_that_are_shown(self):
        for line, code in [("ADD http://user:s3kr3t@127.0.0.1:1/x /x", 6), ("COPY http://user:s3kr3t@127.0.0.1:1/x /x", 3)]:
            for options in [[], ["--progress", "json"]]:
                with self.subTest(line=line, options=options):
                    said = self.add(line, code=code, options=options)
                    self.assertNotIn("s3kr3t", said.err + said.out)
        (self.dir / "Bad").write_text("FROM scratch\nCOPY http://user:s3kr3t@127.0.0.1:1/x /x\n")
        for form in ["text", "long", "json", "sarif", "github", "gitlab", "checkstyle"]:
            with self.subTest(form):
                said = self.gbuild("check", "--format", form, "-f", self.dir / "Bad", code=None)
                self.assertNotIn("s3kr3t", said.err + said.out)

    def test_login_is_not_sent_to_another_server(self):
        other = WebServer({"/f": b"x"})
        self.addCleanup(other.stop)
        self.server.faults["/f"] = lambda handler: send(handler, 302, headers={"Location": other.url + "/f"})
        self.add(f"ADD {self.url.replace('//', '//user:secret@')}/f /f")
        self.assertIn("Authorization", self.server.seen("/f")[0][2])
        self.assertNotIn("Authorization", other.seen("/f")[0][2])

    def test_interrupt_ends_a_download_that_stalls(self):
        asked, ended = threading.Event(), threading.Event()
        self.addCleanup(ended.set)

        def stall(handler):
            handler.send_response(200)
            handler.send_header("Content-Length", "100")
            handler.end_headers()
            asked.set()
            ended.wait(60)
        self.server.faults["/slow"] = stall
        context = self.context({"Dockerfile": f"FROM scratch\nADD {self.url}/slow /f\n"})
        process = self.start("build", "-o", self.image(), context)
        self.assertTrue(asked.wait(60))
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 130, err)
        self.assert_no_output()
        self.assertEqual(list((self.store / "tmp").iterdir()), [])

    def test_tls(self):
        ca, pair = certificate_authority(self.dir / "ca")
        server = WebServer({"/f": b"x"}, tls=pair)
        self.addCleanup(server.stop)
        self.failed("", NETWORK, "certificate", "--ca-file", line=f"ADD {server.url}/f /f")
        self.add(f"ADD {server.url}/f /f", options=["--ca-file", ca])
        self.image().unlink()
        server.faults["/down"] = lambda handler: send(handler, 302, headers={"Location": self.url + "/big"})
        self.failed("", NETWORK, "plain http", line=f"ADD {server.url}/down /f", options=["--ca-file", ca])


class WithGit(Web):
    def setUp(self):
        super().setUp()
        self.repositories = self.folder("repositories")
        self.repository = Repository(self.repositories, "app")
        self.repository.tree.joinpath("run.sh").write_text("#!/bin/sh\n")
        self.repository.tree.joinpath("run.sh").chmod(0o755)
        self.repository.tree.joinpath("link").symlink_to("sub/file")
        self.first = self.repository.commit({"sub/file": "first\n", "sub/deep/er": "x\n", "Dockerfile": "FROM scratch\nCOPY . /all\nVOLUME /v\n"})
        self.repository.git("tag", "-a", "-m", "one", "v1")
        self.repository.git("branch", "side")
        self.second = self.repository.commit({"sub/file": "second\n"})
        self.web = WebServer(repositories=self.repositories)
        self.addCleanup(self.web.stop)
        self.git = f"{self.web.url}/app.git"


class AddGit(WithGit):
    def test_refs_and_subdirectories(self):
        for fragment, expected in [("", "second"), ("#main", "second"), ("#v1", "first"), ("#side", "first"), ("#refs/heads/side", "first"),
                                   (f"#{self.first}", "first"), (f"#{self.second}", "second")]:
            with self.subTest(fragment):
                self.add(f"ADD {self.git}{fragment} /src")
                self.assertEqual(self.read("/src/sub/file"), expected.encode() + b"\n")
        self.repository.commit({"sub/file": "third\n"})
        self.add(f"ADD {self.git}#{self.second} /src")  # which no branch and no tag is at any more
        self.assertEqual(self.read("/src/sub/file"), b"second\n")
        built = self.added(f"ADD {self.git}#v1:sub/ /only/")
        self.assertIn(b"only/deep/er", built)
        self.assertNotIn(b"only/run.sh", built)

    def test_queries(self):  # L-5
        self.repository.git("branch", "v1", self.second)  # a branch and a tag of one name
        self.repository.commit({"sub/file": "third\n"})
        for query, expected in [("?tag=v1", "first"), ("?branch=v1", "second"), ("?ref=heads/side", "first"), ("?ref=main", "third"),
                                (f"?commit={self.first}", "first"), (f"?branch=v1&commit={self.second[:9]}", "second"),
                                (f"?branch=main&checksum={self.first}&fetch-by-commit=true", "first"), ("?#v1", "second")]:
            with self.subTest(query):
                self.add(f"ADD {self.git}{query} /src")
                self.assertEqual(self.read("/src/sub/file"), expected.encode() + b"\n")
        self.assertFalse([path for _, path, _ in self.web.seen() if "tag" in path or "branch" in path], "a query went to the server")
        built = self.added(f"ADD {self.git}?tag=v1&subdir=sub /only/\nADD {self.git}?keep-git-dir=true /kept/\n"
                           f"ADD --checksum={self.first[:5].upper()} {self.git}?mtime=commit&tag=v1 /old/")
        self.assertIn(b"only/deep/er", built)
        self.assertIn(b"kept/.git/HEAD", built)
        self.assertNotIn(b"old/.git/HEAD", built)
        self.assertEqual({built[path].mtime for path in [b"old/run.sh", b"old/sub/deep", b"old/link"]}, {1_700_000_000})
        self.assertEqual(built[b"kept/run.sh"].mtime, 2_000_000_000)

    def test_queries_that_are_wrong(self):  # L-5
        for line, code, words in [(f"ADD {self.git}?colour=red /a", DOCKERFILE, ['"colour"']),
                                  (f"ADD {self.git}?tag=v1&branch=main /a", DOCKERFILE, ["tag=v1", "branch=main"]),
                                  (f"ADD {self.git}?ref=main#v1 /a", DOCKERFILE, ["#v1", "ref=main"]),
                                  (f"ADD --checksum={self.first} {self.git}?commit={self.second} /a", DOCKERFILE, [self.first, self.second]),
                                  (f"ADD {self.git}?branch=main&commit={self.first} /a", INTEGRITY, [self.first, self.second]),
                                  (f"ADD {self.git}?branch=refs/tags/v1 /a", NOT_FOUND, ["refs/heads/refs/tags/v1"])]:
            with self.subTest(line):
                self.assert_error(self.add(line, code=code), *words, "Dockerfile:2", "hint:")

    def test_a_token_opens_a_repository_and_is_kept_nowhere(self):
        closed = WebServer(repositories=self.repositories, login="x-access-token:hidden/t0ken")
        self.addCleanup(closed.stop)
        line, given = f"ADD {closed.url}/app.git /src", {"TOKEN": "hidden/t0ken"}
        self.assert_error(self.add(line, code=UNAUTHORIZED), "401", "--secret id=GIT_AUTH_TOKEN")
        for name in ["GIT_AUTH_TOKEN", f"GIT_AUTH_TOKEN.127.0.0.1:{closed.port}"]:
            built = self.add(line, options=["--pull=always", "--progress", "json", "--secret", f"id={name},env=TOKEN"], env=given)
            self.assertEqual(self.read("/src/sub/file"), b"second\n")
            for text in [built.out, built.err, *(path.read_bytes().decode("latin-1") for path in self.store.rglob("*") if path.is_file())]:
                for word in ["hidden/t0ken", "hidden%2Ft0ken", "hidden%2ft0ken"]:
                    self.assertNotIn(word, text)
        context = self.gbuild("build", "-o", self.image("context"), "--secret", "id=GIT_AUTH_TOKEN,env=TOKEN", f"{closed.url}/app.git",
                              env=given)
        self.assertNotIn("t0ken", context.err)
        planned = self.gbuild("plan", "--secret", "id=GIT_AUTH_TOKEN,env=TOKEN", f"{closed.url}/app.git", env=given)
        self.assertIn("COPY . /all", planned.out)
        self.assertNotIn("t0ken", planned.out + planned.err)
        # Another server's submodule is the repository's choice.
        self.repository.git("submodule", "--quiet", "add", str(self.repository.bare), "part")
        self.repository.git("config", "-f", ".gitmodules", "submodule.part.url", f"{self.web.url}/app.git")
        self.repository.commit({"more": "x"})
        self.add(line, options=["--pull=always", "--secret", "id=GIT_AUTH_TOKEN,env=TOKEN"], env=given)
        self.assertIn("Authorization", closed.seen("app.git/info/refs")[-1][2])
        self.assertNotIn("Authorization", self.web.seen("app.git/info/refs")[-1][2])

    def test_modes_links_times_and_no_git_directory(self):
        built = self.added(f"ADD --chown=3 {self.git} /src")
        self.assertEqual({path: (entry.mode, entry.uid, entry.mtime) for path, entry in built.items() if path.startswith(b"src/")},
                         {b"src/run.sh": (0o755, 3, 2_000_000_000), b"src/link": (0o777, 3, 2_000_000_000), b"src/sub": (0o755, 3, 2_000_000_000),
                          b"src/Dockerfile": (0o644, 3, 2_000_000_000), b"src/sub/file": (0o644, 3, 2_000_000_000),
                          b"src/sub/deep": (0o755, 3, 2_000_000_000), b"src/sub/deep/er": (0o644, 3, 2_000_000_000)})
        self.assertEqual(built[b"src/link"].target, b"sub/file")

    def test_the_git_protocol_gives_the_same(self):
        daemon = GitDaemon(self.repositories, self.dir / "daemon.log")
        self.addCleanup(daemon.stop)
        self.add(f"ADD {self.git}#v1 /src")
        self.add(f"ADD {daemon.url}/app.git#v1 /src", name="daemon")
        self.assertEqual(self.image().read_bytes(), self.image("daemon").read_bytes())
        self.add(f"ADD {daemon.url}/app.git#{self.first} /src", name="commit")
        self.assertEqual(self.image().read_bytes(), self.image("commit").read_bytes())
        self.image().unlink(), self.image("daemon").unlink(), self.image("commit").unlink()
        self.assert_error(self.add(f"ADD {daemon.url}/none.git /src", code=NETWORK), "none.git")

    def test_what_the_user_configured_is_no_part_of_it(self):
        self.add(f"ADD {self.git}#v1 /src")
        (self.home / ".gitconfig").write_text('[url "http://127.0.0.1:1/"]\n\tinsteadOf = http://\n[core]\n\tautocrlf = true\n')
        shutil.rmtree(self.store)
        self.add(f"ADD {self.git}#v1 /src", name="again", umask=0o077)
        self.assertEqual(self.image().read_bytes(), self.image("again").read_bytes())

    def test_a_known_commit_needs_no_network(self):
        self.add(f"ADD {self.git}#{self.first} /src\nADD --checksum={self.first} {self.git}#v1 /tag")
        asked = len(self.web.seen())
        self.add(f"ADD {self.git}#{self.first} /src\nADD --checksum={self.first} {self.git}#v1 /tag", name="again")
        self.assertEqual(len(self.web.seen()), asked)

    def test_a_branch_that_moved_is_fetched_without_what_is_known(self):
        self.add(f"ADD {self.git} /src")
        packs = len(self.web.seen("upload-pack$"))
        self.add(f"ADD {self.git} /src")
        self.assertEqual(len(self.web.seen("upload-pack$")), packs, "nothing moved, and something was fetched")
        self.repository.commit({"sub/file": "third\n"})
        self.add(f"ADD {self.git} /src")
        self.assertEqual(self.read("/src/sub/file"), b"third\n")

    def test_checksum(self):
        self.add(f"ADD --checksum={self.first} {self.git}#v1 /src")
        self.add(f"ADD --checksum={self.first[:12]} {self.git}#v1 /src")
        self.image().unlink()
        result = self.add(f"ADD --checksum={self.second} {self.git}#v1 /src", code=INTEGRITY)
        self.assert_error(result, self.first, self.second, "Dockerfile:2:")

    def test_what_is_not_there(self):
        self.assert_error(self.add(f"ADD {self.git}#sid /src", code=NOT_FOUND), '"sid"', '"side"', "Dockerfile:2:")
        self.assert_error(self.add(f"ADD {self.git}#{'0' * 40} /src", code=NOT_FOUND), "0" * 40)
        self.assert_error(self.add(f"ADD {self.git}#v1:nowhere /src", code=NOT_FOUND), '"nowhere"', "hint:")
        self.assert_error(self.add(f"ADD {self.git}#v1:run.sh /src", code=NOT_FOUND), '"run.sh"')
        self.assert_error(self.add(f"ADD {self.git}#v1:../.. /src", code=NOT_FOUND), '"../.."')
        self.assert_error(self.add(f"ADD {self.web.url}/none.git /src", code=NOT_FOUND), "none.git")
        self.web.files["/file.git/info/refs"] = b"ref: x"

    def test_never_pull(self):
        self.assert_error(self.add(f"ADD {self.git}#v1 /src", code=NOT_FOUND, options=["--pull=never"]), "--pull=never")
        self.add(f"ADD {self.git}#v1 /src")
        asked = len(self.web.seen())
        self.add(f"ADD {self.git}#v1 /src", options=["--pull=never"])
        self.assertEqual(len(self.web.seen()), asked)

    def local(self):
        """The one repository in the store; git on it."""
        (folder,) = (self.store / "git").iterdir()
        return lambda *words: subprocess.run(["git", "-c", "safe.directory=*", "--git-dir", folder, *words], check=False,
                                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={"PATH": os.environ["PATH"]})

    def test_history_is_not_fetched(self):  # S-22
        daemon = GitDaemon(self.repositories, self.dir / "daemon.log")
        self.addCleanup(daemon.stop)
        for url in [self.git, f"{daemon.url}/app.git"]:
            with self.subTest(url):
                shutil.rmtree(self.store, ignore_errors=True)
                self.add(f"ADD {url} /src")
                git = self.local()
                self.assertEqual(git("cat-file", "-e", self.second).returncode, 0)
                self.assertNotEqual(git("cat-file", "-e", self.first).returncode, 0, "history was fetched")
                third = self.repository.commit({"sub/file": "third\n"})
                self.add(f"ADD {url} /src")
                self.assertEqual(self.read("/src/sub/file"), b"third\n")
                self.assertEqual(self.read("/src/sub/deep/er"), b"x\n")
                packs = git("cat-file", "--batch-all-objects", "--batch-check=%(objecttype)").stdout.split()
                self.assertEqual(packs.count(b"commit"), 2)
                self.add(f"ADD {url}#v1 /src")
                self.assertEqual(self.read("/src/sub/file"), b"first\n")
                self.repository.git("reset", "-q", "--hard", self.second)
                self.repository.publish()
                self.assertNotEqual(third, self.second)

    def test_a_server_that_cannot_cut_history_off_sends_all(self):  # S-22
        advertised = subprocess.run(["git", "upload-pack", "--http-backend-info-refs", self.repository.bare], check=True,
                                    stdout=subprocess.PIPE, env={"PATH": os.environ["PATH"]}).stdout
        for left_out in [[b" shallow", b" deepen-since", b" deepen-not", b" deepen-relative"], [b" side-band-64k", b" side-band"]]:
            words = advertised
            for word in left_out:
                words = words.replace(word + b" ", b" " * (len(word) + 1))
            answer = b"001e# service=git-upload-pack\n0000" + words
            self.web.faults["/app.git/info/refs"] = lambda handler, answer=answer: send(
                handler, 200, answer, {"Content-Type": "application/x-git-upload-pack-advertisement"})
            shutil.rmtree(self.store, ignore_errors=True)
            self.add(f"ADD {self.git} /src")
            self.assertEqual(self.read("/src/sub/file"), b"second\n")
            is_here = self.local()("cat-file", "-e", self.first).returncode == 0
            self.assertEqual(is_here, b" shallow" in left_out)

    def test_object_formats(self):  # L-19
        tree = self.folder("other.tree")
        made = subprocess.run(["git", "init", "-q", "--object-format=sha256", tree], check=False, env={"PATH": os.environ["PATH"]})
        if made.returncode != 0:
            self.skipTest("this git has no other object format")
        self.repository.git("commit", "-q", "--allow-empty", "-m", "x", cwd=tree)
        self.repository.git("clone", "-q", "--bare", tree, self.repositories / "other.git", cwd=tree)
        self.assert_error(self.add(f"ADD {self.web.url}/other.git /src", code=UNSUPPORTED), '"sha256"', "object format", "hint:", "Dockerfile:2")

    def test_answers_that_are_wrong(self):
        kind = {"Content-Type": "application/x-git-upload-pack-advertisement"}
        for answer, words in [(b"zzzz", ["protocol"]), (b"0003", ["protocol"]), (b"001e# service=git-upload-pack\n0000", ["early"]),
                              (b"000bhello \n0000", ["hello"]), (b"0010ERR go away\n", ["go away"]), (b"00ff", ["early"]),
                              (b"000eversion 2\n0000", ["version 2"]), (b"0" * 9, ["empty"]),
                              (b"003f" + b"a" * 40 + b" refs/heads/main\n0000", ["early"])]:
            with self.subTest(answer[:20]):
                self.web.faults["/app.git/info/refs"] = lambda handler, answer=answer: send(handler, 200, answer, kind)
                result = self.add(f"ADD {self.git} /src", code=None)
                self.assertIn(result.code, [NETWORK, NOT_FOUND, UNSUPPORTED], result)
                self.assert_error(result, *words, "Dockerfile:2")

    def test_kept_git_directory_is_a_repository(self):
        self.add(f"ADD --keep-git-dir=true {self.git}#v1 /src")
        self.gbuild("extract", "-o", self.dir / "out", self.image(), "/src")
        status = subprocess.run(["git", "-c", "safe.directory=*", "-C", self.dir / "out", "status", "--porcelain"], check=True,
                                stdout=subprocess.PIPE, env={"PATH": os.environ["PATH"]})
        self.assertEqual(status.stdout, b"")
        head = subprocess.run(["git", "-c", "safe.directory=*", "-C", self.dir / "out", "log", "--format=%H %s"], check=True,
                              stdout=subprocess.PIPE, env={"PATH": os.environ["PATH"]})
        self.assertEqual(head.stdout.decode().strip(), f"{self.first} change")
        shutil.rmtree(self.store)
        self.add(f"ADD {self.git} /src", name="other")  # the local repository has other packs now
        self.add(f"ADD --keep-git-dir=true {self.git}#v1 /src", name="again", umask=0o077)
        self.assertEqual(self.image().read_bytes(), self.image("again").read_bytes())

    def test_submodules(self):
        inner, middle = Repository(self.repositories, "inner"), Repository(self.repositories, "middle")
        inner.commit({"leaf": "leaf\n"})
        middle.git("submodule", "--quiet", "add", "--name", "i", str(inner.bare), "in")
        middle.git("config", "-f", ".gitmodules", "submodule.i.url", f"{self.web.url}/inner.git")
        middle.commit({"middle": "m\n"})
        self.repository.git("submodule", "--quiet", "add", str(middle.bare), "sub/module")
        self.repository.git("config", "-f", ".gitmodules", "submodule.sub/module.url", "../middle.git")
        self.repository.commit()
        built = self.added(f"ADD {self.git} /src\nADD {self.git}#main:sub /part")
        self.assertLessEqual({b"src/sub/module/in/leaf", b"src/sub/module/middle", b"part/module/in/leaf"}, set(built))
        self.assertNotIn(b"src/sub/module/.git", built)
        built = self.added(f"ADD {self.git}?submodules=false /src")
        self.assertIn(b"src/sub/module", built)
        self.assertNotIn(b"src/sub/module/middle", built)

    def test_directories_that_are_submodules_or_lie_in_one(self):  # S-5
        inner, middle = Repository(self.repositories, "inner"), Repository(self.repositories, "middle")
        inner.commit({"deep/leaf": "leaf\n", "Dockerfile": "FROM scratch\nCOPY deep /deep\nVOLUME /v\n"})
        middle.git("submodule", "--quiet", "add", "--name", "i", str(inner.bare), "lib/in")
        middle.git("config", "-f", ".gitmodules", "submodule.i.url", "../inner.git")
        middle.commit({"middle": "m\n"})
        self.repository.git("submodule", "--quiet", "add", str(middle.bare), "mods/sub")
        self.repository.git("config", "-f", ".gitmodules", "submodule.mods/sub.url", "../middle.git")
        (self.repository.tree / "short").symlink_to("sub/../mods/sub/lib")
        (self.repository.tree / "out").symlink_to("/etc")
        (self.repository.tree / "loop").symlink_to("loop")
        self.repository.commit()
        for place, expected in [("#main:mods/sub", {b"a/middle", b"a/lib/in/deep/leaf"}), ("#:/mods/./sub/lib/", {b"a/in/deep/leaf"}),
                                ("?subdir=mods/sub/lib/in", {b"a/deep/leaf"}), ("#main:mods/sub/lib/in/deep", {b"a/leaf"}),
                                ("#:short", {b"a/in/deep/leaf"}), ("#:short/in/deep", {b"a/leaf"}), ("#:mods", {b"a/sub/lib/in/deep/leaf"}),
                                ("#:sub/../mods/sub", {b"a/middle"})]:
            with self.subTest(place):
                built = self.added(f"ADD {self.git}{place} /a")
                self.assertLessEqual(expected, set(built))
                self.assertFalse([path for path in built if path.endswith(b".git") or path == b"a/run.sh"])
        self.gbuild("build", "-o", self.image(), f"{self.git}#main:mods/sub/lib/in")
        self.assertEqual(self.read("/deep/leaf"), b"leaf\n")
        self.image().unlink()
        for place in ["#:mods/sub/none", "#:mods/sub/middle", "#:mods/none", "#:..", "#:mods/../../etc", "#:out", "#:loop", "#:run.sh",
                      "?subdir=mods/sub&submodules=false"]:
            with self.subTest(place):
                self.assert_error(self.add(f"ADD {self.git}{place} /a", code=NOT_FOUND), "Dockerfile:2", "directory", "hint:")

    def test_damaged_local_repository_is_made_anew(self):
        self.add(f"ADD {self.git} /src")
        (local,) = (self.store / "git").iterdir()
        shutil.rmtree(local / "objects")
        self.add(f"ADD {self.git} /src", name="again")
        self.assertEqual(self.image().read_bytes(), self.image("again").read_bytes())


    def test_a_name_that_no_file_may_have_is_no_damage(self):
        """E-7: what a commit holds says nothing about the clone, which is kept and not fetched again."""
        self.add(f"ADD {self.git} /src")
        (local,) = (self.store / "git").iterdir()
        (local / "kept").touch()
        self.image().unlink()
        blob = self.repository.git("hash-object", "-w", "run.sh")
        for name in [".GIT", ".git", ".."]:
            with self.subTest(name):
                listing = self.dir / "listing"
                listing.write_bytes(b"100644 " + name.encode() + b"\0" + bytes.fromhex(blob))
                tree = self.repository.git("hash-object", "-w", "-t", "tree", "--literally", listing)
                self.repository.git("update-ref", "refs/heads/odd", self.repository.git("commit-tree", "-m", "odd", tree))
                self.repository.publish()
                self.web.requests.clear()
                self.assert_error(self.add(f"ADD {self.git}#odd /src", code=INTEGRITY), "which no file may have")
                self.assertTrue((local / "kept").exists(), "the clone was dropped")
                self.assertLessEqual(len(self.web.seen("git-upload-pack$")), 3, "it was fetched more than once")


class Contexts(WithGit):
    DOCKERFILE = "FROM scratch\nCOPY . /all\nVOLUME /v\n"

    def from_stdin(self, data, *options, code=0, name="image"):
        return self.gbuild("build", LATE, "-t", "x", "-o", self.image(name), *options, "-", stdin=data, code=code)

    def plain_tar(self, **more):
        tar = Tar()
        for name, text in {"Dockerfile": self.DOCKERFILE, "a": "1\n", "d/b": "2\n", **more}.items():
            tar.file(name, text)
        return tar

    def test_the_same_bytes_from_a_directory_an_archive_and_a_repository(self):
        checked_out = self.folder("directory")
        self.repository.git("archive", "-o", self.dir / "git.tar", "HEAD")
        with tarfile.open(self.dir / "git.tar") as tar:
            tar.extractall(checked_out)
        for path in checked_out.rglob("*"):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.name == "run.sh" else 0o644)
        self.gbuild("build", LATE, "-o", self.image("directory"), checked_out)
        packed = subprocess.run(["tar", "-C", checked_out, "-c", "."], check=True, stdout=subprocess.PIPE).stdout
        self.from_stdin(packed, name="stdin")
        self.from_stdin(gzip.compress(packed), name="gz")
        self.gbuild("build", LATE, "-o", self.image("git"), self.git)
        self.web.files["/context.tar"] = packed
        self.gbuild("build", LATE, "-o", self.image("web"), self.web.url + "/context.tar")
        expected = self.image("directory").read_bytes()
        self.assertIn(b"all/sub/deep/er", self.tree(self.image("directory")))
        for name in ["stdin", "gz", "git", "web"]:
            self.assertEqual(self.image(name).read_bytes(), expected, name)

    def test_compressions(self):
        need_program("zstd")
        data = self.plain_tar().bytes()
        zstd = subprocess.run(["zstd", "-q", "-c"], input=data, check=True, stdout=subprocess.PIPE).stdout
        for packed in [data, gzip.compress(data), bz2.compress(data), lzma.compress(data), zstd]:
            self.from_stdin(packed)
            self.assertEqual(self.read("/all/d/b"), b"2\n")

    def test_dockerfile_alone(self):
        self.from_stdin(b"FROM scratch\nCOPY <<E /f\ntext\nE\nVOLUME /v\n")
        self.assertEqual(self.read("/f"), b"text\n")
        self.image().unlink()
        self.assert_error(self.from_stdin(b"FROM scratch\nCOPY f /f\n", code=DOCKERFILE), "<stdin>:2:", '"f"')
        self.assert_error(self.from_stdin(b"", code=DOCKERFILE))
        self.assert_error(self.from_stdin(b"FROM scratch\n", "-f", "other", code=USAGE), "-f")
        self.assert_error(self.from_stdin(b"FROM scratch\n", "-f", "-", code=USAGE), "standard input")

    def test_another_dockerfile_of_the_archive(self):
        data = self.plain_tar(**{"ci/My": "FROM scratch\nCOPY d /only\nVOLUME /v\n", "ci/My.dockerignore": "d/b\n", "d/c": "3"}).bytes()
        self.from_stdin(data, "-f", "ci/My")
        built = self.tree(self.image())
        self.assertIn(b"only/c", built)
        self.assertNotIn(b"only/b", built)
        self.image().unlink()
        self.assert_error(self.from_stdin(data, "-f", "nothing", code=NOT_FOUND), "nothing", "-f")

    def test_dockerignore_of_the_archive(self):
        self.from_stdin(self.plain_tar(**{".dockerignore": "d\n"}).bytes())
        built = self.tree(self.image())
        self.assertIn(b"all/a", built)
        self.assertNotIn(b"all/d", built)

    def test_dockerfile_on_stdin_for_a_repository(self):
        self.gbuild("build", "-f", "-", "-o", self.image(), self.git, stdin=b"FROM scratch\nCOPY sub /s\nVOLUME /v\n")
        self.assertIn(b"s/deep/er", self.tree(self.image()))

    def test_repository_at_a_ref_and_in_a_directory(self):
        self.repository.commit({"image/Dockerfile": "FROM scratch\nCOPY x /x\nVOLUME /v\n", "image/x": "in directory\n"})
        self.gbuild("build", "-o", self.image(), f"{self.git}#main:image")
        self.assertEqual(self.read("/x"), b"in directory\n")
        self.gbuild("build", "-o", self.image(), "-f", "Dockerfile", f"{self.git}#v1", cwd=self.context({"Dockerfile": "WRONG"}))
        self.assertEqual(self.read("/all/sub/file"), b"first\n")
        self.image().unlink()
        self.assert_error(self.gbuild("build", "-o", self.image(), f"{self.git}#none", code=NOT_FOUND), '"none"')

    def test_queries(self):  # L-5
        self.repository.commit({"image/Dockerfile": "FROM scratch\nCOPY . /all\nVOLUME /v\n", "image/x": "in directory\n"})
        self.gbuild("build", "-o", self.image(), f"{self.git}?branch=main&subdir=image")
        self.assertEqual(self.read("/all/x"), b"in directory\n")
        self.gbuild("build", "-o", self.image(), f"{self.git}?tag=v1&keep-git-dir")
        self.assertEqual(self.read("/all/sub/file"), b"first\n")
        self.assertIn(b"all/.git/HEAD", self.tree(self.image()))
        self.gbuild("build", f"{self.git}?tag=v1", cwd=self.dir)
        (self.dir / "app.gvmi").unlink()
        self.image().unlink()
        for query, code, words in [("?tga=v1", USAGE, ['"tga"', "tag"]), ("?tag=v1#main", USAGE, ["#main", "tag=v1"]),
                                   ("?tag=none", NOT_FOUND, ['"refs/tags/none"']),
                                   (f"?tag=v1&commit={self.second}", INTEGRITY, [self.first, self.second])]:
            for command in [["build", "-o", self.image()], ["plan"]]:
                with self.subTest(query=query, command=command[0]):
                    self.assert_error(self.gbuild(*command, self.git + query, code=code), *words)

    def test_git_directory_is_kept_on_request(self):
        self.gbuild("build", "-o", self.image(), self.git)
        self.assertNotIn(b"all/.git", self.tree(self.image()))
        self.gbuild("build", "-o", self.image(), "--build-arg", "BUILDKIT_CONTEXT_KEEP_GIT_DIR=1", self.git)
        self.assertIn(b"all/.git/HEAD", self.tree(self.image()))

    def test_web_contexts(self):
        self.web.files["/Dockerfile"] = b"FROM scratch\nCOPY <<E /f\ntext\nE\nVOLUME /v\n"
        self.web.files["/bad"] = b"FROM scratch\nWROKDIR /x\n"
        self.gbuild("build", "-o", self.image(), self.web.url + "/Dockerfile")
        self.assertEqual(self.read("/f"), b"text\n")
        self.image().unlink()
        self.assert_error(self.gbuild("build", "-o", self.image(), self.web.url + "/bad", code=DOCKERFILE), "/bad:2:", "WORKDIR")
        self.assert_error(self.gbuild("build", "-o", self.image(), self.web.url + "/none.tar", code=NOT_FOUND), "404", "none.tar")

    def test_images_are_named_after_what_was_fetched(self):
        self.web.files["/thing.tar.gz"] = gzip.compress(self.plain_tar().bytes())
        for context, name in [(self.git, "app"), (self.web.url + "/thing.tar.gz", "thing"), ("-", "image")]:
            self.gbuild("build", context, stdin=self.plain_tar().bytes())
            self.assertTrue((self.dir / f"{name}.gvmi").exists(), name)

    def test_plan_of_a_fetched_context(self):
        self.assertIn("COPY . /all", self.gbuild("plan", self.git).out)
        self.assertIn("COPY . /all", self.gbuild("plan", "-", stdin=self.plain_tar().bytes()).out)

    def test_nothing_of_a_context_is_left_in_the_store(self):
        self.from_stdin(self.plain_tar().bytes())
        self.from_stdin(self.plain_tar(**{"Dockerfile": "FROM scratch\nCOPY nothing /\n"}).bytes(), code=DOCKERFILE)
        self.assertEqual(list((self.store / "tmp").iterdir()), [])

    def test_odd_archives(self):
        tar = self.plain_tar()
        tar.file("odd \n\u00fc\\name", "odd\n").file("./dotted//slashes", "x\n").fifo("pipe").file(".wh.kept", "w\n")
        tar.hardlink("hard", "a").symlink("absolute", "/etc/passwd").file("a", "replaced\n").file("set", "", mode=0o4755)
        tar.directory("closed", mode=0o500).file("closed/f", "y\n")
        self.from_stdin(tar.bytes())
        built = self.tree(self.image())
        self.assertLessEqual({"all/odd \n\u00fc\\name".encode(), b"all/dotted/slashes", b"all/pipe", b"all/.wh.kept"}, set(built))
        self.assertEqual((self.read("/all/a"), self.read("/all/hard")), (b"replaced\n", b"1\n"))
        self.assertEqual(built[b"all/absolute"].target, b"/etc/passwd")
        self.assertEqual((built[b"all/set"].mode, built[b"all/closed"].mode), (0o4755, 0o500))
        self.assertIn(b"all/closed/f", built)

    def test_archives_that_want_out(self):
        outside = self.dir / "outside"
        outside.mkdir()
        (outside / "secret").write_text("secret line\n")
        for tar, code in [(Tar().file("../escaped", "x"), INTEGRITY), (Tar().file("/absolute", "x").file("Dockerfile", self.DOCKERFILE), 0),
                          (Tar().symlink("l", str(outside)).file("l/escaped", "x").file("Dockerfile", self.DOCKERFILE), 0),
                          (Tar().symlink("l", "../../../../..").file(f"l{outside}/escaped", "x").file("Dockerfile", self.DOCKERFILE), 0),
                          (Tar().hardlink("h", str(outside / "secret")), INTEGRITY),
                          (Tar().hardlink("h", "../outside/secret"), INTEGRITY),
                          (Tar().symlink(".", "/etc").file("Dockerfile", self.DOCKERFILE), 0)]:
            self.from_stdin(tar.bytes(), code=code)
            self.assertEqual([path.name for path in outside.iterdir()], ["secret"])
        self.image().unlink()
        for name in ["Dockerfile", "x/../Dockerfile"]:
            result = self.from_stdin(Tar().symlink("Dockerfile", str(outside / "secret")).bytes(), "-f", name, code=None)
            self.assertNotIn("secret line", result.err)
            self.assert_error(result, "Dockerfile")

    def test_device_nodes_are_refused_whoever_builds(self):
        self.assert_error(self.from_stdin(self.plain_tar().character("null", 1, 3).bytes(), code=UNSUPPORTED), '"null"', "device", "hint:")

    def test_truncated_and_damaged_archives(self):
        data = gzip.compress(self.plain_tar(**{"big": "x" * 100000}).bytes())
        self.assert_error(self.from_stdin(data[:len(data) // 2], code=INTEGRITY), "standard input")
        self.assert_error(self.from_stdin(gzip.compress(b"no archive" * 100), code=INTEGRITY), "standard input")

    def test_local_archive_as_the_context_names_the_way(self):
        (self.dir / "context.tar").write_bytes(self.plain_tar().bytes())
        result = self.gbuild("build", "-o", self.image(), self.dir / "context.tar", code=USAGE)
        self.assert_error(result, "not a directory", "- <")


class NamedContexts(WithGit):
    def copied(self, value, path="/sub/deep/er", code=0):
        return self.build(f"FROM scratch\nCOPY --from=more {path} /to/\nVOLUME /v\n", options=["--build-context", f"more={value}"], code=code)

    def test_all_kinds(self):
        self.repository.git("archive", "-o", self.dir / "tree.tar", "HEAD")
        data = (self.dir / "tree.tar").read_bytes()
        (self.dir / "tree.tar.xz").write_bytes(lzma.compress(data))
        self.web.files["/tree.tgz"] = gzip.compress(data)
        for value in [self.dir / "tree.tar", self.dir / "tree.tar.xz", self.web.url + "/tree.tgz", self.git, f"{self.git}#v1"]:
            with self.subTest(value):
                self.copied(value)
                self.assertEqual(self.read("/to/er"), b"x\n")

    def test_queries(self):  # L-5
        self.copied(f"{self.git}?tag=v1&subdir=sub", path="/file")
        self.assertEqual(self.read("/to/file"), b"first\n")
        self.image().unlink()
        self.assert_error(self.copied(f"{self.git}?tag=v1&tag=v2", code=USAGE), '"more"', "tag")

    def test_not_an_archive(self):
        (self.dir / "text").write_text("text")
        self.assert_error(self.copied(self.dir / "text", code=USAGE), '"more"', "archive", "hint:")

    def test_as_a_base(self):  # L-11
        self.build("FROM more\nVOLUME /v\n", options=["--build-context", f"more={self.git}"])
        self.assertEqual(self.read("/sub/deep/er"), b"x\n")

    def test_one_that_is_not_used_is_not_fetched(self):
        self.build("FROM scratch\nVOLUME /v\n", options=["--build-context", f"more={self.git}"])
        self.assertEqual(self.web.seen(), [])
