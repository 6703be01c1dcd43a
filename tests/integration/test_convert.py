"""gbuild convert: images straight to .gvmi files, the same bytes as FROM gives."""
import gzip
import json
import os
import re
import socketserver
import subprocess
import threading
from http.server import BaseHTTPRequestHandler

from harness import gvmi
from harness.case import Case, shared_layout, shared_registry
from harness.process import need_program


class Daemon:
    """A docker daemon as far as GET /images/NAME/get goes, on a socket of its own. `images` maps names to archives."""

    def __init__(self, path, images, cut=None):
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def address_string(self):
                return "local"

            def log_message(self, *_):
                pass

            def do_GET(self):
                name = re.fullmatch(r"/images/(.+)/get", self.path)
                data = images.get(name[1]) if name else None
                if data is None:
                    answer = json.dumps({"message": f"No such image: {name and name[1]}"}).encode()
                    self.send_response(404)
                    self.send_header("Content-Length", str(len(answer)))
                    self.end_headers()
                    self.wfile.write(answer)
                    return
                self.send_response(200)
                self.send_header("Content-Type", "application/x-tar")
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                for start in range(0, len(data), 10_000):
                    if cut is not None and start >= cut:
                        self.close_connection = True
                        return
                    piece = data[start:start + 10_000]
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
                self.wfile.write(b"0\r\n\r\n")

        self._server = socketserver.ThreadingUnixStreamServer(str(path), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def stop(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class Convert(Case):
    def convert(self, source, *options, name="converted", code=0, **more):
        return self.gbuild("convert", source, "-t", name, "-o", self.image(name), "--registry-mirror", shared_registry().host, *options,
                           code=code, **more)

    def from_build(self, dockerfile, *options, name="built"):
        self.build(dockerfile, options=options, name=name)
        return self.image(name).read_bytes()

    def archive(self, name="edge"):
        need_program("skopeo")
        path = self.dir / (name + ".tar")
        if not path.exists():
            subprocess.run(["skopeo", "copy", "-q", "--insecure-policy", f"oci:{shared_layout().path}:{name}", f"docker-archive:{path}:library/{name}:latest"],
                           check=True)
        return path

    def same(self, name="converted", other="built"):
        self.assertEqual(gvmi.sha256(self.image(name)), gvmi.sha256(self.image(other)))

    def test_images_of_a_registry(self):
        for number, image in enumerate(["tiny", "edge", "box"]):
            with self.subTest(image):
                self.from_build(f"FROM {image}\n", name=f"built{number}")
                self.convert(image, name=f"converted{number}")
                self.same(f"converted{number}", f"built{number}")

    def test_an_oci_layout(self):
        source = f"oci-layout://{shared_layout().path}:edge"
        self.from_build("FROM n\n", "--build-context", f"n={source}")
        self.convert(source)
        self.same()

    def test_docker_archives(self):
        path = self.archive()
        packed = self.dir / "edge.tar.gz"
        packed.write_bytes(gzip.compress(path.read_bytes(), 1))
        self.from_build("FROM n\n", "--build-context", f"n=docker-archive://{path}")
        for number, source in enumerate([f"docker-archive://{path}", f"docker-archive://{path}:library/edge:latest",
                                         f"docker-archive://{packed}"]):
            with self.subTest(source):
                self.convert(source, name=f"from{number}")
                self.same(f"from{number}")

    def test_an_image_of_a_daemon(self):
        path = self.archive("tiny")
        self.from_build("FROM n\n", "--build-context", f"n=docker-archive://{path}")
        place = self.dir / "s"
        daemon = Daemon(place, {"tiny": path.read_bytes(), "team/tiny:1": path.read_bytes()})
        self.addCleanup(daemon.stop)
        env = {"DOCKER_HOST": f"unix://{place}"}
        for number, name in enumerate(["tiny", "team/tiny:1"]):
            self.convert(f"docker-daemon://{name}", env=env, name=f"from{number}")
            self.same(f"from{number}")
        missing = self.convert("docker-daemon://nothing:1", env=env, code=4, name="x")
        self.assertIn("No such image: nothing:1", missing.err)
        self.assertFalse(self.image("x").exists())
        self.assertEqual(list((self.store / "tmp").glob("*/*")), [])

    def test_daemons_that_do_not_answer(self):
        place = self.dir / "s"
        run = self.convert("docker-daemon://tiny", env={"DOCKER_HOST": f"unix://{place}"}, code=6)
        self.assertIn("there is no docker daemon at", run.err)
        self.assertIn("docker-archive://FILE", run.err)
        self.assertIn("docker save", self.convert("docker-daemon://tiny", env={"DOCKER_HOST": "tcp://127.0.0.1:1"}, code=8).err)
        daemon = Daemon(place, {"tiny": self.archive("tiny").read_bytes()}, cut=10_000)
        self.addCleanup(daemon.stop)
        run = self.convert("docker-daemon://tiny", env={"DOCKER_HOST": f"unix://{place}"}, code=6)
        self.assertIn("broke off", run.err)
        self.assert_no_output("converted")

    def test_changes(self):
        tricky = "it's \"$HOME\" \\ ${x} #é"
        self.convert("tiny", "--env", f"TRICKY={tricky}", "--env", "PATH=/opt/bin:/bin", "--env", "EMPTY=", "--volume", "/golem/work",
                     "--volume", "/data/", "--entrypoint", '["/bin/app", "-x"]', "--cmd", "echo $HOME", "--workdir", "/golem/it's work",
                     "--user", "app", "--label", f"l={tricky}", "--vm-user", "image")
        config = gvmi.read_trailer(self.image("converted")).config
        self.assertIn(f"TRICKY={tricky}", config["Env"])
        self.assertIn("PATH=/opt/bin:/bin", config["Env"])
        self.assertIn("EMPTY=", config["Env"])
        self.assertEqual(sorted(config["Volumes"]), ["/data", "/golem/work"])
        self.assertEqual((config["Entrypoint"], config["Cmd"]), (["/bin/app", "-x"], ["/bin/sh", "-c", "echo $HOME"]))
        self.assertEqual((config["WorkingDir"], config["User"], config["Labels"]["l"]), ("/golem/it's work", "1000:1001", tricky))
        self.from_build('FROM tiny\nENV A=1\nVOLUME /v\nWORKDIR /w\nCMD ["x"]\n')
        self.convert("tiny", "--env", "A=1", "--volume", "/v", "--workdir", "/w", "--cmd", '["x"]', name="plain")
        self.same("plain")

    def test_what_is_refused(self):
        for arguments, code in [(["tiny", "--env", "A=1\nRUN false"], 2), (["tiny", "--cmd", "x\nRUN false"], 2), (["tiny", "--env", "A"], 2),
                                (["tiny AS x"], 2), (["$x"], 2), (["ftp://x/y"], 2), (["docker-archive:///no/such"], 4),
                                (["tiny", "--volume", ""], 2), (["docker-daemon://"], 2)]:
            with self.subTest(arguments):
                self.convert(*arguments, code=code)
        self.assertIn("give one with -t", self.gbuild("convert", "tiny", code=2).err)

    def test_quiet_and_default_name(self):
        run = self.gbuild("convert", "tiny", "-t", "app:1", "-q", "--registry-mirror", shared_registry().host)
        self.assertEqual(run.out, gvmi.sha3_224(self.dir / "app-1.gvmi") + "\n")
        self.assertIn("app", self.gbuild("images").out)
        self.assertEqual(os.listdir(self.home), [])
