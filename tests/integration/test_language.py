"""Dockerfiles and what they make, checked against what they say. test_differential.py holds many more against buildah."""
import stat

from harness import contract, gvmi
from harness.case import Case, shared_registry
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

    def test_heredocs_with_blanks_before_their_names(self):
        self.build('FROM tiny\nENV V=value\nCOPY << one <<- "two" /made/\n$V\none\n\t$V\ntwo\nADD << -x /y\nz\n-x\n')  # L-2
        self.assertEqual(self.read("/made/one"), b"value\n")
        self.assertEqual(self.read("/made/two"), b"$V\n")
        self.assertEqual(self.read("/y"), b"z\n")

    def test_carriage_returns_in_heredocs_are_kept_and_warned_of(self):
        result = self.build("FROM tiny\r\nCOPY <<END /f\r\na\r\nEND\r\n")  # S-14
        self.assertEqual(self.read("/f"), b"a\r\n")
        self.assertIn("heredoc-crlf", result.err)

    def test_what_is_empty_after_expansion(self):
        built = self.built("FROM tiny\nENV E=\nWORKDIR /w\nWORKDIR $UNDEFINED\nCOPY --chown=$E --chmod=${E} f $E\nVOLUME /v\n", {"f": "x"})
        entry = built[b"w/f"]  # L-6
        self.assertEqual((entry.mode, entry.uid, entry.gid), (0o644, 0, 0))
        self.assertEqual(gvmi.read_trailer(self.image()).config["WorkingDir"], "/w")

    def test_epoch_of_arguments(self):
        epochs = {"--timestamp": ["--timestamp", "4"], "argument": ["--build-arg", "SOURCE_DATE_EPOCH=3"], "environment": []}
        for name, options, arg, expected in [("all", [*epochs["--timestamp"], *epochs["argument"]], "2", 4),
                                             ("argument", epochs["argument"], "2", 3), ("arg", [], "2", 2), ("none", [], "", 1)]:
            with self.subTest(name):  # L-8
                built = self.built(f"ARG SOURCE_DATE_EPOCH={arg}\nFROM scratch\nCOPY f /\n", {"f": "x"}, options, name=name,
                                   env={"SOURCE_DATE_EPOCH": "1"})
                self.assertEqual(built[b"f"].mtime, expected)
        result = self.build("ARG SOURCE_DATE_EPOCH=soon\nFROM scratch\n", code=3)
        self.assertIn("Dockerfile:1:5: error: SOURCE_DATE_EPOCH is not a number of seconds", result.err)
        self.build("FROM scratch\n", options=["--build-arg", "SOURCE_DATE_EPOCH=soon"], code=2)

    def test_a_directory_as_a_base(self):
        base = self.context({"bin/x": "x", "hidden": "", ".dockerignore": "hidden\n"}, "base")  # L-11
        built = self.built("FROM n\nENV A=1\nCOPY --from=n bin/x /y\nVOLUME /v\n", options=["--build-context", f"n={base}"])
        self.assertIn(b"bin/x", built)
        self.assertIn(b"y", built)
        self.assertNotIn(b"hidden", built)
        self.assertEqual(gvmi.read_trailer(self.image()).config["Env"][1:], ["A=1"])
        replaced = self.built("FROM nowhere.invalid/x AS n\nUSER 5\nFROM n\n", options=["--build-context", f"n={base}"], name="replaced")
        self.assertIn(b"bin/x", replaced)
        self.assertNotIn("User", gvmi.read_trailer(self.image("replaced")).config)

    def test_scratch_as_a_context(self):
        built = self.built("FROM n\nCOPY f /\n", {"f": "x"}, ["--build-context", "n=docker-image://scratch"])  # L-12
        self.assertEqual(self.built("FROM scratch\nCOPY f /\n", {"f": "x"}, name="plain"), built)

    def test_root_without_accounts(self):
        built = self.built("FROM scratch\nUSER root\nWORKDIR /w\nCOPY --chown=root:root f /\n", {"f": "x"})  # S-24
        self.assertEqual((built[b"f"].uid, built[b"f"].gid, built[b"w"].uid), (0, 0, 0))
        self.assertEqual(gvmi.read_trailer(self.image()).config["User"], "0:0")
        result = self.build("FROM scratch\nCOPY --chown=nobody f /\n", {"f": "x"}, code=3)
        self.assertIn("RUN useradd nobody", result.err)  # U-18

    def test_commands_with_nothing_reset_the_base_s(self):
        self.build("FROM tiny\nENTRYPOINT\nCMD\n")  # L-15
        config = gvmi.read_trailer(self.image()).config
        self.assertFalse(config.get("Cmd") or config.get("Entrypoint"))
        self.assertIn("RUN has no command", self.build("FROM tiny\nRUN\n", code=3).err)

    def test_checks_of_an_argument(self):
        dockerfile = "# check=skip=all\nFROM tiny\nENV a b\n"  # L-14
        argument = "BUILDKIT_DOCKERFILE_CHECK="
        self.assertNotIn("legacy-key-value", self.build(dockerfile).err)
        self.assertIn("legacy-key-value", self.build(dockerfile, options=["--build-arg", argument + "skip=JSONArgsRecommended"]).err)
        self.build(dockerfile, options=["--build-arg", argument + "error=true"], code=3)
        self.assertIn("BUILDKIT_SYNTAX", self.build("FROM tiny\n", options=["--build-arg", "BUILDKIT_SYNTAX=x"]).err)

    def test_names_of_the_dockerfile(self):
        def build(folder, *options, code=0):
            return self.gbuild("build", "--registry-mirror", shared_registry().host, "-t", "named", "-o", self.image("named"), *options,
                               folder, code=code)

        lower = self.context({"dockerfile": "FROM tiny\nCOPY . /all/\n", "a": "", "b": "", "dockerfile.dockerignore": "b\n",
                              "sub/dockerfile": "FROM tiny\nENV S=1\n"}, "lower")
        build(lower)  # L-13
        self.assertIn(b"all/a", self.tree(self.image("named")))
        self.assertNotIn(b"all/b", self.tree(self.image("named")))
        build(lower, "-f", "sub/Dockerfile")
        self.assertIn("S=1", gvmi.read_trailer(self.image("named")).config["Env"])
        both = self.context({"dockerfile": "FROM nowhere.invalid/x\n", "Dockerfile": "FROM tiny\n"}, "both")
        build(both)
        other = self.context({"Containerfile": "FROM tiny\n"}, "other")
        self.assertIn("-f Containerfile", build(other, code=4).err.replace(str(other) + "/", ""))
        self.assertIn("-f", build(both, "-f", both, code=2).err)

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
                self.build(f"FROM tiny\nUSER {user}\n", options=["--vm-user", "image"], name="user")
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
