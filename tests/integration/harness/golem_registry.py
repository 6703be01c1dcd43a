"""A Golem registry over real HTTP, built from the protocol's description: chunks on disk, and faults as tests want them."""
import hashlib
import json
import os
import re
import socket
import struct
import threading
from collections import Counter, namedtuple
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from .loopback_server import LoopbackServer

MAGIC = bytes.fromhex("0000000333333334")
HEAD = 52  # bytes of a descriptor before the chunks' hashes
BLOCK = 64 * 1024
Request = namedtuple("Request", "method path query fields")


class Descriptor:
    def __init__(self, data):
        if len(data) < HEAD or data[:8] != MAGIC:
            raise ValueError("no descriptor")
        self.data, self.size = data, int.from_bytes(data[8:16], "big")
        self.chunk_size, self.sha3 = int.from_bytes(data[16:24], "big"), data[24:52].hex()
        self.hashes = [data[at:at + 32].hex() for at in range(HEAD, len(data), 32)]
        if self.chunk_size == 0 or len(data) != HEAD + 32 * -(-self.size // self.chunk_size):
            raise ValueError("a descriptor of another length than its image's size asks for")
        self.id = hashlib.sha256(data).hexdigest()

    def length(self, number):
        return min(self.chunk_size, self.size - number * self.chunk_size)


class GolemRegistry:
    """`users` {name: token}; `repositories` {(user, repository)}. `faults` are callables (request) -> None for an honest
    answer, or a function of the handler that answers. The request's body is read before; `before_body` are such callables,
    too, asked while it is still unread. `on_request()` and `on_bytes(count)` are told of every request, and of every piece
    of a chunk that comes in."""

    def __init__(self, folder, users=None, repositories=(), tls=None):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.users, self.repositories = dict(users or {}), set(repositories)
        self.descriptors, self.have, self.tags = {}, {}, {}
        self.requests, self.accepted, self.attached = [], Counter(), []
        self.faults, self.before_body, self.on_request, self.on_bytes = [], [], None, None
        self.full_after = 0  # answers that still say "partial" once all chunks are there
        self._late = Counter()
        self._lock = threading.RLock()
        self._http = LoopbackServer(self._answer, tls)
        self.port = self._http.port
        self.host = f"127.0.0.1:{self.port}"
        self.url = f"{'https' if tls else 'http'}://{self.host}"

    def stop(self):
        self._http.stop()

    # What tests say and ask.

    def once(self, pattern, answer, times=1, before_body=False):
        """The first `times` requests whose path matches get `answer(handler)`."""
        left = [times]

        def fault(request):
            with self._lock:
                if left[0] == 0 or not re.search(pattern, request.path):
                    return None
                left[0] -= 1
                return answer

        (self.before_body if before_body else self.faults).append(fault)

    def always(self, pattern, answer, before_body=False):
        self.once(pattern, answer, times=-1, before_body=before_body)

    def seen(self, pattern):
        with self._lock:
            return [request for request in self.requests if re.search(pattern, request.path)]

    def chunks_of(self, descriptor_id):
        with self._lock:
            return set(self.have.get(descriptor_id, ()))

    def lose(self):
        """Everything but the users."""
        with self._lock:
            self.descriptors.clear()
            self.have.clear()
            self.accepted.clear()

    def image(self, descriptor_id):
        return (self.folder / descriptor_id).read_bytes()

    def hold(self, data, tag, chunk_size=2 << 20):
        """An image that somebody pushed as `tag` ("user/repository:tag"); returns its SHA3."""
        hashes = b"".join(hashlib.sha256(data[at:at + chunk_size]).digest() for at in range(0, len(data), chunk_size))
        made = Descriptor(MAGIC + len(data).to_bytes(8, "big") + chunk_size.to_bytes(8, "big")
                          + hashlib.sha3_224(data).digest() + hashes)
        (self.folder / made.id).write_bytes(data)
        with self._lock:
            self.descriptors[made.id], self.have[made.id] = made, set(range(len(made.hashes)))
            self.tags[tag] = made.id
        return made.sha3

    # Answers.

    def _answer(self, handler):
        parts = urlsplit(handler.path)
        request = Request(handler.command, parts.path, parse_qs(parts.query), {})
        with self._lock:
            self.requests.append(request)
        if self.on_request:
            self.on_request()
        for fault in list(self.before_body):
            answer = fault(request)
            if answer:
                return answer(handler)
        try:
            self._read_body(handler, request.fields)
        except (OSError, ValueError) as error:
            handler.close_connection = True
            return send(handler, 400, str(error))
        for fault in list(self.faults):
            answer = fault(request)
            if answer:
                return answer(handler)
        with self._lock:
            self._honest(handler, request)

    def _honest(self, handler, request):
        path = request.path
        if path == "/auth/pat/login":
            return self._login(handler, request.fields["json"])
        if path == "/v1/image/push/descr":
            return self._take_descriptor(handler, request.fields)
        if path == "/v1/image/push/chunk":
            return self._take_chunk(handler, request.fields)
        if path.startswith("/v1/image/descr/attach/"):
            return self._attach(handler, path.rpartition("/")[2], request.fields)
        if path.startswith("/v1/image/descr/"):
            return send_json(handler, self.state(path.rpartition("/")[2]))
        if path == "/v1/image/info":
            return self._info(handler, request.query)
        if path.startswith("/download/"):
            return self._download(handler, path.rpartition("/")[2])
        return send(handler, 404, "no such call")

    def _login(self, handler, body):
        if self.users.get(body.get("username")) == body.get("password"):
            return send(handler, 200, "welcome")
        return send(handler, 401, "Incorrect username or personal access token")

    def state(self, descriptor_id):
        made = self.descriptors.get(descriptor_id)
        if not made:
            return {"descriptor": "not found"}
        full = self.is_full(made) and self._late[descriptor_id] >= self.full_after
        self._late[descriptor_id] += self.is_full(made)
        return {"descriptor": "ok", "version": 1, "status": "full" if full else "partial",
                "chunks": [int(number in self.have[descriptor_id]) for number in range(len(made.hashes))]}

    def is_full(self, made):
        return len(self.have[made.id]) == len(made.hashes)

    def _take_descriptor(self, handler, fields):
        made = Descriptor(fields["file"])
        self.descriptors[made.id] = made
        self.have.setdefault(made.id, set())
        with (self.folder / made.id).open("ab") as file:
            file.truncate(made.size)
        return send(handler, 200, "ok")

    def _take_chunk(self, handler, fields):
        made, number = self.descriptors.get(fields["descr-sha256"]), int(fields["chunk-no"])
        if not made:
            return send(handler, 404, "descriptor not found")
        good = (number < len(made.hashes) and int(fields["chunk-pos"]) == number * made.chunk_size
                and int(fields["chunk-len"]) == made.length(number) == fields["length"]
                and fields["chunk-sha256"] == fields["sha256"] == made.hashes[number])
        if not good:
            return send(handler, 400, f"chunk {number} is not what the descriptor says")
        with (self.folder / made.id).open("r+b") as file:
            file.seek(number * made.chunk_size)
            with open(fields["spool"], "rb") as spool:
                for block in iter(lambda: spool.read(BLOCK), b""):
                    file.write(block)
        os.unlink(fields["spool"])
        self.have[made.id].add(number)
        self.accepted[made.id, number] += 1
        if self.is_full(made) and sha3(self.folder / made.id) != made.sha3:
            self.have[made.id].clear()
            return send(handler, 400, "the image has another SHA3 than its descriptor says")
        return send(handler, 200, "ok")

    def _attach(self, handler, descriptor_id, fields):
        name = f"{fields['username']}/{fields['repository']}:{fields['tag']}"
        self.attached.append((name, fields.get("check")))
        if self.users.get(fields["login"]) != fields["token"]:
            return send(handler, 401, "bad token")
        if (fields["username"], fields["repository"]) not in self.repositories:
            return send(handler, 404, f"Repository {fields['username']}/{fields['repository']} not found")
        if fields["login"] != fields["username"]:
            return send(handler, 403, f"{fields['login']} may not write to repositories of {fields['username']}")
        made = self.descriptors.get(descriptor_id)
        if not made:
            return send(handler, 404, "descriptor not found")
        if "check" not in fields:
            if not self.is_full(made):
                return send(handler, 409, "image is not complete")
            self.tags[name] = descriptor_id
        return send(handler, 200, f"added {name}")

    def _info(self, handler, query):
        if "tag" in query:
            found = self.descriptors.get(self.tags.get(query["tag"][0]))
        else:
            found = next((made for made in self.descriptors.values()
                          if made.sha3 == query.get("hash", [""])[0] and self.is_full(made)), None)
        if not found:
            return send(handler, 404, "not found")
        return send_json(handler, {"sha3": found.sha3, "http": f"{self.url}/download/{found.id}",
                                   "https": f"{self.url}/download/{found.id}", "size": found.size})

    def _download(self, handler, descriptor_id):
        if descriptor_id not in self.descriptors:
            return send(handler, 404, "not found")
        data = self.image(descriptor_id)
        wanted = re.match(r"bytes=(\d+)-$", handler.headers.get("Range", ""))
        if not wanted:
            return send(handler, 200, data)
        first = int(wanted.group(1))
        return send(handler, 206, data[first:], {"Content-Range": f"bytes {first}-{len(data) - 1}/{len(data)}"})

    # Bodies.

    def _read_body(self, handler, fields):
        kind = handler.headers.get("Content-Type", "")
        body = _Body(handler)
        if kind.startswith("application/json"):
            fields["json"] = json.loads(body.rest())
        elif kind.startswith("multipart/form-data"):
            self._read_form(body, kind.partition("boundary=")[2].strip('"').encode(), fields)
        else:
            body.rest()

    def _read_form(self, body, boundary, fields):
        if body.line() != b"--" + boundary:
            raise ValueError("no multipart body")
        while True:
            name, kind = "", None
            for line in iter(body.line, b""):
                found = re.search(rb'[; ]name="([^"]*)"', line)
                name = found.group(1).decode() if found else name
                kind = line if line.lower().startswith(b"content-type") else kind
            if kind and fields.get("chunk-len") is not None:
                self._spool(body, boundary, fields)
            elif kind:
                fields[name] = body.until(b"\r\n--" + boundary)
            else:
                fields[name] = body.until(b"\r\n--" + boundary).decode()
            if body.line() == b"--":
                return

    def _spool(self, body, boundary, fields):
        """A chunk's bytes, to disk, with their hash."""
        length, total = int(fields["chunk-len"]), 0
        hasher = hashlib.sha256()
        spool = self.folder / f"spool-{threading.get_ident()}"
        fields["spool"] = spool
        with spool.open("wb") as file:
            while total < length:
                block = body.read(min(BLOCK, length - total))
                hasher.update(block)
                file.write(block)
                total += len(block)
                if self.on_bytes:
                    self.on_bytes(len(block))
        fields["sha256"], fields["length"] = hasher.hexdigest(), total
        if body.read(len(boundary) + 4) != b"\r\n--" + boundary:
            raise ValueError("the chunk is longer than it says")


class _Body:
    """A request's body, with a Content-Length or in chunks of HTTP's own."""

    def __init__(self, handler):
        self._file = handler.rfile
        self._chunked = handler.headers.get("Transfer-Encoding", "").lower() == "chunked"
        self._left = 0 if self._chunked else int(handler.headers.get("Content-Length", 0))
        self._ended = not self._chunked
        self._held = b""

    def _more(self):
        if self._chunked and self._left == 0 and not self._ended:
            self._left = int(self._file.readline().split(b";")[0], 16)
            self._ended = self._left == 0
        data = self._file.read1(min(self._left, BLOCK)) if self._left else b""
        if self._left and not data:
            raise ConnectionError("the body ended early")
        self._left -= len(data)
        if self._chunked and self._left == 0:
            self._file.readline()
        return data

    def read(self, count):
        while len(self._held) < count:
            more = self._more()
            if not more:
                raise ConnectionError("the body ended early")
            self._held += more
        taken, self._held = self._held[:count], self._held[count:]
        return taken

    def until(self, mark):
        while mark not in self._held:
            more = self._more()
            if not more:
                raise ValueError("the body ended early")
            self._held += more
        taken, _, self._held = self._held.partition(mark)
        return taken

    def line(self):
        return self.until(b"\r\n")

    def rest(self):
        data = self._held
        for more in iter(self._more, b""):
            data += more
        return data


def sha3(path):
    hasher = hashlib.sha3_224()
    with path.open("rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            hasher.update(block)
    return hasher.hexdigest()


def send(handler, status, body=b"", headers=None):
    data = body.encode() if isinstance(body, str) else body
    handler.send_response(status)
    for name, value in (headers or {}).items():
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(data)))
    handler.end_headers()
    handler.wfile.write(data)


def send_json(handler, value, status=200):
    send(handler, status, json.dumps(value), {"Content-Type": "application/json"})


# Faults: what a request may get in place of an answer.


def status(code, body="", headers=None):
    return lambda handler: send(handler, code, body, headers)


def refuse_unread(code, body):
    """An answer while the body is still being sent, and the end of the connection."""
    def answer(handler):
        handler.close_connection = True
        send(handler, code, body, {"Connection": "close"})
    return answer


def cut(after=0):
    """A reset, once that many bytes of the body have been read."""
    def answer(handler):
        left = after
        while left > 0:
            data = handler.rfile.read1(min(left, BLOCK))
            if not data:
                break
            left -= len(data)
        handler.close_connection = True
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        handler.connection.close()
    return answer


def silence(until):
    """No answer before the event `until` is set."""
    def answer(handler):
        until.wait(60)
        handler.close_connection = True
    return answer
