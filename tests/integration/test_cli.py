"""The commands, as a person and a script use them."""
import json
import os
import re
import subprocess

from harness import gvmi, tree
from harness.case import PROGRAM, Case
from harness.parts import PROJECT
from harness.process import is_root

COMMANDS = ["build", "check", "diff", "doctor", "prune", "plan", "parse", "images", "tag", "rmi", "inspect", "ls", "cat", "extract", "cache",
            "fsck", "serve", "manifest", "convert", "version", "history", "du", "report"]
DOCKERFILE = "FROM tiny\nCOPY . /files/\nVOLUME /data\nWORKDIR /work\nENV A=1\nLABEL l=v\n"


class Cli(Case):
    def example(self, *options, name="image", **more):
        return self.build(DOCKERFILE, {"hello": "hello\n", ".dockerignore": "Dockerfile\n"}, options, name=name, **more)

    def test_every_command_explains_itself(self):
        for command in COMMANDS:
            for words in [[command, "--help"], ["help", command]]:
                with self.subTest(words):
                    text = self.gbuild(*words).out
                    self.assertIn(f"gbuild {command}", text)
                    self.assertLessEqual(max(map(len, text.splitlines())), 130)
        general = self.gbuild("--help").out
        for command in COMMANDS:
            self.assertIn(command, general)

    def test_build_is_the_default_command_and_names_its_file(self):
        context = self.context({"Dockerfile": "FROM scratch\nVOLUME /v\n"}, "some/app")
        self.gbuild("-t", "team/app:1.2", "-t", "other", context)
        self.gbuild(".", cwd=context)
        self.assertTrue((self.dir / "team-app-1.2.gvmi").exists())
        self.assertTrue((context / "app.gvmi").exists())

    def test_dockerfile_from_elsewhere_and_from_standard_input(self):
        context = self.context({"f": "x\n"})
        (self.dir / "Other.dockerfile").write_text("FROM scratch\nCOPY f /file\nVOLUME /v\n")
        self.gbuild("build", "-f", self.dir / "Other.dockerfile", "-o", self.image("a"), context)
        self.gbuild("build", "-f", "-", "-o", self.image("b"), context, stdin=b"FROM scratch\nCOPY f /file\nVOLUME /v\n")
        self.assertEqual(self.tree(self.image("a")), self.tree(self.image("b")))

    def test_quiet_prints_the_hash_alone(self):
        """As SDKs take it (G-8)."""
        result = self.example("-q")
        self.assertEqual((result.out, result.err), (f"{gvmi.sha3_224(self.image())}\n", ""))

    def test_hash_in_all_its_forms(self):
        """G-8: HEX for SDKs, sha3:HEX for manifests, hash:sha3:HEX[:URL] for task packages."""
        self.example("--metadata-file", self.dir / "metadata")
        digits = gvmi.sha3_224(self.image())
        text = self.gbuild("inspect", self.image()).out
        for form in [digits, "sha3:" + digits, f"hash:sha3:{digits}:URL"]:
            self.assertRegex(text, f"(?m) {form}$")
        facts = json.loads(self.gbuild("inspect", "--format", "json", self.image()).out)
        self.assertEqual((facts["sha3"], facts["manifestHash"], facts["hash"]),
                         (digits, "sha3:" + digits, "hash:sha3:" + digits))
        metadata = json.loads((self.dir / "metadata").read_text())
        self.assertEqual((metadata["gbuild.sha3"], metadata["gbuild.manifestHash"], metadata["gbuild.hash"]),
                         (digits, "sha3:" + digits, "hash:sha3:" + digits))

    def test_iidfile_and_metadata_file(self):
        self.example("--iidfile", self.dir / "iid", "--metadata-file", self.dir / "metadata")
        image_id = gvmi.read_trailer(self.image()).config["Image"]
        self.assertEqual((self.dir / "iid").read_text(), "sha256:" + image_id)
        metadata = json.loads((self.dir / "metadata").read_text())
        self.assertEqual(metadata["gbuild.sha3"], gvmi.sha3_224(self.image()))
        self.assertEqual(metadata["gbuild.size"], self.image().stat().st_size)
        self.assertEqual(metadata["gbuild.volumes"], ["/data"])
        self.assertEqual(metadata["containerimage.config.digest"], "sha256:" + image_id)

    def test_plain_progress_numbers_the_steps_without_escapes(self):
        text = self.example("--progress", "plain").err
        self.assertIn("STEP 1/", text)
        self.assertIn("FROM tiny", text)
        self.assertNotIn("\x1b", text)
        self.assertNotIn("\r", text)

    def test_json_progress_is_one_object_a_line(self):
        events = [json.loads(line) for line in self.example("--progress", "json").err.splitlines()]
        started = [event["number"] for event in events if event["event"] == "step-started" and event["number"] > 0]
        self.assertEqual(started, list(range(1, len(started) + 1)))
        finished = [event for event in events if event["event"] == "transfer-finished"]
        self.assertTrue(finished)

    def test_json_progress_ends_with_the_error(self):
        result = self.build("FROM tiny\nCOPY nothing /\n", options=["--progress", "json"], code=3)
        error, end = map(json.loads, result.err.splitlines()[-2:])
        self.assertEqual((error["event"], error["exitCode"], error["line"]), ("error", 3, 2))
        self.assertEqual((end["event"], end["success"], end["exitCode"]), ("result", False, 3))

    def test_json_progress_has_a_version_times_and_one_result(self):  # U-4
        events = [json.loads(line) for line in self.example("--progress", "json").err.splitlines()]
        self.assertEqual((events[0]["event"], events[0]["schema"]), ("begin", 1))
        times = [event["time"] for event in events]
        for time in times:
            self.assertRegex(time, r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
        self.assertEqual(times, sorted(times))
        self.assertEqual([event for event in events if event["event"] == "result"], [events[-1]])
        self.assertEqual(events[-1]["image"]["gbuild.sha3"], gvmi.sha3_224(self.image()))
        planned, = [event["steps"] for event in events if event["event"] == "steps-planned"]
        started = [{key: event[key] for key in planned[0]} for event in events if event["event"] == "step-started"]
        self.assertEqual(planned, started)

    def test_json_progress_documents_every_event(self):
        path = PROJECT / "docs" / "progress.md"
        if not path.exists():
            self.skipTest("the documentation is not here")
        page = path.read_text()
        documented = set(re.findall(r"^\| `([a-z-]+)` \|", page, re.MULTILINE))
        events = [json.loads(line)["event"] for line in self.example("--progress", "json").err.splitlines()]
        self.assertLessEqual(set(events), documented)

    def test_json_progress_of_a_command_line_that_cannot_be_read(self):  # U-4
        for arguments in [["--no-such-option"], ["--jobs", "many"], ["--label"]]:
            result = self.gbuild("build", "--progress=json", *arguments, ".", code=2)
            events = [json.loads(line) for line in result.err.splitlines()]
            self.assertEqual([event["event"] for event in events], ["begin", "error", "result"])
            self.assertEqual(events[1]["exitCode"], 2)

    def test_plain_progress_has_seconds_in_each_line(self):  # U-4
        lines = self.example("--progress", "plain").err.splitlines()
        timed = [line for line in lines if re.match(r" *\d+\.\ds ", line)]
        places = [line for line in lines if re.match(r"\S*Dockerfile:\d|gbuild: |hint: | +\d* \| ", line)]
        self.assertEqual(len(timed) + len(places), len(lines), lines)
        self.assertRegex(timed[-1], r"built in .* s: \d+ steps")

    def test_plain_progress_groups_steps_in_ci(self):
        text = self.example("--progress", "plain", env={"GITHUB_ACTIONS": "true"}).err
        self.assertRegex(text, "::group::STEP 1/\\d+: FROM tiny\n")
        self.assertEqual(text.count("::group::"), text.count("::endgroup::"))
        text = self.example("--progress", "plain", env={"GITLAB_CI": "true"}, name="again").err
        self.assertRegex(text, "\x1b\\[0Ksection_start:\\d+:gbuild_1\r\x1b\\[0KSTEP 1/\\d+: FROM tiny\n")
        self.assertEqual(text.count("section_start"), text.count("section_end"))

    def test_images_lists_what_was_built(self):
        self.assertEqual(len(self.gbuild("images").out.splitlines()), 1)
        self.example(name="image")
        header, row = self.gbuild("images").out.splitlines()
        self.assertEqual(header.split()[:2], ["REPOSITORY", "TAG"])
        self.assertEqual(row.split()[:2], ["image", "latest"])
        listed = json.loads(self.gbuild("images", "--format", "json").out)
        self.assertEqual(listed[0]["hash"], "hash:sha3:" + gvmi.sha3_224(self.image()))

    def test_inspect_by_file_and_by_tag(self):
        self.example()
        by_file = json.loads(self.gbuild("inspect", "--format", "json", self.image()).out)
        by_tag = json.loads(self.gbuild("inspect", "--format", "json", "image").out)
        self.assertEqual(by_file["hash"], "hash:sha3:" + gvmi.sha3_224(self.image()))
        self.assertEqual(by_file["config"], gvmi.read_trailer(self.image()).config)
        self.assertEqual(by_file["squashfs"]["inodes"], len({entry.links or path for path, entry in
                                                             self.tree(self.image()).items()}))
        self.assertEqual(by_tag["config"], by_file["config"])
        text = self.gbuild("inspect", self.image()).out
        for word in ["/data", "/work", "gzip", "A=1", "l=v"]:
            self.assertIn(word, text)

    def test_ls_lists_every_entry(self):
        self.build("FROM edge\n")
        listed = json.loads(self.gbuild("ls", "-R", "--format", "json", self.image()).out)
        names = {item["path"].strip("/") for item in listed}
        expected = {path.decode() for path in self.tree(self.image()) if path != b"."}
        self.assertEqual(names, expected)
        self.assertIn("4000000000/3000000000", self.gbuild("ls", self.image(), "/owner-big").out)
        self.assertIn("-> /no/such/thing", self.gbuild("ls", self.image(), "/dangling").out)

    def test_cat_gives_the_bytes(self):
        self.build("FROM edge\n")
        for path in ["/hole-in-the-middle", "/copy-of-numbers", "/block-and-one", "/empty"]:
            done = subprocess.run([PROGRAM, "cat", self.image(), path], stdout=subprocess.PIPE, env=self.environment(),
                                  check=True)
            self.assertEqual(done.stdout, self.read(path), path)

    def test_cat_into_a_closed_pipe_ends_quietly(self):
        self.build("FROM edge\n")
        with subprocess.Popen([PROGRAM, "cat", str(self.image()), "/zeros"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              env=self.environment()) as process:
            process.stdout.close()
            self.assertEqual(process.stderr.read(), b"")

    def test_extract_restores_the_tree(self):
        self.build("FROM edge\n")
        image = self.tree(self.image())
        if is_root():
            self.gbuild("extract", "--preserve", self.image(), "-o", self.dir / "all")
            found = tree.walk(self.dir / "all")
            self.assert_same_tree({**image, b".": found[b"."]}, found)  # DIR is the user's own
        else:
            self.assertIn("needs root", self.gbuild("extract", "--preserve", self.image(), "-o", self.dir / "all", code=9).err)
        result = self.gbuild("extract", self.image(), "-o", self.dir / "out")
        found = tree.walk(self.dir / "out")
        plain = {path: entry for path, entry in {**image, b".": found[b"."]}.items() if path in found}
        self.assert_same_tree(plain, found, ("uid", "gid", "mode", "xattrs", "device", "links"))
        self.assertIn("--preserve", result.err)
        # What would lend root's identity, and what means the machine it is on.
        self.assertIn("capability needs the file's true owner", result.err)
        for path, entry in found.items():
            self.assertEqual([name for name in entry.xattrs if not name.startswith(("user.", "system."))], [], path)
            self.assertFalse(entry.kind == "file" and entry.mode & 0o6000, path)
            self.assertIn((entry.uid, entry.gid), [(os.geteuid(), os.getegid())], path)

    def test_extract_of_one_directory(self):
        self.build("FROM edge\n")
        self.gbuild("extract", self.image(), "/opaque", "-o", self.dir / "out")
        files = {path.relative_to(self.dir / "out").as_posix() for path in (self.dir / "out").rglob("*") if path.is_file()}
        self.assertTrue(any(name.endswith("deep/new") for name in files), files)

    def test_version_names_what_makes_the_bytes(self):
        text = self.gbuild("version").out
        for name in ["gbuild 0.", "gbuild deflate", "libdeflate", "LZO", "LZ4", "liblzma", "libcurl", "libarchive", "libgit2", "OpenSSL"]:
            self.assertIn(name, text)
        self.assertEqual(self.gbuild("--version").out, text)

    def test_parse_prints_the_syntax_unexpanded(self):
        (self.dir / "Dockerfile").write_text("# syntax=docker/dockerfile:1\nARG V=1\nFROM a:$V AS b\n"
                                             'COPY --chown=1 <<E1 <<-"E2" /x/\none $V\nE1\n\ttwo\nE2\n'
                                             'CMD ["sh", "-c", "x"]\nRUN make \\\n  # comment\n  all\n')
        parsed = json.loads(self.gbuild("parse", "Dockerfile").out)["instructions"]
        self.assertEqual([item["instruction"] for item in parsed], ["ARG", "FROM", "COPY", "CMD", "RUN"])
        self.assertEqual(parsed[1]["args"], ["a:$V", "AS", "b"])
        self.assertEqual(len(parsed[2]["heredocs"]), 2)
        self.assertEqual((parsed[3]["form"], parsed[3]["args"]), ("exec", ["sh", "-c", "x"]))
        self.assertEqual(parsed[4]["form"], "shell")

    def test_plan_shows_stages_steps_and_expanded_values(self):
        context = self.context({"Dockerfile": "ARG BASE=scratch\nFROM $BASE AS one\nARG V=7\nENV X=$V\nWORKDIR /a/$X\n"
                                              "FROM scratch AS unused\nFROM one\nCOPY --from=one /a /b\n"})
        plan = json.loads(self.gbuild("plan", "--format", "json", "--build-arg", "V=8", context).out)
        self.assertEqual([stage["name"] for stage in plan["stages"]], ["one", ""])
        self.assertEqual(plan["stages"][0]["config"]["workingDir"], "/a/8")
        self.assertEqual(len(plan["skipped"]), 1)
        self.assertIn("/a/8", self.gbuild("plan", "--build-arg", "V=8", context).out)

    def test_golem_s_warnings_carry_their_ids(self):
        dockerfile = ("FROM tiny\nCOPY f /data/f\nVOLUME /data\nENTRYPOINT [\"server\"]\nUSER app\n")
        text = self.build(dockerfile, {"f": "x"}).err
        for name in ["volume-content", "entrypoint-no-slash"]:
            self.assertIn(f"[{name}]", text)
        self.assertNotIn("entrypoint-not-run", text)
        self.assertIn("/data/f", text)
        self.assertIn("[no-volume]", self.build("FROM tiny\n", name="bare").err)

    def test_store_option_beats_variable_beats_home(self):
        context = self.context({"Dockerfile": "FROM scratch\nCOPY Dockerfile /\nVOLUME /v\n"})
        self.gbuild("build", "-o", self.image("a"), "--root", self.dir / "option", context)
        self.gbuild("build", "-o", self.image("b"), context, env={"GBUILD_ROOT": self.dir / "variable"})
        self.gbuild("build", "-o", self.image("c"), context, env={"GBUILD_ROOT": None})
        for folder in [self.dir / "option", self.dir / "variable", self.home / ".cache" / "gbuild"]:
            self.assertTrue(folder.is_dir(), folder)
        self.assertFalse(self.store.exists())
