"""What whoever writes a cache can do, and what he cannot (X-2)."""
import hashlib
import json
import random
import shutil
import urllib.request

from harness import bases
from harness.case import shared_layout
from harness.isolation import RunCase
from harness.oci import Image, Layout
from harness.registry import Registry
from harness.tars import Tar

PACK = "application/vnd.gbuild.cache.pack.v1"
STEPS = "application/vnd.gbuild.cache.steps.v1"
LAYER = "vnd.gbuild.layer"

STAGES = """FROM box AS plain
COPY tool.cfg /plain/
FROM box AS tools
COPY tool.cfg /tools/
RUN echo tool >>/tools/tool.cfg
FROM {base}
WORKDIR /srv
COPY main main
COPY --from=plain /plain /srv/plain
COPY --from=tools /tools /srv/tools
RUN cat main tools/tool.cfg >both
"""
FILES = {"tool.cfg": "cfg", "main": "main"}
EVIL = {"tool.cfg": "evil", "main": "evil"}


def sha256(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def read_varint(data, at):
    value, shift = 0, 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at


def varint(value):
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def read_steps(data):
    """[key, changes] of each step, after the format's name."""
    texts, at = [], 0

    def text(at):
        size, at = read_varint(data, at)
        return data[at:at + size], at + size

    _, at = text(at)
    count, at = read_varint(data, at)
    for _ in range(count):
        key, at = text(at)
        changes, at = text(at)
        texts.append([key, changes])
    assert at == len(data)
    return texts


def write_steps(steps):
    out = [b"gbuild steps 1", *[text for step in steps for text in step]]
    texts = [varint(len(text)) + text for text in out]
    return texts[0] + varint(len(steps)) + b"".join(texts[1:])


class Cache:
    """A cache in an OCI layout, to be changed so that all digests fit."""

    def __init__(self, folder):
        self.folder = folder
        index = json.loads((folder / "index.json").read_text())
        self.manifest = json.loads(self.blob(index["manifests"][0]["digest"]))

    def blob(self, digest):
        return (self.folder / "blobs" / digest.replace(":", "/")).read_bytes()

    def descriptor(self, kind):
        return next(layer for layer in self.manifest["layers"] if layer["mediaType"] == kind)

    def packs(self):
        return [layer for layer in self.manifest["layers"] if layer["mediaType"] == PACK]

    def steps(self):
        return read_steps(self.blob(self.descriptor(STEPS)["digest"]))

    def put(self, data):
        digest = sha256(data)
        (self.folder / "blobs" / digest.replace(":", "/")).write_bytes(data)
        return {"digest": digest, "size": len(data)}

    def exchange(self, descriptor, data):
        descriptor.update(self.put(data))

    def finish(self):
        index = json.loads((self.folder / "index.json").read_text())
        index["manifests"][0].update(self.put(json.dumps(self.manifest).encode()))
        (self.folder / "index.json").write_text(json.dumps(index))


class Hostile(RunCase):
    """An honest build's cache with something else in each place in turn, taken from a build of other files on another
    base. The base's registry answers."""
    cached = True

    def setUp(self):
        super().setUp()
        self.pinned = "box@" + shared_layout().tagged("box")["digest"]
        self.dockerfile = STAGES.format(base=self.pinned)
        layout = Layout(self.dir / "evil-layout")
        evil_layer = Tar().file("etc/passwd", "evil::0:0::/:/bin/sh\n").bytes()
        layout.add_image(Image([*bases.box_layers(), evil_layer], bases.tiny_config()), "box")
        evil_registry = Registry(self.dir / "evil-registry")
        self.addCleanup(evil_registry.stop)
        evil_registry.push(layout, "box", "library/box:latest")
        self.on("A", self.dockerfile, FILES, "--cache-to", f"type=local,dest={self.dir}/honest,mode=max")
        self.made = self.image().read_bytes()
        self.image().unlink()
        self.on("E", STAGES.format(base="box"), EVIL, "--cache-to", f"type=local,dest={self.dir}/evil,mode=max",
                registry=evil_registry)
        self.image().unlink()

    def on(self, store, dockerfile, files, *options, registry=None, code=0):
        """A build with a store of its own."""
        before, self.store = self.store, self.dir / f"store-{store}"
        try:
            return self.build(dockerfile, files, ["--progress", "plain", *options], registry=registry, code=code)
        finally:
            self.store = before

    def attacked(self):
        """A fresh copy of the honest cache, and the evil one."""
        shutil.rmtree(self.dir / "cache", ignore_errors=True)
        shutil.copytree(self.dir / "honest", self.dir / "cache")
        return Cache(self.dir / "cache"), Cache(self.dir / "evil")

    def assert_harmless(self, cache, source=None, named_too=True):
        """Builds that name the cache, if `named_too`, and whatever it was, builds that do not."""
        cache.finish()
        shutil.rmtree(self.dir / "store-B", ignore_errors=True)
        # A result of the attacker's may also let a later command fail.
        done = self.on("B", self.dockerfile, FILES, "--cache-from", source or f"type=local,src={self.dir}/cache",
                       code=0 if named_too else None)
        named = self.image().read_bytes() if done.code == 0 else None
        if named_too:
            self.assertEqual(named, self.made, "a build that names the cache")
        for options in [(), ("--no-cache",)]:
            self.on("B", self.dockerfile, FILES, *options)
            self.assertEqual(self.image().read_bytes(), self.made, f"a build that does not name it: {options}")
            self.image().unlink()
        self.on("B", self.dockerfile, FILES, "--no-cache", "--cache-from", f"type=local,src={self.dir}/cache")
        self.assertEqual(self.image().read_bytes(), self.made, "--no-cache")
        self.image().unlink()
        return named

    def other_pack(self, cache, evil, number):
        """The bytes of a valid pack that is not the one in this place."""
        digest = cache.packs()[number]["digest"]
        others = [layer["digest"] for layer in evil.packs() if layer["digest"] != digest]
        return evil.blob(others[number % len(others)])

    def test_each_pack_exchanged(self):
        for number in range(len(self.attacked()[0].packs())):
            cache, evil = self.attacked()
            with self.subTest(cache.packs()[number]["annotations"][LAYER]):
                cache.exchange(cache.packs()[number], self.other_pack(cache, evil, number))
                self.assert_harmless(cache)

    def test_each_result_exchanged(self):
        """By that of another step, whose layers are in the cache as well."""
        honest = self.attacked()[0].steps()
        changed = 0
        for number in range(len(honest)):
            cache, evil = self.attacked()
            with self.subTest(number=number):
                steps = cache.steps()
                steps[number][1] = evil.steps()[number % len(evil.steps())][1]
                cache.exchange(cache.descriptor(STEPS), write_steps(steps))
                cache.manifest["layers"] += [layer for layer in evil.packs() if layer not in cache.packs()]
                changed += self.assert_harmless(cache, named_too=False) != self.made
        # Of the two RUN, and of the COPY between them: COPY before them, and from a stage without one, are executed.
        self.assertLessEqual(changed, 4)
        self.assertGreater(changed, 0, "no result was taken from the cache")

    def test_everything_exchanged_in_a_registry(self):
        cache, evil = self.attacked()
        packs = [self.other_pack(cache, evil, number) for number in range(len(cache.packs()))]
        for layer, data in zip(cache.packs(), packs):
            cache.exchange(layer, data)
        cache.manifest["config"] = dict(evil.manifest["config"])
        (cache.folder / "blobs" / cache.manifest["config"]["digest"].replace(":", "/")).write_bytes(
            evil.blob(evil.manifest["config"]["digest"]))
        registry = Registry(self.dir / "registry")
        self.addCleanup(registry.stop)
        for descriptor in [cache.manifest["config"], *cache.manifest["layers"]]:
            self.push_blob(registry, cache.blob(descriptor["digest"]))
        text = json.dumps(cache.manifest).encode()
        self.send("PUT", f"http://{registry.host}/v2/team/cache/manifests/main", text, cache.manifest["mediaType"])
        self.assert_harmless(cache, source=f"type=registry,ref={registry.address('team/cache:main')}")

    @staticmethod
    def send(method, url, data, kind="application/octet-stream"):
        request = urllib.request.Request(url, data=data, method=method, headers={"Content-Type": kind})
        with urllib.request.urlopen(request) as answer:
            return answer.headers

    def push_blob(self, registry, data):
        place = self.send("POST", f"http://{registry.host}/v2/team/cache/blobs/uploads/", b"")["Location"]
        self.send("PUT", place + ("&" if "?" in place else "?") + "digest=" + sha256(data), data)

    def nowhere(self):
        registry = Registry(self.dir / f"gone-{random.random()}")
        registry.stop()
        return registry

    def test_a_registry_that_does_not_answer(self):
        """The cache stands in for it, visibly, and for that build only."""
        source = f"type=local,src={self.dir}/evil"
        result = self.on("B", STAGES.format(base="box"), FILES, "--cache-from", source, registry=self.nowhere())
        self.assertIn("[cache-base]", result.err)
        self.assertNotEqual(self.image().read_bytes(), self.made)
        for options in [(), ("--cache-from", source)]:
            result = self.on("B", STAGES.format(base="box"), FILES, *options)
            self.assertNotIn("[cache-base]", result.err)
            if not options:
                self.assertEqual(self.image().read_bytes(), self.made)
        result = self.on("D", f"FROM {self.pinned}\nCOPY main /\n", FILES, "--cache-from",
                         f"type=local,src={self.dir}/honest", registry=self.nowhere(), code=6)
        self.assertNotIn("[cache-base]", result.err)
