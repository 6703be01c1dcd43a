"""gbuild serve: a file over HTTP for SDKs that take a URL and a hash."""
import email
import http.client
import signal
import socket
import urllib.request
from urllib.parse import urlsplit

from harness import gvmi
from harness.case import Case


class Serve(Case):
    def serve(self, *options, image=None):
        """The process, and the address that it prints."""
        process = self.start("serve", image or self.image(), *options)
        self.addCleanup(self.end, process)
        self.url = process.stdout.readline().decode().strip()
        self.package = process.stdout.readline().decode().strip()
        parts = urlsplit(self.url)
        self.address, self.path = (parts.hostname, parts.port), parts.path
        return process

    @staticmethod
    def end(process):
        if process.poll() is None:
            process.kill()
        process.communicate()

    def setUp(self):
        super().setUp()
        self.build("FROM scratch\nVOLUME /v\nCOPY f /f\n", {"f": bytes(range(256)) * 1000}, ["--compression-level", "1"])
        self.bytes = self.image().read_bytes()

    def ask(self, method="GET", path=None, headers=None, body=None):
        connection = http.client.HTTPConnection(*self.address, timeout=60)
        self.addCleanup(connection.close)
        connection.request(method, path or self.path, body=body, headers=headers or {})
        response = connection.getresponse()
        return response, response.read()

    def raw(self, data):
        with socket.create_connection(self.address, timeout=60) as connection:
            connection.sendall(data)
            return connection.recv(1 << 16)

    def test_url_hash_and_contents(self):
        process = self.serve()
        self.assertRegex(self.url, r"^http://127\.0\.0\.1:\d+/image\.gvmi$")
        self.assertEqual(self.package, f"hash:sha3:{gvmi.sha3_224(self.image())}:{self.url}")
        response, body = self.ask()
        self.assertEqual((response.status, body), (200, self.bytes))
        self.assertEqual((response.headers["Accept-Ranges"], response.headers["Content-Type"]), ("bytes", "application/octet-stream"))
        response, body = self.ask("HEAD", headers={"Range": "bytes=0-1"})
        self.assertEqual((response.status, response.headers["Content-Length"], body), (200, str(len(self.bytes)), b""))
        with urllib.request.urlopen(self.url, timeout=60) as response:
            self.assertEqual(response.read(), self.bytes)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        self.assertEqual((process.returncode, out, err), (0, b"", b""))

    def test_one_range(self):
        self.serve()
        size = len(self.bytes)
        for header, first, last in [("bytes=0-0", 0, 0), ("bytes=10-19", 10, 19), (f"bytes={size - 5}-", size - 5, size - 1),
                                    ("bytes=-7", size - 7, size - 1), (f"bytes=5-{size + 100}", 5, size - 1),
                                    (f"bytes={size}-,3-4", 3, 4), ("bytes=0-9,10-19", 0, 19)]:
            with self.subTest(header):
                response, body = self.ask(headers={"Range": header})
                self.assertEqual((response.status, response.headers["Content-Range"]), (206, f"bytes {first}-{last}/{size}"))
                self.assertEqual(body, self.bytes[first:last + 1])

    def test_several_ranges(self):
        self.serve()
        size = len(self.bytes)
        response, body = self.ask(headers={"Range": "bytes=100-199, 0-9 ,-1"})
        self.assertEqual((response.status, response.headers["Content-Length"]), (206, str(len(body))))
        message = email.message_from_bytes(b"Content-Type: " + response.headers["Content-Type"].encode() + b"\r\n\r\n" + body)
        found = [(part["Content-Range"], part.get_payload(decode=True)) for part in message.get_payload()]
        self.assertEqual(found, [(f"bytes 100-199/{size}", self.bytes[100:200]), (f"bytes 0-9/{size}", self.bytes[:10]),
                                 (f"bytes {size - 1}-{size - 1}/{size}", self.bytes[-1:])])

    def test_ranges_of_nothing_and_of_nonsense(self):
        self.serve()
        for header in [f"bytes={len(self.bytes)}-", "bytes=-0", "bytes=99999999999999999999999-"]:
            response, body = self.ask(headers={"Range": header})
            self.assertEqual((response.status, response.headers["Content-Range"], body), (416, f"bytes */{len(self.bytes)}", b""), header)
        many = "bytes=" + ",".join(f"{2 * i}-{2 * i}" for i in range(1000))
        for header in ["bytes=5-4", "bytes=a-b", "items=0-1", "bytes", many]:
            response, body = self.ask(headers={"Range": header})
            self.assertEqual((response.status, body), (200, self.bytes), header[:20])

    def test_only_what_has_not_changed(self):
        self.serve()
        first, _ = self.ask("HEAD")
        for tag in [first.headers["ETag"], "W/" + first.headers["ETag"], '"other", ' + first.headers["ETag"], "*"]:
            response, body = self.ask(headers={"If-None-Match": tag})
            self.assertEqual((response.status, body), (304, b""))
        for mark, status in [(first.headers["ETag"], 206), (first.headers["Last-Modified"], 206), ('"other"', 200), ("W/" + first.headers["ETag"], 200)]:
            response, _ = self.ask(headers={"Range": "bytes=0-1", "If-Range": mark})
            self.assertEqual(response.status, status, mark)

    def test_nothing_else_is_served(self):
        self.serve()
        (self.dir / "secret").write_text("secret")
        for path in ["/", "/secret", "/../secret", "//image.gvmi", "/image.gvmi/", "/image.gvmi/../secret", "/%2e%2e/secret", "/image.gvm",
                     "/image.gvmi%2f..%2fsecret"]:
            response, body = self.ask(path=path)
            self.assertEqual(response.status, 404, path)
            self.assertNotIn(b"secret", body)
        self.assertEqual(self.ask(path="/%69mage.gvmi?x=y")[0].status, 200)
        for method in ["POST", "PUT", "DELETE", "OPTIONS", "BREW"]:
            response, _ = self.ask(method, body=b"x" * 100_000)
            self.assertEqual((response.status, response.headers["Allow"]), (405, "GET, HEAD"), method)

    def test_hostile_requests(self):
        self.serve()
        path = self.path.encode()
        waiting = socket.create_connection(self.address, timeout=60)
        self.addCleanup(waiting.close)
        waiting.sendall(b"\0\1\2\3\r\n\r\n")
        for data in [b"GET\r\n\r\n", b"GET " + path + b" HTTP/1.1\r\n\r\n", b"GET " + b"/" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
                     b"GET " + path + b" HTTP/1.1\r\nHost: x\r\n" + b"".join(b"H%d: v\r\n" % i for i in range(20_000)) + b"\r\n",
                     b"GET " + path + b" HTTP/1.1\r\nHost: x\r\nRange: bytes=" + b"0-1," * 30_000 + b"\r\n\r\n",
                     b"POST " + path + b" HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n",
                     b"GET " + path + b" HTTP/9.9\r\n\r\n"]:
            try:
                self.assertNotRegex(self.raw(data), rb"^HTTP/1.. 200 ", data[:30])
            except ConnectionError:
                pass
        self.assertEqual(self.ask()[1], self.bytes)

    def test_slow_clients_do_not_hold_up_others(self):
        process = self.serve()
        slow = []
        for number in range(40):
            connection = socket.create_connection(self.address, timeout=60)
            self.addCleanup(connection.close)
            connection.sendall(b"GET " + self.path.encode() + (b" HTTP/1.1\r\nHost: x\r\n\r\n" if number % 2 else b" HT"))
            slow.append(connection)
        for _ in range(3):
            self.assertEqual(self.ask()[1], self.bytes)
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(timeout=60), 0)

    def test_where_it_listens(self):
        self.serve("--listen", "localhost:0")
        self.assertEqual(self.address[0], "127.0.0.1")
        taken = f"127.0.0.1:{self.address[1]}"
        refused = self.gbuild("serve", self.image(), "--listen", taken, code=10)
        self.assertIn(f"cannot listen on {taken}", refused.err)
        for listen in ["", "x", "1.2.3.4", "localhost:70000", "[::1]", "::1:80", "300.0.0.1:0", "127.0.0.1:http"]:
            self.assertIn("ADDRESS:PORT", self.gbuild("serve", self.image(), "--listen", listen, code=2).err, listen)
        process = self.serve("--listen", "0.0.0.0:0")
        self.assertEqual(urlsplit(self.url).hostname, socket.gethostname().lower())
        process.send_signal(signal.SIGINT)
        self.assertIn(b"everybody who can reach this address", process.communicate(timeout=60)[1])

    def test_names_that_a_url_has_to_encode(self):
        name = self.dir / "ein wäg%?.gvmi"
        name.write_bytes(self.bytes)
        self.serve(image=name)
        self.assertTrue(self.url.endswith("/ein%20w%C3%A4g%25%3F.gvmi"), self.url)
        self.assertEqual(self.ask()[1], self.bytes)

    def test_what_is_no_image_is_not_served(self):
        (self.dir / "text").write_text("x" * 1000)
        self.gbuild("serve", self.dir / "text", code=7)
        self.gbuild("serve", "nothing", code=4)
