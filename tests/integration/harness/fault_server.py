"""A registry in this process that serves an OCI layout and fails as it is told to."""
import base64
import json
import re
import socket
import struct
import threading
from collections import namedtuple
from urllib.parse import parse_qs, urlsplit

from .loopback_server import LoopbackServer

Request = namedtuple("Request", "method path query headers")
RANGE = re.compile(r"bytes=(\d+)-(\d*)$")


class Reply:
    """One answer. `cut` closes the connection after that many body bytes (with a reset unless `quiet`)."""

    def __init__(self, status=200, body=b"", headers=None, cut=None, quiet=False, length=None):
        self.status, self.body, self.headers = status, body, dict(headers or {})
        self.cut, self.quiet = cut, quiet
        self.length = len(body) if length is None else length


class FaultServer:
    """`faults` are callables (request, server) -> Reply or None, asked in order before the honest answer."""

    def __init__(self, layout):
        self.layout = layout
        self.requests = []
        self.faults = []
        self.token = None  # when set, requests need it; see grant()
        self._lock = threading.Lock()
        self._grants = 0
        self._http = LoopbackServer(self._answer)
        self.port = self._http.port
        self.host = f"127.0.0.1:{self.port}"

    def stop(self):
        self._http.stop()

    # What tests say.

    def once(self, pattern, make, times=1):
        """The first `times` requests whose path matches get make(request); later ones are answered honestly."""
        left = [times]

        def fault(request):
            with self._lock:
                if left[0] == 0 or not re.search(pattern, request.path):
                    return None
                left[0] -= 1
            return make(request)

        self.faults.append(fault)

    def always(self, pattern, make):
        self.faults.append(lambda request: make(request) if re.search(pattern, request.path) else None)

    def require_tokens(self):
        """Token authentication at /token; every token is good until expire_tokens()."""
        self.token = "token-0"

    def expire_tokens(self):
        with self._lock:
            self._grants += 1
            self.token = f"token-{self._grants}"

    def seen(self, pattern):
        with self._lock:
            return [request for request in self.requests if re.search(pattern, request.path)]

    def blob_body(self, request):
        return self.layout.blob(request.path.rsplit("/", 1)[1])

    # Answers.

    def _answer(self, handler):
        parts = urlsplit(handler.path)
        request = Request(handler.command, parts.path, parse_qs(parts.query), handler.headers)
        with self._lock:
            self.requests.append(request)
        reply = None
        for fault in self.faults:
            reply = fault(request)
            if reply:
                break
        _send(handler, reply or self._honest(request))

    def _honest(self, request):
        if request.path == "/token":
            return Reply(body=json.dumps({"token": self.token, "expires_in": 300}).encode(),
                         headers={"Content-Type": "application/json"})
        if self.token and request.headers.get("Authorization") != f"Bearer {self.token}":
            challenge = f'Bearer realm="http://{self.host}/token",service="test, quoted",scope="repository:x:pull"'
            return Reply(401, b'{"errors":[{"code":"UNAUTHORIZED"}]}', {"WWW-Authenticate": challenge})
        if request.path.rstrip("/") == "/v2":
            return Reply(body=b"{}")
        if "/manifests/" in request.path:
            return self._manifest(request.path.rsplit("/", 1)[1])
        if "/blobs/" in request.path:
            return self._blob(request)
        return Reply(404, b'{"errors":[{"code":"NAME_UNKNOWN","message":"no such thing"}]}')

    def _manifest(self, reference):
        try:
            digest = reference if reference.startswith("sha256:") else self.layout.tagged(reference)["digest"]
            data = self.layout.blob(digest)
        except (KeyError, FileNotFoundError):
            return Reply(404, b'{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}')
        return Reply(body=data, headers={"Content-Type": json.loads(data)["mediaType"], "Docker-Content-Digest": digest})

    def _blob(self, request):
        try:
            data = self.blob_body(request)
        except FileNotFoundError:
            return Reply(404, b'{"errors":[{"code":"BLOB_UNKNOWN"}]}')
        wanted = RANGE.match(request.headers.get("Range", ""))
        if not wanted:
            return Reply(body=data)
        first, last = int(wanted.group(1)), min(int(wanted.group(2) or len(data) - 1), len(data) - 1)
        if first >= len(data):
            return Reply(416, headers={"Content-Range": f"bytes */{len(data)}"})
        return Reply(206, data[first:last + 1], {"Content-Range": f"bytes {first}-{last}/{len(data)}"})


def _send(handler, reply):
    handler.send_response(reply.status)
    for name, value in reply.headers.items():
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(reply.length))
    handler.end_headers()
    if handler.command == "HEAD":
        return
    body = reply.body if reply.cut is None else reply.body[:reply.cut]
    try:
        handler.wfile.write(body)
        handler.wfile.flush()
    except OSError:
        pass
    if reply.cut is not None:
        handler.close_connection = True
        if not reply.quiet:
            # Linger time zero turns close() into a reset.
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            handler.connection.close()


def basic(user, password):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
