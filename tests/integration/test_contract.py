"""The provider's contract: what the image gets for it, and what is said where it surprises."""
from harness import gvmi
from harness.case import Case


class Volumes(Case):
    def volumes(self, name="image"):
        return sorted(gvmi.read_trailer(self.image(name)).config.get("Volumes", {}))

    def test_paths_are_clean_and_named_once(self):
        """G-1"""
        built = self.build("FROM scratch\nVOLUME /data/ /a//b /c/./d /x/../e\nVOLUME [\"/data\", \"/e/\"]\n")
        self.assertEqual(self.volumes(), ["/a/b", "/c/d", "/data", "/e"])
        self.assertIn("Volumes: /a/b /c/d /data /e\n", built.out)
        self.assertEqual(self.build("FROM scratch\nVOLUME /data/ /a//b /c/./d /x/../e\nVOLUME [\"/data\", \"/e/\"]\n").out, built.out)

    def test_a_link_on_the_way_is_refused_with_the_path_to_write(self):
        """G-1"""
        context = self.context({"tree/run/keep": "", "tree/var/keep": ""})
        (context / "tree/var/run").symlink_to("/run")
        failed = self.gbuild("build", "-t", "x", "-o", self.image(), "-f", "-", context, code=3,
                             stdin=b"FROM scratch\nCOPY tree /\nVOLUME /v /var/run/data\n").err
        self.assertIn("<stdin>:3:1: error: the volume \"/var/run/data\" lies behind a link", failed)
        self.assertIn("hint: write VOLUME /run/data\n", failed)
        self.assert_no_output()

    def test_nested_and_many(self):
        """G-5"""
        self.assertIn('the volume "/a/b" lies in the volume "/a"', self.build("FROM scratch\nVOLUME /a/ /a/b\n").err)
        many = " ".join(f"/v{number}" for number in range(26))
        self.build(f"FROM scratch\nVOLUME {many.rpartition(' ')[0]}\n")
        refused = self.build(f"FROM scratch\nVOLUME {many}\n", name="many", code=8)
        self.assertIn("26 volumes, and the VM has room for 25", refused.err)


class Entries(Case):
    def test_var_tmp_is_a_directory(self):
        """G-2"""
        context = self.context({"tree/data/file": "x", "tree/var/keep": ""})
        (context / "tree/var/tmp").symlink_to("../data")
        self.gbuild("build", "-t", "x", "-o", self.image(), "-f", "-", context, stdin=b"FROM scratch\nCOPY tree /\nVOLUME /v\n")
        tree = self.tree(self.image())
        self.assertEqual(self.read("/var/tmp/file"), b"x")
        self.assertEqual(self.read("/data/file"), b"x")
        self.assertTrue(tree[b"var/tmp"].kind & 0o040000)
        refused = self.build("FROM scratch\nVOLUME /v\nCOPY Dockerfile /var/tmp\n", name="file", code=3)
        self.assertIn("/var/tmp is a file, and the VM needs a directory there", refused.err)

    def test_a_relative_link_that_works_is_kept(self):
        """G-9"""
        context = self.context({"etc/real": "127.0.0.1 localhost\n"})
        (context / "etc/hosts").symlink_to("real")
        (context / "etc/resolv.conf").symlink_to("/run/resolv.conf")
        self.gbuild("build", "-t", "x", "-o", self.image(), "-f", "-", context, stdin=b"FROM scratch\nCOPY . /\nVOLUME /v\n")
        tree = self.tree(self.image())
        self.assertEqual(tree[b"etc/hosts"].target, b"real")
        self.assertEqual(self.read("/etc/resolv.conf"), b"")


class Said(Case):
    def test_environment_user_and_program(self):
        """G-3, G-4, G-6"""
        err = self.build("FROM scratch\nVOLUME /v\nENV A=1 PATH=/opt/bin:/bin\nUSER 1000:1000\nCMD [\"probe\"]\n").err
        self.assertIn("start programs with an empty environment, without PATH, A", err.replace("without A, PATH", "without PATH, A"))
        self.assertIn("can write to no volume", err)
        self.assertIn('the program "probe" has no slash', err)
        self.assertNotIn("env-not-passed", self.build("FROM edge\nVOLUME /v\n").err)
