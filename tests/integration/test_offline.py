"""Bases that come from files: OCI layouts and docker archives."""
import bz2
import gzip
import hashlib
import json
import lzma
import subprocess

from harness import bases, gvmi
from harness.case import Case, shared_layout, shared_registry
from harness.oci import Layout
from harness.process import need_program, run
from harness.tars import archive


class Offline(Case):
    def from_source(self, source, name="offline", dockerfile="FROM base\nCOPY f /f\nVOLUME /v\n", code=0):
        context = self.context({"Dockerfile": dockerfile, "f": "x\n"}, "context-" + name)
        return self.gbuild("build", "--build-context", f"base={source}", "-o", self.image(name), "--root",
                           self.dir / ("store-" + name), context, code=code)

    def from_registry(self):
        context = self.context({"Dockerfile": f"FROM {shared_registry().address('library/tiny')}\nCOPY f /f\nVOLUME /v\n",
                                "f": "x\n"})
        self.gbuild("build", "-o", self.image("online"), context)
        return gvmi.sha256(self.image("online"))

    def assert_like_online(self, name="offline"):
        self.assertEqual(gvmi.sha256(self.image(name)), self.from_registry())

    def test_oci_layout_gives_the_registry_s_bytes(self):
        self.from_source(f"oci-layout://{shared_layout().path}:tiny")
        self.assert_like_online()

    def test_oci_layout_in_a_tar(self):
        subprocess.run(["tar", "-C", shared_layout().path, "-cf", self.dir / "layout.tar", "."], check=True)
        self.from_source(f"oci-layout://{self.dir}/layout.tar:tiny")
        self.assert_like_online()

    def test_compressed_oci_layout_in_a_tar(self):
        """S-6"""
        subprocess.run(["tar", "-C", shared_layout().path, "-cf", self.dir / "layout.tar", "."], check=True)
        tar = (self.dir / "layout.tar").read_bytes()
        for name, packed in {"gz": gzip.compress(tar, 1), "xz": lzma.compress(tar, preset=0), "bz2": bz2.compress(tar, 1)}.items():
            with self.subTest(name):
                (self.dir / "packed").write_bytes(packed)
                self.from_source(f"oci-layout://{self.dir}/packed:tiny", name)
                self.assert_like_online(name)

    def test_compressed_docker_archive_for_several_stages(self):
        """S-6"""
        archive = self.dir / "saved.tar"
        self.docker_archive(archive)
        for name, packed in {"gz": gzip.compress(archive.read_bytes()), "zst": self.zstd(archive)}.items():
            with self.subTest(name):
                path = self.dir / f"saved.tar.{name}"
                path.write_bytes(packed)
                self.from_source(f"docker-archive://{path}", name, code=0, dockerfile=(
                    "FROM base AS one\nCOPY f /one\nFROM base\nCOPY --from=one /one /two\nCOPY --from=base /hello /three\nVOLUME /v\n"))
                self.assertEqual(self.read("/two", name), b"x\n")
                self.assertEqual(self.read("/three", name), b"hello\n")
                self.assertEqual([], list((self.dir / ("store-" + name) / "tmp").glob("*/*")))

    def test_damaged_compressed_archive(self):
        """S-6"""
        archive = self.dir / "saved.tar"
        self.docker_archive(archive)
        packed = gzip.compress(archive.read_bytes())
        (self.dir / "cut.tar.gz").write_bytes(packed[:len(packed) // 2])
        self.assertIn("cut.tar.gz", self.from_source(f"docker-archive://{self.dir}/cut.tar.gz", code=7).err)

    @staticmethod
    def zstd(path):
        need_program("zstd")
        return subprocess.run(["zstd", "-qc", path], check=True, stdout=subprocess.PIPE).stdout

    @staticmethod
    def docker_archive(path):
        """As docker save writes one, with lists that are null (S-4), no platform (S-2) and a malformed variable (S-17)."""
        layer = archive({"hello": b"hello\n"})
        digest = hashlib.sha256(layer).hexdigest()
        config = json.dumps({"architecture": "", "os": "", "history": None, "config": {"Env": ["=x", "A=b"], "Volumes": None},
                             "rootfs": {"type": "layers", "diff_ids": ["sha256:" + digest]}}).encode()
        manifest = [{"Config": "config.json", "RepoTags": None, "Layers": [digest + "/layer.tar"]}]
        path.write_bytes(archive({"config.json": config, digest + "/layer.tar": layer,
                                  "manifest.json": json.dumps(manifest).encode()}))

    def test_malformed_configuration_is_warned_of(self):
        """S-17"""
        self.docker_archive(self.dir / "saved.tar")
        result = self.from_source(f"docker-archive://{self.dir}/saved.tar")
        self.assertIn("[base-config]", result.err)
        self.assertIn('config.Env[0] ("=x") has no variable name; ignoring it', result.err)

    def test_oci_layout_whose_entry_and_configuration_name_other_platforms(self):
        """S-2: the entry decides, whether the configuration names another platform or none."""
        for name, platform in {"other": {"architecture": "arm64", "os": "linux"}, "none": {"architecture": "", "os": ""}}.items():
            with self.subTest(name):
                layout = Layout(self.folder("layout-" + name))
                image = bases.tiny_image()
                image.platform = platform
                layout.tag({**layout.add_image(image), "platform": {"architecture": "amd64", "os": "linux"}}, "tiny")
                self.from_source(f"oci-layout://{layout.path}:tiny", name)

    def test_oci_layout_with_several_images_wants_a_choice(self):
        result = self.from_source(f"oci-layout://{shared_layout().path}", code=None)
        self.assertNotEqual(result.code, 0)
        for word in ["tiny", "edge", "error:"]:
            self.assertIn(word, result.err)

    def test_docker_archive_made_by_skopeo_has_the_same_files(self):
        need_program("skopeo")
        archive = self.dir / "saved.tar"
        run("skopeo", "copy", "--quiet", "--insecure-policy", f"oci:{shared_layout().path}:tiny",
            f"docker-archive:{archive}:library/tiny:latest")
        self.from_source(f"docker-archive://{archive}")
        self.from_registry()
        self.assert_same_tree(self.tree(self.image("online")), self.tree(self.image("offline")))

    def test_image_that_an_archive_does_not_have(self):
        need_program("skopeo")
        archive = self.dir / "saved.tar"
        run("skopeo", "copy", "--quiet", "--insecure-policy", f"oci:{shared_layout().path}:tiny",
            f"docker-archive:{archive}:library/tiny:latest")
        self.assertIn("other", self.from_source(f"docker-archive://{archive}:other:1", code=4).err)

    def test_layout_that_is_not_there(self):
        self.assertIn("nowhere", self.from_source(f"oci-layout://{self.dir}/nowhere:x", code=4).err)

    def test_each_blob_of_a_layout_corrupted_in_turn(self):
        layout = Layout(self.folder("layout"))
        layout.add_image(bases.tiny_image(), "tiny")
        for number, blob in enumerate(sorted((layout.path / "blobs" / "sha256").iterdir())):
            with self.subTest(blob=blob.name[:12]):
                good = blob.read_bytes()
                damaged = bytearray(good)
                damaged[len(good) // 2] ^= 1
                blob.write_bytes(bytes(damaged))
                name = f"damaged{number}"
                result = self.from_source(f"oci-layout://{layout.path}:tiny", name, code=7)
                self.assertIn("error:", result.err)
                self.assertFalse(self.image(name).exists())
                blob.write_bytes(good)

    def test_context_directory_as_a_base_of_copies(self):
        other = self.context({"deep/file": "from the other context\n"}, "other")
        self.from_source(other, dockerfile="FROM scratch\nCOPY --from=base /deep /deep\nVOLUME /v\n")
        self.assertEqual(self.read("/deep/file", "offline"), b"from the other context\n")

    def test_pull_never_uses_what_the_store_has(self):
        context = self.context({"Dockerfile": "FROM tiny\nVOLUME /v\n"})
        mirror = ["--registry-mirror", shared_registry().host]
        refused = self.gbuild("build", "--pull=never", *mirror, "-o", self.image("never"), context, code=None)
        self.assertNotEqual(refused.code, 0)
        self.gbuild("build", *mirror, "-o", self.image("first"), context)
        self.gbuild("build", "--pull=never", "-o", self.image("second"), context)
        self.assertEqual(gvmi.sha256(self.image("first")), gvmi.sha256(self.image("second")))
