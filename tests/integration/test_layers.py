"""The layer rules, on an image that breaks every shortcut."""
import stat

from harness import bases, contract, layers, tree
from harness.case import Case, shared_layout
from harness.oci import CREATED_SECONDS, MANIFEST, Image, Layout
from harness.process import need_program, only_as_root, run
from harness.tars import Tar

# Nobody has said what time a directory has that no entry describes.
IMPLICIT = ("mtime",)


class Layers(Case):
    def expected(self, built):
        wanted = contract.with_vm_entries(layers.merge(bases.edge_layers()), CREATED_SECONDS, ["/data"], "/lower")
        for path, entry in wanted.items():
            if entry.kind == stat.S_IFDIR and entry.mtime == 0 and path in built:
                entry.mtime = built[path].mtime
        return wanted

    def test_edge_image_is_what_the_layer_rules_say(self):
        built = self.built("FROM edge\n")
        self.assert_same_tree(self.expected(built), built)

    @only_as_root("umoci restores owners and devices")
    def test_edge_image_is_what_umoci_unpacks(self):
        need_program("umoci")
        run("umoci", "unpack", "--image", f"{shared_layout().path}:edge", self.dir / "bundle")
        unpacked = tree.walk(self.dir / "bundle" / "rootfs")
        for name in [b"trusted", b"same-xattrs"]:  # umoci drops empty values
            unpacked[name].xattrs["user.empty"] = b""
        built = self.built("FROM edge\n")
        wanted = contract.with_vm_entries(unpacked, CREATED_SECONDS, ["/data"], "/lower")
        for path in [b".", b"opaque"]:  # umoci touches them
            wanted[path].mtime = built[path].mtime
        for path, entry in self.expected(built).items():
            if entry.kind == stat.S_IFDIR and layers.merge(bases.edge_layers()).get(path, entry).mtime == 0:
                wanted[path].mtime = built[path].mtime
        self.assert_same_tree(wanted, built)

    def test_more_files_than_allowed_are_refused(self):
        few = {f"d/{number}": "" for number in range(12)}
        for dockerfile, limit in [("FROM edge\n", 10), ("FROM scratch\nCOPY d /d/\n", 13), ("FROM box\nCOPY d /d/\n", 20)]:
            with self.subTest(dockerfile):
                result = self.build(dockerfile, few, ("--max-files", limit), code=8)
                self.assert_error(result, f"files, directories and links; the limit is {limit}", "--max-files")
        # What a layer has again is no file more.
        self.build("FROM scratch\nCOPY d /d/\nCOPY --chmod=600 d /d/\n", few, ("--max-files", 14))

    def test_device_numbers_owners_and_odd_names_survive(self):
        built = self.built("FROM edge\n")
        self.assertEqual(built[b"dev/big"].device, (259, 70000))
        self.assertEqual((built[b"owner-big"].uid, built[b"owner-big"].gid), (4_000_000_000, 3_000_000_000))
        self.assertIn(b"odd/new\nline", built)
        self.assertEqual(built[b"ping"].xattrs, {"security.capability": bases.CAPABILITY})
        self.assertEqual(built[b"hard/one"].links, (b"hard/one", b"hard/three"))

    def test_same_contents_are_stored_once(self):
        block = bytes(range(256)) * 4096
        self.build("FROM scratch\nCOPY one /one\nVOLUME /v\n", {"one": block}, name="one")
        files = {f"f{number}": block for number in range(20)}
        self.build("FROM scratch\nCOPY . /all/\nVOLUME /v\n", {**files, ".dockerignore": "Dockerfile\n"}, name="all")
        self.assertLess(self.image("all").stat().st_size, self.image("one").stat().st_size + 16384)


class RefusedLayers(Case):
    """Layers that no honest tool makes: refused with the place, and nothing is written."""

    def refuse(self, tar, *words, code=7):
        layout = self.folder("layout")
        Layout(layout).add_image(Image([Tar().directory("etc").file("etc/passwd", "root").bytes(), tar]), "bad")
        run_result = self.build("FROM bad\n", options=["--build-context", f"bad=oci-layout://{layout}:bad"], code=code)
        self.assert_error(run_result, *words)

    def test_root_replaced_by_a_symbolic_link(self):
        self.refuse(Tar().symlink(".", "/etc").bytes(), "root")

    def test_root_replaced_by_a_file(self):
        self.refuse(Tar().file("/", "x").bytes(), "root")

    def test_name_that_leaves_the_root(self):
        self.refuse(Tar().file("../outside", "x").bytes(), "..")

    def test_name_that_leaves_the_root_from_inside(self):
        self.refuse(Tar().file("etc/../../outside", "x").bytes(), "..")

    def test_bare_whiteout(self):
        self.refuse(Tar().file("etc/.wh.", "").bytes(), ".wh.")

    def test_hard_link_to_nothing(self):
        self.refuse(Tar().hardlink("link", "no/such/file").bytes(), "no/such/file")

    def test_hard_link_that_leaves_the_root(self):
        self.refuse(Tar().hardlink("link", "../../../etc/passwd").bytes(), "..")

    def test_tar_that_ends_in_mid_file(self):
        self.refuse(Tar().file("big", bytes(100_000)).bytes()[:50_000])

    def test_tar_with_a_bad_header_checksum(self):
        damaged = bytearray(Tar().file("one", "1").file("two", "2").bytes())
        damaged[1024 + 3] ^= 0xFF
        self.refuse(bytes(damaged))

    def test_owner_beyond_32_bits(self):
        self.refuse(Tar().file("f", "x", pax={"uid": str(1 << 32)}).bytes(), "4294967296", code=8)

    def test_gzip_that_is_cut_off(self):
        layout = Layout(self.folder("cut"))
        manifest = layout.add_image(Image([Tar().file("x", bytes(range(256)) * 1000).bytes()]), "cut")
        document = layout.document(manifest)
        blob = layout.blob(document["layers"][0]["digest"])[:-100]
        document["layers"][0].update(digest=layout.add_blob(blob), size=len(blob))
        layout.tag(layout.add_document(MANIFEST, document), "cut")
        result = self.build("FROM cut\n", options=["--build-context", f"cut=oci-layout://{layout.path}:cut"], code=7)
        self.assert_error(result)


class PlantedLinks(Case):
    """Symbolic links in the image never lead a build out of the image, or to another place than they should."""

    def base(self, tar):
        layout = Layout(self.folder("planted"))
        layout.add_image(Image([tar.bytes()], {"WorkingDir": "/"}), "planted")
        return ["--build-context", f"planted=oci-layout://{layout.path}:planted"]

    def inside(self, name):
        """The image's path with the name of a path of ours on the host."""
        return str(self.dir / name).encode().lstrip(b"/")

    def test_entry_below_a_link_stays_in_the_image(self):
        options = self.base(Tar().directory("etc").symlink("way", str(self.dir)).file("way/planted", "x"))
        built = self.built("FROM planted\nVOLUME /v\n", options=options)
        self.assertIn(self.inside("planted"), built)
        self.assertFalse((self.dir / "planted").is_file())

    def test_copy_below_a_link_lands_where_the_link_points_inside_the_image(self):
        options = self.base(Tar().directory("srv").symlink("way", "/../../srv"))
        built = self.built("FROM planted\nCOPY f /way/f\nVOLUME /v\n", {"f": "x"}, options)
        self.assertIn(b"srv/f", built)
        self.assertEqual(built[b"way"].kind, stat.S_IFLNK)

    def test_copy_over_a_link_to_a_host_file_leaves_the_host_alone(self):
        victim = self.dir / "victim"
        victim.write_text("safe")
        options = self.base(Tar().symlink("target", str(victim)))
        built = self.built("FROM planted\nCOPY f /target\nVOLUME /v\n", {"f": "x"}, options)
        self.assertEqual(built[b"target"].kind, stat.S_IFLNK)
        self.assertEqual(built[self.inside("victim")].size, 1)
        self.assertEqual(victim.read_text(), "safe")

    def test_workdir_below_a_link_is_made_inside_the_image(self):
        options = self.base(Tar().directory("srv").symlink("way", str(self.dir)))
        built = self.built("FROM planted\nWORKDIR /way/made\nVOLUME /v\n", options=options)
        self.assertEqual(built[self.inside("made")].kind, stat.S_IFDIR)
        self.assertFalse((self.dir / "made").exists())

    def test_vm_entries_never_follow_a_link(self):
        tar = Tar().directory("etc").file("etc/victim", "kept").symlink("etc/hosts", "victim")
        tar.symlink("etc/resolv.conf", "/run/systemd/resolve/stub-resolv.conf").symlink("etc/mtab", "../proc/self/mounts")
        built = self.built("FROM planted\nVOLUME /v\n", options=self.base(tar))
        # The VM writes through a relative link that works (G-9); gbuild itself does not.
        self.assertEqual(built[b"etc/hosts"].target, b"victim")
        self.assertEqual((built[b"etc/resolv.conf"].kind, built[b"etc/resolv.conf"].size), (stat.S_IFREG, 0))
        self.assertEqual(built[b"etc/mtab"].target, b"../proc/self/mounts")
        self.assertEqual(self.read("/etc/victim"), b"kept")

    def test_copy_source_in_the_context_never_leaves_it(self):
        secret = self.dir / "secret"
        secret.write_text("host secret")
        context = self.context({"Dockerfile": "FROM scratch\nCOPY way/secret /got\nVOLUME /v\n"})
        (context / "way").symlink_to(self.dir)
        result = self.gbuild("build", "-o", self.image(), context, code=3)
        self.assert_error(result, "Dockerfile:2")

    def test_copy_takes_a_link_in_the_context_as_a_link(self):
        context = self.context({"Dockerfile": "FROM scratch\nCOPY dir /dir/\nVOLUME /v\n", "dir/file": "x"})
        (context / "dir" / "link").symlink_to("/etc/passwd")
        self.gbuild("build", "-o", self.image(), context)
        self.assertEqual(self.tree(self.image())[b"dir/link"].target, b"/etc/passwd")
