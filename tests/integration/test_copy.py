"""COPY and ADD from outside: what they take, what they leave, what they say of it."""
import os
import socket
import stat
import struct

from harness.case import Case, shared_registry
from harness.process import only_as_root
from harness.tars import Tar, archive
from harness.web import WebServer

DOCKERFILE_ERROR = 3
CAPABILITY = struct.pack("<5I", 0x02000001, 1 << 13, 0, 0, 0)  # cap_net_raw+ep, version 2


class Copy(Case):
    def test_octal_mode_counts_for_what_is_made_and_not_for_what_is_there(self):  # L-3
        built = self.built("FROM tiny\nWORKDIR /job/dir\nCOPY --chmod=2750 d made\nADD --chmod=700 d/f /n1/n2/f\n"
                           "COPY --chmod=u=rwx,go= d/f /s1/f\nCOPY --chmod=0711 <<x /h1/h2/\ntext\nx\n", {"d/f": "f"})
        modes = {path: built[path].mode for path in [b"job", b"job/dir", b"job/dir/made", b"n1", b"n1/n2", b"s1", b"h1/h2"]}
        self.assertEqual(modes, {b"job": 0o755, b"job/dir": 0o755, b"job/dir/made": 0o2750, b"n1": 0o700, b"n1/n2": 0o700,
                                 b"s1": 0o755, b"h1/h2": 0o711})

    def test_several_sources_go_to_a_directory_that_is_there(self):  # S-23
        files = {"a": "1", "b": "2"}
        built = self.built("FROM tiny\nWORKDIR /app\nCOPY a b /app\nCOPY nope* a hello\n", files)
        self.assertLessEqual({b"app/a", b"app/b", b"app/hello"}, set(built))
        self.image().unlink()
        self.assert_error(self.build("FROM tiny\nCOPY a b /nowhere\n", files, code=DOCKERFILE_ERROR),
                          "Dockerfile:2:10", "write it with a slash at its end: /nowhere/")

    def test_a_pattern_without_a_match_copies_nothing(self):  # L-7
        run = self.build("FROM tiny\nWORKDIR /w\nCOPY .env* ./\nCOPY --parents d/x*/f /p/\nCOPY --from=tiny /no* /q/\n", {"d/y/f": ""})
        self.assertEqual(run.err.count("[nothing-copied]"), 3, run)
        for text in ["Dockerfile:3:6", '".env*"', '"d/x*/f"', '"/no*"']:
            self.assertIn(text, run.err)
        self.assertFalse({b"p", b"q"} & set(self.tree(self.image())))

    def test_a_socket_is_an_empty_file(self):  # S-7
        folder = self.context({"Dockerfile": "FROM tiny\nCOPY . /all/\nCOPY d/s.sock /one\nCOPY --from=other . /other/\n", "d/f": ""})
        with socket.socket(socket.AF_UNIX) as server:
            os.chdir(folder / "d")  # a socket's name is short
            self.addCleanup(os.chdir, "/")
            server.bind("s.sock")
            os.chmod("s.sock", 0o640)
            run = self.gbuild("build", "--build-context", f"other={folder / 'd'}", "--registry-mirror", shared_registry().host, "-o", self.image(),
                              folder)
        built = self.tree(self.image())
        for path in [b"all/d/s.sock", b"one", b"other/s.sock"]:
            self.assertEqual((built[path].kind, built[path].mode, built[path].size), (stat.S_IFREG, 0o640, 0))
        self.assertEqual(run.err.count("sockets"), 3, run)
        self.assertIn("d/s.sock", run.err)

    @only_as_root("sets a file capability")
    def test_a_file_capability_that_is_lost_is_named(self):  # S-27
        folder = self.context({"Dockerfile": "FROM tiny\nCOPY ping plain /bin/\n", "ping": "p", "plain": "p"})
        os.setxattr(folder / "ping", "security.capability", CAPABILITY)
        run = self.gbuild("build", "--registry-mirror", shared_registry().host, "-o", self.image(), folder)
        self.assertIn("[capability-dropped]", run.err)
        self.assertIn('"ping"', run.err)
        self.assertNotIn('"plain"', run.err)
        self.assertEqual(self.tree(self.image())[b"bin/ping"].xattrs, {})

    def test_a_file_capability_in_an_archive_that_is_the_context_is_named(self):  # S-27
        context = Tar().file("Dockerfile", "FROM scratch\nCOPY ping /\nVOLUME /v\n").file("ping", "p", xattrs={"security.capability": CAPABILITY})
        run = self.gbuild("build", "-o", self.image(), "-", stdin=context.bytes())
        self.assertIn("[capability-dropped]", run.err)
        self.assertEqual(self.tree(self.image())[b"ping"].xattrs, {})


class Archives(Case):
    HOSTILE = Tar().directory("./", mode=0o700, uid=501, gid=20).symlink("up", "..").file("up/etc/f", "x").file("./app", "y")

    def test_the_root_entry_and_links_of_an_archive_stay_inside(self):  # S-1, S-16
        built = self.built("FROM tiny\nADD a.tar /opt/app/\n", {"a.tar": self.HOSTILE.bytes()})
        self.assertEqual((built[b"opt/app"].mode, built[b"opt/app"].uid), (0o755, 0))
        self.assertIn(b"opt/app/etc/f", built)
        self.assertNotIn(b"opt/etc", built)

    def test_the_same_from_a_url(self):
        hostile = Tar().directory("./", mode=0o700, uid=501).symlink("up", "/").file("up/etc/f", "x").bytes()
        server = WebServer({"/a.tar": hostile})
        self.addCleanup(server.stop)
        built = self.built(f"FROM tiny\nADD --unpack --chown=5:6 {server.url}/a.tar /opt/app\nADD --unpack {server.url}/a.tar /\n")
        self.assertEqual((built[b"opt/app"].mode, built[b"opt/app"].uid, built[b"opt/app"].gid), (0o755, 5, 6))
        self.assertEqual((built[b"opt/app/etc/f"].uid, built[b"opt/app/etc/f"].gid), (5, 6))
        self.assertEqual((built[b"."].mode, built[b"."].uid), (0o755, 0))
        self.assertIn(b"etc/f", built)

    def test_links_of_the_image_below_the_destination(self):  # S-16
        built = self.built("FROM box\nRUN mkdir -p /opt/app && ln -s /etc /opt/app/conf\nADD a.tar /opt/app\n",
                           {"a.tar": archive({"conf/f": b"x"})})
        self.assertIn(b"opt/app/etc/f", built)
        self.assertNotIn(b"etc/f", built)

    def test_a_context_whose_root_entry_is_odd(self):  # S-25
        for root in [Tar().file("", ""), Tar().file("./", "text"), Tar().symlink(".", "/etc"), Tar().directory("./", mode=0)]:
            context = root.file("Dockerfile", "FROM scratch\nCOPY f /\nVOLUME /v\n").file("f", "x").bytes()
            self.gbuild("build", "-o", self.image(), "-", stdin=context)
            self.assertEqual(self.read("/f"), b"x")
