"""Writes OCI image layouts, with as much or as little truth in them as a test asks for."""
import gzip
import hashlib
import json
import shutil
import zlib
from dataclasses import dataclass, field
from pathlib import Path

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"
AMD64 = {"architecture": "amd64", "os": "linux"}
PATH_ENV = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
CREATED = "2024-05-06T07:08:09Z"
CREATED_SECONDS = 1714979289


def sha256(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def descriptor(media_type, data, **more):
    return {"mediaType": media_type, "digest": sha256(data), "size": len(data), **more}


def to_json(value):
    return json.dumps(value, separators=(",", ":")).encode()


@dataclass
class Image:
    """What a layout needs to know of one image. `layers` holds uncompressed tars, as bytes or as paths."""
    layers: list
    config: dict = field(default_factory=dict)
    platform: dict = field(default_factory=lambda: dict(AMD64))
    compression: str = "gzip"  # or "none"
    created: str = CREATED
    diff_ids: list = None  # to lie about them


class Layout:
    def __init__(self, path):
        self.path = Path(path)
        self._blobs = self.path / "blobs" / "sha256"
        self._blobs.mkdir(parents=True, exist_ok=True)
        (self.path / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
        self._manifests = []
        index = self.path / "index.json"
        if index.exists():
            self._manifests = json.loads(index.read_text())["manifests"]

    def blob(self, digest):
        return (self._blobs / digest.removeprefix("sha256:")).read_bytes()

    def add_blob(self, data):
        (self._blobs / hashlib.sha256(data).hexdigest()).write_bytes(data)
        return sha256(data)

    def add_document(self, media_type, value, **more):
        data = to_json(value)
        self.add_blob(data)
        return descriptor(media_type, data, **more)

    def add_image(self, image, tag=None):
        """Descriptor of the manifest."""
        layers, diff_ids = [], []
        for layer in image.layers:
            item, diff_id = self._add_layer(layer, image.compression)
            layers.append(item)
            diff_ids.append(diff_id)
        config = self.add_document(CONFIG, {
            **image.platform, "created": image.created, "config": image.config,
            "rootfs": {"type": "layers", "diff_ids": image.diff_ids or diff_ids},
            "history": [{"created": image.created, "created_by": "test"} for _ in layers]})
        manifest = self.add_document(MANIFEST, {"schemaVersion": 2, "mediaType": MANIFEST, "config": config,
                                                 "layers": layers}, platform=image.platform)
        if tag:
            self.tag(manifest, tag)
        return manifest

    def add_index(self, manifests, tag):
        self.tag(self.add_document(INDEX, {"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests}), tag)

    def tag(self, item, tag):
        named = {**item, "annotations": {"org.opencontainers.image.ref.name": tag}}
        self._manifests = [old for old in self._manifests
                           if old["annotations"]["org.opencontainers.image.ref.name"] != tag] + [named]
        (self.path / "index.json").write_bytes(to_json({"schemaVersion": 2, "manifests": self._manifests}))

    def tagged(self, tag):
        """The descriptor under a tag."""
        for item in self._manifests:
            if item["annotations"]["org.opencontainers.image.ref.name"] == tag:
                return item
        raise KeyError(tag)

    def document(self, item):
        return json.loads(self.blob(item["digest"]))

    def _add_layer(self, layer, compression):
        temporary = self._blobs / "layer.partial"
        raw, packed, size = hashlib.sha256(), hashlib.sha256(), 0
        with temporary.open("wb") as out:
            encoder = zlib.compressobj(6, zlib.DEFLATED, 31) if compression == "gzip" else None
            for block in _blocks(layer):
                raw.update(block)
                data = encoder.compress(block) if encoder else block
                packed.update(data)
                size += out.write(data)
            if encoder:
                data = encoder.flush()
                packed.update(data)
                size += out.write(data)
        temporary.rename(self._blobs / packed.hexdigest())
        media_type = LAYER + ("+gzip" if compression == "gzip" else "")
        return ({"mediaType": media_type, "digest": "sha256:" + packed.hexdigest(), "size": size},
                "sha256:" + raw.hexdigest())


def _blocks(layer):
    if isinstance(layer, bytes):
        yield layer
        return
    with Path(layer).open("rb") as file:
        while block := file.read(1 << 20):
            yield block


def copy_layout(source, target):
    shutil.copytree(source, target)
    return Layout(target)


def gunzip(data):
    return gzip.decompress(data)
