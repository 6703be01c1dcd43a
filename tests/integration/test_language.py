"""Dockerfiles and what they make: compared with what buildah makes of them, and, where it cannot, with what they say."""
import json
import stat

from harness import contract, gvmi, tree
from harness.case import Case, shared_registry
from harness.oci import CREATED_SECONDS
from harness.process import need_program, only_as_root, run
from harness.tars import archive

# buildah keeps the times of the context's files; gbuild clamps them.
NOT_OURS = ("mtime",)


@only_as_root("buildah keeps owners and devices")
class LikeBuildah(Case):
    FILES = {"one": "1\n", "two": "2\n", "dir/a": "a\n", "dir/sub/b": "b\n", "dir/.hidden": "h\n", "script.sh": "#!/bin/sh\n"}

    def setUp(self):
        super().setUp()
        need_program("buildah")
        self.base = shared_registry().address("library/tiny:latest")

    def buildah(self, context):
        """(tree, config) of the same context."""
        work = self.folder("buildah")
        common = ["buildah", "--root", work / "root", "--runroot", work / "run", "--storage-driver", "vfs"]
        run(*common, "bud", "--format", "docker", "--isolation", "chroot", "--tls-verify=false", "--layers=false", "-q", "-t", "result", context)
        name = run(*common, "from", "result").strip()
        mounted = run(*common, "mount", name).strip()
        config = json.loads(run(*common, "inspect", "--type", "image", "result"))["Docker"]["config"]
        found = tree.walk(mounted)
        run(*common, "umount", name)
        return found, config

    def compare(self, dockerfile, files=None, links=None, config_keys=("Env", "WorkingDir", "Cmd", "Entrypoint", "Labels")):
        context = self.context({"Dockerfile": dockerfile.replace("BASE", self.base), **(files or self.FILES)}, "bud")
        (context / "script.sh").chmod(0o755) if (context / "script.sh").exists() else None
        for name, target in (links or {}).items():
            (context / name).symlink_to(target)
        theirs, config = self.buildah(context)
        self.gbuild("build", "-o", self.image(), context)
        ours = self.tree(self.image())
        trailer = gvmi.read_trailer(self.image()).config
        expected = contract.with_vm_entries(theirs, CREATED_SECONDS, trailer.get("Volumes") or {},
                                            trailer["WorkingDir"] or "/")
        self.assert_same_tree(expected, ours, NOT_OURS)
        for key in config_keys:
            if key == "Labels":
                theirs = {name: value for name, value in (config.get(key) or {}).items() if not name.startswith("io.buildah")}
                self.assertEqual(trailer.get(key) or {}, theirs)
            elif key == "WorkingDir":
                self.assertEqual(trailer.get(key) or "/", config.get(key) or "/")
            else:
                self.assertEqual(trailer.get(key) or None, config.get(key) or None, key)

    def test_copy_files_and_directories(self):
        self.compare("FROM BASE\nCOPY one /renamed\nCOPY one two /into/\nCOPY dir /dir\nCOPY dir/ /made/deep/\nCOPY . /all\n")

    def test_copy_wildcards(self):
        self.compare("FROM BASE\nCOPY *o* /matched/\nCOPY d?r/sub /sub/\nCOPY [a-o]ne /class\n")

    def test_copy_to_relative_destinations(self):
        self.compare("FROM BASE\nWORKDIR /srv/app\nCOPY one .\nCOPY two sub/\nCOPY dir ./dir\nWORKDIR deeper\nCOPY one ../up\n")

    def test_copy_owner_and_mode(self):
        self.compare("FROM BASE\nCOPY --chown=app:staff one /a\nCOPY --chown=app two /b\nCOPY --chown=12:34 dir /c\n"
                     "COPY --chown=7 one /d\nCOPY --chmod=4711 one /e\nCOPY --chmod=600 dir /f\n")

    def test_copy_from_a_stage_and_from_an_image(self):
        self.compare("FROM BASE AS builder\nCOPY dir /built\nWORKDIR /made\nFROM BASE\nCOPY --from=builder /built /b\n"
                     "COPY --from=0 /etc/passwd /p\nCOPY --from=BASE /usr/share /share\n")

    def test_stage_from_a_stage(self):
        self.compare("FROM BASE AS first\nCOPY one /one\nENV X=1\nFROM first AS second\nCOPY two /two\nENV Y=${X}2\n"
                     "FROM second\nWORKDIR /third\n")

    def test_symbolic_links_in_the_context(self):
        self.compare("FROM BASE\nCOPY dir /dir\nCOPY . /all/\n", links={"dir/link": "a", "dir/dangling": "/no/where"})

    def test_copy_over_what_is_there(self):
        self.compare("FROM BASE\nCOPY one /etc/passwd\nCOPY dir /etc\nCOPY two /etc/a\n")

    def test_copy_overwrites_a_symlink_s_target_inside_the_image(self):
        self.compare("FROM BASE\nCOPY dir /srv\nCOPY one /bin/newfile\n")

    def test_add_archives(self):
        files = {**self.FILES, "plain.tar": archive({"p/x": b"x"}), "packed.tar.gz": archive({"z/y": b"y"}, "gz"),
                 "packed.tar.bz2": archive({"z/b": b"b"}, "bz2"), "packed.tar.xz": archive({"z/x": b"x"}, "xz")}
        self.compare("FROM BASE\nADD plain.tar /un/\nADD packed.tar.gz packed.tar.bz2 packed.tar.xz /un/\nADD one /file\n"
                     "COPY plain.tar /kept.tar\n", files)

    def test_environment_arguments_and_labels(self):
        self.compare("ARG GLOBAL=g\nFROM BASE\nARG GLOBAL\nARG LOCAL=l\nENV A=$GLOBAL-$LOCAL B=\"two words\" C='$A'\n"
                     "ENV A=new D=$A\nENV legacy form of env\nLABEL x=$A \"quoted key\"=\"v\" y='z'\nENV E=${NONE:-default}\n"
                     "ENV F=${A:+set} G=\\$A\nWORKDIR /$LOCAL/${A}\n")

    def test_commands(self):
        self.compare("FROM BASE\nENTRYPOINT [\"/bin/sh\", \"-c\"]\nCMD [\"echo hi\"]\n")

    def test_shell_form_commands(self):
        self.compare("FROM BASE\nCMD echo $HOME \"x y\"\n")

    def test_dockerignore(self):
        self.compare("FROM BASE\nCOPY . /all\n", {
            **self.FILES, "x.log": "", "keep.log": "", "dir/y.log": "", "deep/down/z.log": "", "deep/down/file": "",
            ".dockerignore": "# comment\n*.log\n!keep.log\n**/z.log\n/dir/sub\n"})

    def test_volumes_are_made(self):
        self.compare("FROM BASE\nCOPY dir /data/kept\nVOLUME /data /new/volume\nVOLUME [\"/json\"]\n")


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
        built = self.built("from tiny as base\nFROM base\nCOPY f /golem/work/\nVOLUME /golem/work /golem/input /golem/output\n"
                           "WORKDIR golem\nWORKDIR work\n", {"f": "x"})
        self.assertEqual(built[b"golem/work/f"].kind, stat.S_IFREG)
        self.assertEqual(gvmi.read_trailer(self.image()).config["WorkingDir"], "/golem/work")

    def test_copy_into_a_volume_warns_and_keeps_the_file(self):
        result = self.build("FROM tiny\nVOLUME /data\nCOPY f /data/f\n", {"f": "x"})
        self.assertIn("volume-content", result.err)
        self.assertIn(b"data/f", self.tree(self.image()))
