"""Everything a person gets wrong: one clear message with its place and remedy, the documented exit code, and no debris."""
import os
import shutil
import struct
import subprocess

from harness.bases import tiny_image
from harness.case import Case, shared_registry
from harness.oci import Layout
from harness.process import is_root, only_as_root

USAGE, DOCKERFILE, NOT_FOUND, NETWORK, INTEGRITY, UNSUPPORTED, LOCAL, CONFLICT = 2, 3, 4, 6, 7, 8, 9, 10


class BadInput(Case):
    def refused(self, dockerfile, code, *words, files=None, options=()):
        result = self.build(dockerfile, files, options, code=code)
        self.assert_error(result, *words)
        self.assertEqual(result.err.count("error:"), 1, result)
        return result

    # The command line.

    def test_no_arguments(self):
        self.assertIn("usage: gbuild", self.gbuild(code=USAGE).err)

    def test_unknown_option_offers_the_nearest(self):
        self.assert_error(self.gbuild("build", "--taget", "x", ".", code=USAGE), "--taget", "--target")

    def test_unknown_command_offers_the_nearest(self):
        self.assert_error(self.gbuild("inspct", code=USAGE), "inspct", "inspect")

    def test_context_that_is_not_there(self):
        self.assert_error(self.gbuild("build", self.dir / "nowhere", code=NOT_FOUND), "nowhere")

    def test_context_that_is_a_file(self):
        self.assert_error(self.gbuild("build", self.context({"f": "x"}) / "f", code=USAGE), "not a directory")

    def test_context_without_a_dockerfile(self):
        self.assert_error(self.gbuild("build", self.context({"f": "x"}), code=NOT_FOUND), "Dockerfile", "hint:")

    def test_unknown_platform(self):
        self.refused("FROM tiny\n", None, "amiga", options=["--platform", "amiga"])

    def test_bad_tag(self):
        result = self.gbuild("build", "-t", "UPPER CASE", self.context({"Dockerfile": "FROM scratch\n"}), code=None)
        self.assertIn(result.code, (USAGE, DOCKERFILE), result)
        self.assert_error(result, "UPPER CASE")

    def test_zstd_says_why_not(self):
        self.refused("FROM scratch\nVOLUME /v\n", USAGE, "zstd", "--allow-unmountable-zstd", options=["--compression", "zstd"])

    def test_levels_and_block_sizes_out_of_range(self):
        for option in [["--compression-level", "99"], ["--block-size", "3000"], ["--block-size", "2M"], ["--jobs", "0"],
                       ["--timestamp", "yesterday"], ["--compression", "rar"]]:
            with self.subTest(option):
                self.refused("FROM scratch\nVOLUME /v\n", USAGE, option[0].split("-")[2], options=option)

    # The Dockerfile.

    def test_empty_dockerfile(self):
        self.refused("", DOCKERFILE, "Dockerfile")

    def test_unknown_instruction_with_a_caret_and_a_guess(self):
        result = self.refused("FROM tiny\nWROKDIR /x\n", DOCKERFILE, "Dockerfile:2:1: error:", "WORKDIR")
        self.assertIn("    2 | WROKDIR /x\n      | ^~~~~~~\n", result.err)

    def test_unknown_flag(self):
        self.refused("FROM tiny\nCOPY --chwon=1 f /f\n", DOCKERFILE, "Dockerfile:2:6: error:", "--chown", files={"f": ""})

    def test_bad_reference(self):
        self.refused("FROM Tiny:Latest:More\n", DOCKERFILE, "Dockerfile:1")

    def test_unknown_stage_as_target(self):
        self.refused("FROM tiny AS one\n", None, "two", options=["--target", "two"])

    def test_missing_source_names_the_nearest(self):
        self.refused("FROM tiny\nCOPY config.jsn /\n", DOCKERFILE, "Dockerfile:2", "config.json", files={"config.json": "x"})

    def test_several_sources_for_one_file(self):
        self.refused("FROM tiny\nCOPY a b /c\n", DOCKERFILE, "Dockerfile:2", files={"a": "", "b": ""})

    def test_source_that_dockerignore_hides(self):
        self.refused("FROM tiny\nCOPY a /\n", DOCKERFILE, "Dockerfile:2", ".dockerignore",
                     files={"a": "", ".dockerignore": "a\n"})

    def test_unknown_owner(self):
        self.refused("FROM tiny\nCOPY --chown=nobody-here f /f\n", None, "nobody-here", "Dockerfile:2", files={"f": ""})

    def test_unknown_user(self):
        self.refused("FROM tiny\nUSER nobody-here\n", None, 'USER "nobody-here"', "hint:")

    def test_unterminated_heredoc(self):
        self.refused("FROM tiny\nCOPY <<EOF /f\ntext\n", DOCKERFILE, "Dockerfile:2", "EOF")

    def test_options_for_run_that_make_no_sense(self):
        for option in [["--timeout", "soon"], ["--timeout", "0"], ["--memory", "much"], ["--pids", "0"], ["--allow", "everything"],
                       ["--isolation", "vm"], ["--network", "elsewhere"]]:
            with self.subTest(option):
                self.refused("FROM tiny\nRUN true\n", USAGE, *option, options=option)

    def test_run_in_a_stage_that_nobody_needs_is_no_obstacle(self):
        self.build("FROM registry.invalid/never AS unused\nRUN make\nFROM tiny\n")

    # Images and where they go.

    def test_registry_that_is_not_there(self):
        self.refused("FROM 127.0.0.1:1/nobody/listens\n", NETWORK, "127.0.0.1:1")

    def test_absent_image_at_the_place_that_names_it(self):
        self.refused(f"FROM scratch\nCOPY --from={shared_registry().host}/no/such /a /\n", NOT_FOUND,
                     "Dockerfile:2:6: error:", "no/such", "hint:")

    def test_image_for_another_platform_lists_what_there_is(self):
        layout = Layout(self.folder("layout"))
        image = tiny_image()
        image.platform = {"os": "linux", "architecture": "arm64", "variant": "v8"}
        other = layout.add_image(tiny_image())
        other["platform"] = {"os": "unknown", "architecture": "unknown"}
        layout.add_index([layout.add_image(image), other], "multi")
        result = self.refused("FROM multi\n", None, "linux/arm64", "linux/amd64",
                              options=["--build-context", f"multi=oci-layout://{layout.path}:multi"])
        self.assertNotIn("unknown/unknown", result.err)

    def test_output_directory_that_is_not_there(self):
        context = self.context({"Dockerfile": "FROM scratch\n"})
        self.assert_error(self.gbuild("build", "-o", self.dir / "no" / "x.gvmi", context, code=NOT_FOUND), "hint:", "-o")

    def test_output_that_is_not_a_file(self):
        context = self.context({"Dockerfile": "FROM scratch\n"})
        os.mkfifo(self.dir / "pipe")
        self.assert_error(self.gbuild("build", "-o", self.dir / "pipe", context, code=CONFLICT), "pipe")

    def test_unwritable_output(self):
        if is_root():
            self.skipTest("root may write everywhere")
        folder = self.folder("read-only")
        folder.chmod(0o555)
        context = self.context({"Dockerfile": "FROM scratch\n"})
        self.assert_error(self.gbuild("build", "-o", folder / "x.gvmi", context, code=LOCAL), "read-only")

    def test_unreadable_source(self):
        if is_root():
            self.skipTest("root may read everything")
        context = self.context({"Dockerfile": "FROM scratch\nCOPY . /\n", "secret": "x"})
        (context / "secret").chmod(0)
        self.assert_error(self.gbuild("build", "-o", self.image(), context, code=LOCAL), "secret")

    def test_failed_build_keeps_the_image_that_was_there(self):
        self.build("FROM tiny\n")
        before = self.image().read_bytes()
        self.build("FROM tiny\nCOPY nothing /\n", code=DOCKERFILE)
        self.assertEqual(self.image().read_bytes(), before)

    @only_as_root("mounts a small file system")
    def test_full_disk(self):
        context = self.context({"Dockerfile": "FROM scratch\nCOPY . /\nVOLUME /v\n", "random": os.urandom(6 << 20)})
        for name in ["output", "store"]:
            with self.subTest(name):
                point = self.folder("small-" + name)
                subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", point], check=True)
                try:
                    output = point / "x.gvmi" if name == "output" else self.dir / "x.gvmi"
                    store = point / "store" if name == "store" else self.store
                    result = self.gbuild("build", "--root", store, "-o", output, context, code=LOCAL)
                    self.assertIn("error:", result.err)
                    self.assertIn("hint:", result.err)
                    self.assertFalse(output.exists())
                    if name == "output":
                        self.assertEqual(list(point.iterdir()), [])
                finally:
                    subprocess.run(["umount", str(point)], check=True)

    # Image files.

    def garbage(self):
        self.build("FROM tiny\n")
        good = self.image().read_bytes()
        flipped = bytearray(good)
        flipped[-20] ^= 1
        length = int(good[-8:])
        no_checksum = good[:-8 - length - 4] + struct.pack("<I", 0) + good[-8 - length:]
        return {"empty": b"", "text": b"hello\n" * 100, "zeros": bytes(8192), "cut": good[:len(good) // 2],
                "no-trailer": good[:-8 - length - 4], "flipped": bytes(flipped), "checksum": no_checksum,
                "length": good[:-8] + b"99999999", "not-digits": good[:-8] + b"xxxxxxxx",
                "superblock": good[:8] + b"\xff" * 88 + good[96:], "tables": good[:len(good) - 3000 - length] + bytes(
                    3000 - 12) + good[-12 - length:]}

    def test_garbage_images_are_refused_by_every_command(self):
        for name, data in self.garbage().items():
            path = self.dir / f"{name}.bad"
            path.write_bytes(data)
            for command in [["inspect", path], ["ls", "-R", path], ["cat", path, "/etc/passwd"],
                            ["extract", path, "-o", self.dir / "out"]]:
                with self.subTest(name=name, command=command[0]):
                    result = self.gbuild(*command, code=None)
                    if name == "tables" and command[0] == "inspect":
                        continue  # says what the superblock says; it has no reason to read the tables
                    self.assertEqual(result.code, INTEGRITY, result)
                    self.assertIn(f"{name}.bad", result.err)
                    shutil.rmtree(self.dir / "out", ignore_errors=True)

    def test_image_that_is_not_there(self):
        self.assertIn("nothing.gvmi", self.gbuild("inspect", "nothing.gvmi", code=NOT_FOUND).err)

    def test_path_that_is_not_in_the_image(self):
        self.build("FROM tiny\n")
        for command in ["ls", "cat"]:
            self.assertIn("/no/such", self.gbuild(command, self.image(), "/no/such", code=NOT_FOUND).err)
