"""The example of the first page, from Debian's own files to an image that other tools agree about."""
import json
import os
import re
import shutil
import stat
import subprocess

from harness import contract, gvmi, parts, tree
from harness.case import Case, debian_registry
from harness.oci import CREATED_SECONDS, PATH_ENV
from harness.process import need_program, only_as_root, run
from harness.squashfs import FLAG_EXPORTABLE, Reader

EXAMPLE = parts.PROJECT / "testdata" / "golem-example"
VOLUMES = ["/golem/input", "/golem/output"]


class Example(Case):
    """Built once for all tests of the class."""

    @classmethod
    def setUpClass(cls):
        cls._files = None

    def setUp(self):
        super().setUp()
        if type(self)._files is None:
            type(self)._files = self._build()
        self.file, self.result = type(self)._files

    def _build(self):
        work = self.folder("first-build")
        context = work / "golem-example"
        shutil.copytree(EXAMPLE, context)
        result = self.gbuild("-t", "golem-example", "--registry-mirror", debian_registry().host, ".", cwd=context)
        kept = self.dir.parent / "golem-example-latest.gvmi"
        shutil.move(context / "golem-example-latest.gvmi", kept)
        return kept, result

    def expected_config(self):
        return {"Domainname": "", "AttachStdin": False, "AttachStdout": False, "AttachStderr": False, "Tty": False,
                "OpenStdin": False, "StdinOnce": False, "Env": [PATH_ENV], "Cmd": ["bash"],
                "Volumes": {volume: {} for volume in VOLUMES}, "WorkingDir": "/golem/work", "Labels": {}}

    def test_last_lines_say_tag_file_size_hash_volumes_and_working_directory(self):
        lines = self.result.out.splitlines()
        size = self.file.stat().st_size
        self.assertEqual(lines[0], "Successfully tagged golem-example:latest")
        self.assertEqual(lines[1], "File: golem-example-latest.gvmi")
        self.assertRegex(lines[2], r"^Size: [0-9.]+ [kKM]i?B")
        self.assertGreater(size, 30 << 20)
        self.assertEqual(lines[3], "hash:sha3:" + gvmi.sha3_224(self.file))
        self.assertEqual(lines[4], "Volumes: /golem/input /golem/output")
        self.assertEqual(lines[5], "Working directory: /golem/work")

    def test_trailer_is_docker_s_container_config_under_a_good_checksum(self):
        trailer = gvmi.read_trailer(self.file)
        config = dict(trailer.config)
        self.assertRegex(config.pop("Image"), "^[0-9a-f]{64}$")
        config.setdefault("Entrypoint", None)
        self.assertIsNone(config.pop("Entrypoint"))
        self.assertEqual(config, self.expected_config())
        self.assertNotIn("null", trailer.json_text)

    def test_keys_come_in_docker_s_order(self):
        order = ("Hostname Domainname User AttachStdin AttachStdout AttachStderr ExposedPorts Tty OpenStdin StdinOnce Env "
                 "Cmd Healthcheck ArgsEscaped Image Volumes WorkingDir Entrypoint NetworkDisabled MacAddress OnBuild "
                 "Labels StopSignal StopTimeout Shell").split()
        keys = list(gvmi.read_trailer(self.file).config)
        self.assertEqual(keys, sorted(keys, key=order.index))

    def test_superblock_is_what_the_provider_s_kernel_takes(self):
        with Reader(self.file) as reader:
            superblock = reader.superblock
            self.assertEqual((superblock.version, superblock.compressor, superblock.block_size), ((4, 0), "gzip", 131072))
            self.assertTrue(superblock.flags & FLAG_EXPORTABLE)
            self.assertEqual(len(reader.export_table()), superblock.inodes)

    def test_export_table_finds_every_inode(self):
        with Reader(self.file) as reader:
            for number, reference in enumerate(reader.export_table(), 1):
                self.assertEqual(reader.inode(reference).number, number)

    def test_hard_links_count_the_names_of_their_inode(self):
        with Reader(self.file) as reader:
            entries = reader.entries(contents=False)
            for path, entry in entries.items():
                if entry.kind != stat.S_IFDIR and entry.links:
                    self.assertEqual(reader.find(path.decode()).nlink, len(entry.links), path)

    def test_unsquashfs_reads_it_without_complaint(self):
        need_program("unsquashfs")
        for flag in ["-s", "-lls"]:
            done = subprocess.run(["unsquashfs", flag, str(self.file)], capture_output=True, text=True, check=False)
            self.assertEqual((done.returncode, done.stderr), (0, ""), flag)
        self.assertIn("Compression gzip", run("unsquashfs", "-s", self.file))
        listed = [line for line in run("unsquashfs", "-lls", self.file).splitlines() if " squashfs-root" in line]
        self.assertEqual(len(listed), len(self.tree(self.file)))

    def test_unsquashfs_extracts_every_content(self):
        need_program("unsquashfs")
        target = self.dir / "extracted"
        flags = [] if os.geteuid() == 0 else ["-no-xattrs", "-ignore-errors", "-no-exit-code"]
        subprocess.run(["unsquashfs", "-quiet", "-no-progress", "-dest", target, *flags, self.file], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        image = self.tree(self.file)
        ignore = () if os.geteuid() == 0 else ("uid", "gid", "mode", "xattrs")
        found = tree.walk(target)
        readable = {path: entry for path, entry in image.items() if path in found or os.geteuid() == 0}
        self.assert_same_tree(readable, found, ignore)

    def test_sqfs2tar_reads_it_too(self):
        need_program("sqfs2tar")
        done = subprocess.run(["sqfs2tar", str(self.file)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertGreater(len(done.stdout), 100 << 20)

    @only_as_root("umoci restores owners and devices")
    def test_tree_is_what_umoci_unpacks_plus_what_the_vm_needs(self):
        need_program("umoci")
        bundle = self.dir / "bundle"
        run("umoci", "unpack", "--image", f"{parts.debian_layout().path}:latest", bundle)
        expected = contract.with_vm_entries(tree.walk(bundle / "rootfs"), CREATED_SECONDS, VOLUMES, "/golem/work")
        self.assert_same_tree(expected, self.tree(self.file))

    @only_as_root("mount")
    def test_running_kernel_mounts_it_and_sees_the_same_tree(self):
        with open("/proc/filesystems", encoding="ascii") as file:
            if not re.search(r"\bsquashfs$", file.read(), re.M):
                self.skipTest("this kernel has no squashfs")
        point = self.folder("mounted")
        done = subprocess.run(["mount", "-t", "squashfs", "-o", "ro,loop,nodev", self.file, point], capture_output=True,
                              text=True, check=False)
        if done.returncode != 0 and "loop" in done.stderr:
            self.skipTest("no loop devices here: " + done.stderr.strip())
        self.assertEqual(done.returncode, 0, done.stderr)
        try:
            self.assert_same_tree(self.tree(self.file), tree.walk(point))
        finally:
            subprocess.run(["umount", str(point)], check=True)

    def test_second_build_downloads_nothing_and_gives_the_same_bytes(self):
        context = self.context({"Dockerfile": (EXAMPLE / "Dockerfile").read_text()})
        mirror = ["--registry-mirror", debian_registry().host]
        for name in ["first", "second"]:
            last = self.gbuild("-o", self.image(name), *mirror, "--progress", "json", context)
        self.assertEqual(gvmi.sha256(self.image("first")), gvmi.sha256(self.image("second")))
        self.assertEqual(gvmi.sha256(self.image("first")), gvmi.sha256(self.file))
        events = [json.loads(line) for line in last.err.splitlines()]
        pulls = {event["id"] for event in events if event.get("verb") == "pulling"}
        self.assertEqual([event["cached"] for event in events if event["event"] == "transfer-finished"
                          and event["id"] in pulls], [True])
