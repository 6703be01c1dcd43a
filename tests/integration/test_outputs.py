"""What goes back to the container world, judged by the programs that live there."""
import io
import json
import os
import subprocess
import tarfile

from harness import gvmi
from harness.case import Case, shared_registry
from harness.oci import CONFIG, Layout
from harness.process import need_program, only_as_root, run
from harness.tree import walk

DOCKERFILE = ("FROM {base}\nCOPY --chown=12:34 file /added/file\nENV A=b\nLABEL l=v\nUSER 12\nWORKDIR /w\n"
              "VOLUME /data\nENTRYPOINT [\"/added/file\"]\n")
FILES = {"file": "contents\n"}


class Outputs(Case):
    def output(self, *outputs, base="edge", options=(), code=0):
        """Builds with these -o and returns the Run."""
        context = self.context({"Dockerfile": DOCKERFILE.format(base=base), **FILES})
        words = [word for output in outputs for word in ("-o", output)]
        return self.gbuild("build", "--registry-mirror", shared_registry().host, "-t", "app:1", *words, *options, context, code=code)

    def unpacked(self, layout, tag="1"):
        """The tree as umoci unpacks it."""
        need_program("umoci")
        bundle = layout.with_name(layout.name + "-bundle")
        run("umoci", "unpack", "--image", f"{layout}:{tag}", bundle)
        return walk(bundle / "rootfs")

    @only_as_root("umoci unpacks owners and devices")
    def test_umoci_unpacks_what_the_gvmi_has(self):
        for compression in ["gzip", "zstd", "uncompressed"]:
            with self.subTest(compression):
                layout = self.dir / ("layout-" + compression)
                self.output(self.image(), f"type=oci,tar=false,compression={compression},dest={layout}")
                if compression == "zstd":  # which older versions of umoci do not read
                    need_program("skopeo")
                    plain = self.dir / "plain"
                    run("skopeo", "copy", "-q", "--dest-decompress", f"oci:{layout}:1", f"dir:{plain}")
                    continue
                expected = self.tree(self.image())
                for entry in expected.values():
                    # Go takes a PAX record without a value for a deleted one.
                    entry.xattrs = {name: value for name, value in entry.xattrs.items() if value}
                self.assert_same_tree(expected, self.unpacked(layout))

    def test_skopeo_reads_oci_archives_and_docker_archives(self):
        need_program("skopeo")
        archive, docker = self.dir / "oci.tar", self.dir / "docker.tar"
        self.output(f"type=oci,dest={archive}", f"type=docker,dest={docker}", options=("--annotation", "note=x"))
        for source in [f"oci-archive:{archive}:1", f"docker-archive:{docker}:app:1"]:
            with self.subTest(source):
                config = json.loads(run("skopeo", "inspect", "--config", source))
                self.assertEqual(config["config"]["User"], "12")
                self.assertEqual(config["config"]["Labels"]["l"], "v")
                self.assertEqual(config["config"]["WorkingDir"], "/w")
                self.assertEqual(len(config["rootfs"]["diff_ids"]), 1)
                self.assertIn("ENV A=b", [step["created_by"] for step in config["history"]])
                run("skopeo", "copy", "-q", source, f"dir:{self.folder('copy')}")
        manifest = json.loads(run("skopeo", "inspect", "--raw", f"oci-archive:{archive}:1"))
        self.assertEqual(manifest["annotations"], {"note": "x"})

    def test_gbuild_builds_on_what_it_wrote(self):
        layout = self.dir / "layout"
        self.output(self.image("first"), f"type=oci,tar=false,dest={layout}")
        docker = self.dir / "docker.tar"
        self.output(f"type=docker,dest={docker}")
        context = self.context({"Dockerfile": "FROM base\n"}, "again")
        for source in [f"oci-layout://{layout}:1", f"docker-archive://{docker}"]:
            self.gbuild("build", "--build-context", f"base={source}", "-o", self.image("second"), context)
            self.assert_same_tree(self.tree(self.image("first")), self.tree(self.image("second")))

    def test_tar_to_standard_output(self):
        context = self.context({"Dockerfile": "FROM scratch\nCOPY file /d/f\n", **FILES})
        done = subprocess.run(self.command("build", "-q", "-o", "-", context), check=True, stdout=subprocess.PIPE,
                              env=self.environment(), cwd=self.dir)
        (self.dir / "out.tar").write_bytes(done.stdout)
        with tarfile.open(self.dir / "out.tar") as archive:
            self.assertEqual(archive.extractfile("d/f").read(), b"contents\n")
            self.assertIn("etc/hosts", archive.getnames())
        told = self.gbuild("build", "-o", f"type=tar,dest={self.dir / 'again.tar'}", context)
        self.assertIn("Wrote tar: ", told.out)
        self.assertEqual((self.dir / "again.tar").read_bytes(), done.stdout)

    @only_as_root("tar restores owners and devices")
    def test_gnu_tar_unpacks_what_the_gvmi_has(self):
        archive = self.dir / "rootfs.tar"
        self.output(self.image(), f"type=tar,dest={archive}")
        root = self.folder("root")
        run("tar", "-C", root, "--xattrs", "--xattrs-include=*", "--numeric-owner", "-xpf", archive)
        self.assert_same_tree(self.tree(self.image()), walk(root))

    def test_files_in_a_directory_belong_to_the_user(self):
        target = self.dir / "tree"
        self.output(f"type=local,dest={target}", base="tiny")
        found = walk(target)
        self.assertEqual({(entry.uid, entry.gid) for entry in found.values()}, {(os.geteuid(), os.getegid())})
        self.assertEqual((target / "added/file").read_text(), "contents\n")
        self.output(f"type=local,dest={target}", base="tiny")
        self.assertEqual(walk(target), found)

    @only_as_root("device nodes")
    def test_root_gets_the_devices_in_a_directory(self):  # U-16
        local, extracted = self.dir / "local", self.dir / "extracted"
        run = self.output(f"type=local,dest={local}", self.image())
        self.gbuild("extract", self.image(), "-o", extracted)
        devices = {path: entry.device for path, entry in self.tree(self.image()).items() if entry.device != (0, 0)}
        self.assertTrue(devices)
        for target in (local, extracted):
            self.assertEqual(devices, {path: entry.device for path, entry in walk(target).items() if path in devices})
        self.assertNotIn("device nodes need root", run.err)

    def test_extract_to_standard_output(self):  # U-9
        self.output(self.image())
        for path, member in [("/", "added/file"), ("/added", "file"), ("/added/file", "file")]:
            with self.subTest(path):
                done = subprocess.run(self.command("extract", self.image(), path, "-o", "-"), check=True, stdout=subprocess.PIPE,
                                      env=self.environment(), cwd=self.dir)
                with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
                    found = archive.getmember(member)
                    self.assertEqual((found.uid, found.gid), (12, 34))
                    self.assertEqual(archive.extractfile(found).read(), b"contents\n")
                    if path == "/added/file":
                        self.assertEqual(archive.getnames(), ["file"])
        self.assertFalse((self.dir / "-").exists())

    def test_extract_and_tar_output_give_the_same_files(self):
        archive = self.dir / "rootfs.tar"
        self.output(self.image(), f"type=tar,dest={archive}")
        done = subprocess.run(self.command("extract", self.image(), "-o", "-"), check=True, stdout=subprocess.PIPE,
                              env=self.environment(), cwd=self.dir)
        self.assertEqual(done.stdout, archive.read_bytes())

    def test_metadata_on_standard_output(self):  # U-9
        run = self.output(self.image(), options=("--metadata-file", "-"))
        self.assertEqual(json.loads(run.out)["gbuild.file"], str(self.image()))
        self.assertIn("hash:sha3:", run.err)
        self.assertFalse((self.dir / "-").exists())
        run = self.output(self.image(), options=("--iidfile", "-"))
        self.assertRegex(run.out, "^sha256:[0-9a-f]{64}\n?$")
        self.output("type=tar,dest=-", options=("--metadata-file", "-"), code=10)
        self.output(self.image(), options=("--metadata-file", "-", "--iidfile", "-"), code=10)

    def test_a_path_that_looks_like_another_type_gets_a_warning(self):  # U-10
        self.assertIn("[output-type]", self.output(str(self.dir / "app.tar")).err)
        self.assertIn("type=local", self.output(str(self.dir / "out")).err)
        self.assertNotIn("[output-type]", self.output(self.image(), f"type=tar,dest={self.dir / 'x.tar'}").err)

    def test_outputs_are_the_same_everywhere(self):
        first, second = self.dir / "1.tar", self.dir / "2.tar"
        self.output(f"type=oci,dest={first}", options=("-j", "1"))
        self.store = self.dir / "other-store"
        self.output(f"type=oci,dest={second}", self.image(), options=("-j", "3"))
        self.assertEqual(first.read_bytes(), second.read_bytes())

    def test_metadata_iidfile_and_tags_of_a_container_image(self):
        archive = self.dir / "oci.tar"
        self.output(f"type=oci,dest={archive}", options=("--iidfile", self.dir / "iid", "--metadata-file", self.dir / "meta"))
        metadata = json.loads((self.dir / "meta").read_text())
        self.assertEqual(metadata["containerimage.config.digest"], (self.dir / "iid").read_text())
        self.assertEqual(metadata["gbuild.outputs"][0]["containerimage.digest"], metadata["containerimage.digest"])
        self.assertNotIn("gbuild.file", metadata)
        self.assertEqual(json.loads(self.gbuild("images", "--format", "json").out), [])
        self.output(f"type=local,dest={self.dir / 't'}", options=("--iidfile", self.dir / "iid"), code=2)


class Triggers(Case):
    def setUp(self):
        super().setUp()
        self.layout = self.dir / "base"

    def make_base(self, lines, parent="tiny"):
        context = self.context({"Dockerfile": f"FROM {parent}\n{lines}"}, "base-context")
        self.gbuild("build", "--registry-mirror", shared_registry().host, "-t", "base", "-o",
                    f"type=oci,tar=false,dest={self.layout}", context)

    def on_base(self, dockerfile, files=None, code=0, options=()):
        context = self.context({"Dockerfile": dockerfile, **(files or {})})
        return self.gbuild("build", "--build-context", f"node=oci-layout://{self.layout}:latest", "-o", self.image(), *options,
                           context, code=code)

    def test_triggers_run_in_order_before_the_stage(self):
        self.make_base("ONBUILD COPY f /app/f\nONBUILD RUN cat /app/f >/app/copy\nONBUILD WORKDIR /app\n", "box")
        told = self.on_base("FROM node\nRUN cat copy copy >twice\n", {"f": "x"})
        self.assertEqual(self.read("app/twice"), b"xx")
        self.assertIn("ONBUILD RUN cat /app/f", told.err)
        self.assertNotIn("OnBuild", gvmi.read_trailer(self.image()).config)

    def test_a_failing_trigger_is_named_at_the_base(self):
        self.make_base("ONBUILD RUN exit 3\n", "box")
        told = self.on_base("# one\nFROM node\n", code=11)
        self.assert_error(told, "Dockerfile:2:6", "ONBUILD RUN exit 3", "failed with exit code 3")

    def test_trigger_that_docker_refuses(self):
        self.make_base("LABEL x=y\n")
        index = json.loads((self.layout / "index.json").read_text())
        blobs = self.layout / "blobs/sha256"
        manifest = json.loads((blobs / index["manifests"][0]["digest"].removeprefix("sha256:")).read_text())
        config = json.loads((blobs / manifest["config"]["digest"].removeprefix("sha256:")).read_text())
        for trigger, message in [("ONBUILD RUN x", "ONBUILD cannot trigger ONBUILD"), ("FROM x", "cannot trigger"), ("RNU x", "did you mean RUN?")]:
            with self.subTest(trigger):
                config["config"]["OnBuild"] = [trigger]
                layout = Layout(self.layout)
                manifest["config"] = layout.add_document(CONFIG, config)
                layout.tag(layout.add_document(manifest["mediaType"], manifest), "latest")
                told = self.on_base("FROM node\n", code=3)
                self.assert_error(told, "Dockerfile:1:6", message, trigger)
