"""Dockerfiles and what they make, checked against what they say. test_differential.py holds many more against buildah."""
import stat

from harness import contract, gvmi
from harness.case import Case
from harness.oci import CREATED_SECONDS


class Language(Case):
    """What the Dockerfile says, checked against what came out."""

    def test_heredocs_make_files(self):
        built = self.built('FROM tiny\nENV V=value\nCOPY <<one <<-"two" /etc/made/\nplain $V ${V}\none\n\tquoted $V\ntwo\n'
                           "COPY --chmod=0755 --chown=app <<run.sh /bin/run.sh\n#!/bin/sh\necho \\$V\nrun.sh\n")
        self.assertEqual(self.read("/etc/made/one"), b"plain value value\n")
        self.assertEqual(self.read("/etc/made/two"), b"quoted $V\n")
        self.assertEqual(self.read("/bin/run.sh"), b"#!/bin/sh\necho $V\n")
        entry = built[b"bin/run.sh"]
        self.assertEqual((entry.mode, entry.uid, entry.gid), (0o755, 1000, 1001))

    def test_exclude(self):
        files = {"d/a.txt": "", "d/b.log": "", "d/sub/c.log": "", "d/sub/d.txt": ""}
        built = self.built("FROM scratch\nCOPY --exclude=*.log --exclude=sub/c.log d /d\nVOLUME /v\n", files)
        self.assertIn(b"d/a.txt", built)
        self.assertNotIn(b"d/b.log", built)
        self.assertNotIn(b"d/sub/c.log", built)

    def test_parents_and_their_pivot(self):
        files = {"a/b/c/file": "", "a/b/other": ""}
        built = self.built("FROM scratch\nCOPY --parents a/b/c/file /whole/\nCOPY --parents a/./b/other /part/\nVOLUME /v\n",
                           files)
        self.assertIn(b"whole/a/b/c/file", built)
        self.assertIn(b"part/b/other", built)

    def test_link_gives_the_same_tree(self):
        files = {"f": "x\n"}
        plain = self.built("FROM tiny\nCOPY f /a/b/f\nVOLUME /v\n", files, name="plain")
        linked = self.built("FROM tiny\nCOPY --link f /a/b/f\nVOLUME /v\n", files, name="linked")
        self.assert_same_tree(plain, linked)

    def test_symbolic_modes(self):
        built = self.built("FROM scratch\nCOPY --chmod=u=rwX,go=rX d /d\nVOLUME /v\n", {"d/f": "x", "d/s/g": "y"})
        self.assertEqual({path: built[path].mode for path in [b"d/f", b"d/s", b"d/s/g"]},
                         {b"d/f": 0o644, b"d/s": 0o755, b"d/s/g": 0o644})

    def test_user_becomes_numbers_of_the_image_s_own_accounts(self):
        for user, expected in [("app", "1000:1001"), ("app:staff", "1000:50"), ("1000", "1000:1001"), ("12:34", "12:34"),
                               ("root", "0:0"), ("777", "777:0")]:
            with self.subTest(user):
                self.build(f"FROM tiny\nUSER {user}\n", name="user")
                self.assertEqual(gvmi.read_trailer(self.image("user")).config["User"], expected)

    def test_everything_the_configuration_can_say(self):
        self.build('FROM tiny\nEXPOSE 80 53/udp\nSTOPSIGNAL SIGINT\nHEALTHCHECK --interval=5s --retries=2 CMD ["true"]\n'
                   'SHELL ["/bin/sh", "-ec"]\nONBUILD COPY . /x\nMAINTAINER somebody\nENTRYPOINT ["/e"]\nVOLUME /b /a\n')
        config = gvmi.read_trailer(self.image()).config
        self.assertEqual(config["ExposedPorts"], {"53/udp": {}, "80/tcp": {}})
        self.assertEqual(config["StopSignal"], "SIGINT")
        self.assertEqual(config["Healthcheck"], {"Test": ["CMD", "true"], "Interval": 5_000_000_000, "Retries": 2})
        self.assertEqual((config["Shell"], config["OnBuild"]), (["/bin/sh", "-ec"], ["COPY . /x"]))
        self.assertEqual(list(config["Volumes"]), ["/a", "/b"])
        self.assertEqual(config["Entrypoint"], ["/e"])
        self.assertNotIn("Cmd", config)  # a new ENTRYPOINT drops the base's CMD
        self.assertEqual(config["Labels"], {"base": "tiny"})

    def test_shell_form_takes_the_shell_that_was_set(self):
        # buildah goes on with /bin/sh here; docker does not.
        self.build('FROM tiny\nSHELL ["/bin/ash", "-ec"]\nCMD echo $HOME "x y"\n')
        self.assertEqual(gvmi.read_trailer(self.image()).config["Cmd"], ["/bin/ash", "-ec", 'echo $HOME "x y"'])

    def test_options_reach_the_configuration(self):
        self.build("FROM tiny\nARG A=1\nENV B=$A\nARG FROM_ENV\nENV C=$FROM_ENV\n",
                   options=["--build-arg", "A=2", "--build-arg", "FROM_ENV", "--label", "l=v", "--label", "base=mine"],
                   env={"FROM_ENV": "seen"})
        config = gvmi.read_trailer(self.image()).config
        self.assertIn("B=2", config["Env"])
        self.assertIn("C=seen", config["Env"])
        self.assertEqual(config["Labels"], {"base": "mine", "l": "v"})

    def test_target_stops_at_a_stage(self):
        dockerfile = "FROM tiny AS one\nWORKDIR /one\nFROM tiny AS two\nWORKDIR /two\n"
        for target, expected in [("one", "/one"), ("1", "/two"), ("TWO", "/two")]:
            self.build(dockerfile, options=["--target", target], name="target")
            self.assertEqual(gvmi.read_trailer(self.image("target")).config["WorkingDir"], expected)

    def test_scratch_has_what_the_vm_needs_and_no_more(self):
        built = self.built("FROM scratch\nVOLUME /v\n", options=["--timestamp", "1000"])
        root = {b".": built[b"."]}
        self.assert_same_tree(contract.with_vm_entries(root, 1000, ["/v"]), built)
        self.assertEqual((built[b"."].mode, built[b"."].uid), (0o755, 0))

    def test_times_of_what_steps_make_are_the_epoch_s_at_most(self):
        built = self.built("FROM tiny\nCOPY f /copied\nWORKDIR /work\nVOLUME /v\n", {"f": "x"}, ["--timestamp", "1000000"])
        for path in [b"copied", b"work", b"v"]:
            self.assertLessEqual(built[path].mtime, 1_000_000, path)
        self.assertEqual(built[b"etc/issue"].mtime, CREATED_SECONDS)

    def test_golem_s_odd_ones(self):
        built = self.built("from tiny as base\nFROM base\nCOPY f /golem/job/\nVOLUME /golem/job /golem/input /golem/output\n"
                           "WORKDIR golem\nWORKDIR job\n", {"f": "x"})
        self.assertEqual(built[b"golem/job/f"].kind, stat.S_IFREG)
        self.assertEqual(gvmi.read_trailer(self.image()).config["WorkingDir"], "/golem/job")

    def test_copy_into_a_volume_warns_and_keeps_the_file(self):
        result = self.build("FROM tiny\nVOLUME /data\nCOPY f /data/f\n", {"f": "x"})
        self.assertIn("volume-content", result.err)
        self.assertIn(b"data/f", self.tree(self.image()))
