"""Files and git repositories on loopback: an HTTP server in this process, and git's own daemon."""
import base64
import os
import re
import socket
import subprocess
import threading
from pathlib import Path
from urllib.parse import unquote, urlsplit

from .loopback_server import LoopbackServer
from .process import Server, need_program

MODIFIED = "Tue, 14 Nov 2023 22:13:20 GMT"
MODIFIED_SECONDS = 1_700_000_000


class WebServer:
    """Serves `files` ({path: bytes}) with validators, and repositories below `repositories` by git's smart protocol.

    `faults` ({path: function(handler)}) answer first. `requests` has (method, path, headers) of all requests so far.
    """

    def __init__(self, files=None, repositories=None, tls=None, login=None):
        self.files, self.faults, self.requests = dict(files or {}), {}, []
        self.etags = True
        self.modified = MODIFIED
        self._repositories, self._login = repositories, login
        self._lock = threading.Lock()
        self._http = LoopbackServer(self._answer, tls)
        self.port = self._http.port
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"

    def stop(self):
        self._http.stop()

    def seen(self, pattern=""):
        with self._lock:
            return [request for request in self.requests if re.search(pattern, request[1])]

    def _answer(self, handler):
        path = unquote(urlsplit(handler.path).path)
        with self._lock:
            self.requests.append((handler.command, path, dict(handler.headers)))
        fault = self.faults.get(path)
        if fault:
            return fault(handler)
        if self._login and handler.headers.get("Authorization") != "Basic " + base64.b64encode(self._login.encode()).decode():
            return send(handler, 401)
        if ".git/" in path and self._repositories:
            return self._git(handler)
        if path not in self.files:
            return send(handler, 404)
        return self._file(handler, self.files[path])

    def _file(self, handler, data):
        tag = f'"{hash(data) & 0xffffffff:x}"'
        headers = {}
        if self.modified:
            headers["Last-Modified"] = self.modified
        if self.etags:
            headers["ETag"] = tag
            if handler.headers.get("If-None-Match") == tag:
                return send(handler, 304, headers=headers)
        elif self.modified and handler.headers.get("If-Modified-Since") == self.modified:
            return send(handler, 304, headers=headers)
        return send(handler, 200, data, headers)

    def _git(self, handler):
        need_program("git")
        parts = urlsplit(handler.path)
        length = int(handler.headers.get("Content-Length", 0))
        body = handler.rfile.read(length)
        environment = {"PATH": os.environ["PATH"], "GIT_PROJECT_ROOT": str(self._repositories), "GIT_HTTP_EXPORT_ALL": "1",
                       "REQUEST_METHOD": handler.command, "PATH_INFO": unquote(parts.path), "QUERY_STRING": parts.query,
                       "CONTENT_TYPE": handler.headers.get("Content-Type", ""), "CONTENT_LENGTH": str(length),
                       "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*"}
        done = subprocess.run(["git", "http-backend"], input=body, stdout=subprocess.PIPE, env=environment, check=True)
        head, _, data = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().splitlines())
        status = int(headers.pop("Status", "200").split()[0])
        send(handler, status, data, headers)


def send(handler, status, data=b"", headers=None, length=None):
    handler.send_response(status)
    for name, value in (headers or {}).items():
        handler.send_header(name, value)
    if status != 304:
        handler.send_header("Content-Length", str(len(data) if length is None else length))
    handler.end_headers()
    handler.wfile.write(data)
    if length is not None and length != len(data):
        handler.wfile.flush()
        handler.close_connection = True
        handler.connection.shutdown(socket.SHUT_RDWR)


class GitDaemon:
    """git:// for the repositories below `folder`."""

    def __init__(self, folder, log):
        need_program("git")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._server = Server(["git", "daemon", "--export-all", f"--base-path={folder}", "--listen=127.0.0.1",
                               f"--port={self.port}", "--reuseaddr", "--verbose", str(folder)], log,
                              lambda text: "Ready to rumble" in text)
        self.url = f"git://127.0.0.1:{self.port}"

    def stop(self):
        self._server.stop()


class Repository:
    """A working tree with a bare repository beside it, which is what servers hand out."""

    DATE = "2023-11-14T22:13:20Z"

    def __init__(self, folder, name):
        need_program("git")
        self.tree = Path(folder) / (name + ".tree")
        self.bare = Path(folder) / (name + ".git")
        self.name = name + ".git"
        self.git("init", "-q", "-b", "main", str(self.tree), cwd=folder)

    def git(self, *words, cwd=None):
        environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1"}
        for who in ["AUTHOR", "COMMITTER"]:
            environment.update({f"GIT_{who}_NAME": "A", f"GIT_{who}_EMAIL": "a@example.org", f"GIT_{who}_DATE": self.DATE})
        done = subprocess.run(["git", "-c", "protocol.file.allow=always", "-c", "safe.directory=*", *map(str, words)],
                              cwd=cwd or self.tree, env=environment, stdout=subprocess.PIPE, check=True)
        return done.stdout.decode().strip()

    def commit(self, files=None, message="change"):
        """Writes files ({path: text}), commits everything and publishes all refs; returns the commit's id."""
        for path, text in (files or {}).items():
            target = self.tree / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.publish()

    def publish(self):
        if not self.bare.exists():
            self.git("clone", "-q", "--bare", self.tree, self.bare, cwd=self.bare.parent)
        else:
            self.git("push", "-q", "--mirror", self.bare)
        return self.git("rev-parse", "HEAD")
