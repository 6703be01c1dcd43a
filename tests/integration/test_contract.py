"""The provider's contract: what the image gets for it, and what is said where it surprises."""
import stat
import subprocess

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
        self.assertIn("26 volumes: the VM has room for 25", refused.err)


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
        self.assertIn("may have to do without PATH, A: ", err.replace("without A, PATH", "without PATH, A"))
        self.assertIn("start programs with an empty environment [env-not-passed]", err)
        self.assertIn('the program "probe" has no slash', err)
        self.assertNotIn("env-not-passed", self.build("FROM edge\nVOLUME /v\n").err)

    def test_whom_commands_run_as(self):
        """G-3"""
        dockerfile = "FROM tiny\nVOLUME /v\nUSER app\n"
        for attempt in ["written", "there already"]:
            with self.subTest(attempt):
                err = self.build(dockerfile).err
                self.assertIn("commands in the VM run as root, not as USER app: a user other than root can write to no volume", err)
                self.assertIn("--vm-user image keeps it", err)
                self.assertNotIn("warning", err)
                self.assertNotIn("User", gvmi.read_trailer(self.image()).config)
        kept = self.build(dockerfile, options=["--vm-user", "image"])
        self.assertIn("USER is 1000:1001: a user other than root can write to no volume", kept.err)
        self.assertEqual(gvmi.read_trailer(self.image()).config["User"], "1000:1001")
        self.assertIn("not one of root, image", self.build(dockerfile, options=["--vm-user", "app"], code=2).err)
        self.assertNotIn("not as USER", self.build("FROM tiny\nVOLUME /v\nUSER root\n").err)

    def test_nothing_is_said_where_nothing_is_wrong(self):
        """C-12, in a build"""
        for command in ['ENTRYPOINT ["/bin/sh", "-c"]', 'CMD ["/bin/sh", "-c", "true"]', 'CMD ["sh"]']:
            with self.subTest(command):
                run = self.build(f"FROM tiny\nVOLUME /v\n{command}\n")
                self.assertNotIn("warning", run.err)

    def test_variables_for_login_shells(self):
        """G-4"""
        run = self.build("FROM box\nVOLUME /v\nENV PATH=/opt/bin:$PATH QUOTED=\"it's two\"\nCOPY profile /etc/profile\n",
                         {"profile": "for f in /etc/profile.d/*.sh; do . $f; done\n"}, ["--env-profile"])
        self.assertNotIn("env-not-passed", run.err)
        tree = self.tree(self.image())
        self.assertEqual((tree[b"etc/profile.d"].mode, tree[b"etc/profile.d/image-env.sh"].mode), (0o755, 0o644))
        script = self.read("/etc/profile.d/image-env.sh").decode()
        done = subprocess.run(["env", "-i", "/bin/sh", "-c", script + 'echo "$QUOTED;$PATH"'], capture_output=True, text=True, check=True)
        self.assertEqual(done.stdout, "it's two;/opt/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n")
        again = self.build("FROM box\nVOLUME /v\nENV PATH=/opt/bin:$PATH QUOTED=\"it's two\"\nCOPY profile /etc/profile\n",
                           {"profile": "for f in /etc/profile.d/*.sh; do . $f; done\n"}, name="without")
        self.assertIn("--env-profile", again.err)

    def test_directories_of_the_vm_s_agent(self):
        """G-2"""
        context = self.context({"tree/var/tmp/keep": "", "tree/else": None})
        (context / "tree/var/tmp/guest_agent_private").symlink_to("/else")
        self.gbuild("build", "-t", "x", "-o", self.image(), "-f", "-", context, stdin=b"FROM scratch\nCOPY tree /\nVOLUME /v\n")
        self.assertEqual(stat.S_IFDIR, self.tree(self.image())[b"var/tmp/guest_agent_private"].kind)
