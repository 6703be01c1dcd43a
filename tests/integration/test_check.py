"""gbuild check: what a person and a CI job see of it. Each rule has its unit test."""
import json

from harness.case import Case

FAULTY = "FROM debian:12\nVOLUME /v\nRUN sudo make\nENV a b\nCOPY secret /dst/\n"


class Check(Case):
    def check(self, dockerfile, *options, code=12, files=None, **more):
        context = self.context({"Dockerfile": dockerfile, **(files or {})})
        return self.gbuild("check", *options, context, code=code, **more)

    def findings(self, dockerfile, *options, code=12, files=None):
        return json.loads(self.check(dockerfile, "--format", "json", *options, code=code, files=files).out)

    def ids(self, *arguments, **more):
        return [finding["id"] for finding in self.findings(*arguments, **more)["findings"]]

    def test_a_clean_file_says_nothing(self):
        result = self.check("FROM debian:12\nVOLUME /golem/work\nWORKDIR /golem/work\n", code=0)
        self.assertEqual((result.out, result.err), ("", ""))

    def test_findings_have_place_caret_id_and_hint(self):
        self.context({"Dockerfile": FAULTY})
        text = self.gbuild("check", "--only", "sudo", ".", cwd=self.dir / "context", code=12).out
        self.assertEqual(text, "Dockerfile:3:5: warning: sudo is not needed: RUN is root, unless USER says otherwise [sudo]\n"
                               "    3 | RUN sudo make\n"
                               "      |     ^~~~\n"
                               "hint: leave it out, and change users with USER\n")

    def test_json_has_places_severities_and_counts(self):
        found = self.findings(FAULTY, files={".dockerignore": "secret\n"})
        self.assertEqual([(item["id"], item["severity"], item["line"], item["column"]) for item in found["findings"]],
                         [("sudo", "warning", 3, 5), ("legacy-key-value", "warning", 4, 5),
                          ("copy-ignored-file", "warning", 5, 6)])
        self.assertEqual(found["counts"], {"error": 0, "warning": 3, "info": 0})

    def test_threshold(self):
        self.assertIn("image-untagged", self.ids("FROM debian\nVOLUME /v\n", "--severity", "info"))
        self.assertEqual(self.ids("FROM debian\nVOLUME /v\n", code=0), [])
        self.assertEqual(self.ids(FAULTY, "--severity", "error", code=0), [])

    def test_skip_and_only_by_any_name(self):
        self.assertEqual(self.ids(FAULTY, "--skip", "DL3004,legacykeyvalueformat", code=0), [])
        self.assertEqual(self.ids(FAULTY, "--only", "SUDO", "--only", "DL3008"), ["sudo"])
        self.assertEqual(self.ids(FAULTY, "--skip", "all", code=0), [])
        self.assertIn("did you mean sudo?", self.check(FAULTY, "--skip", "sudoo", code=2).err)

    def test_directive(self):
        self.assertEqual(self.ids("# check=skip=sudo\n" + FAULTY), ["legacy-key-value"])
        found = self.findings("# check=error=true\n" + FAULTY)
        self.assertEqual({item["severity"] for item in found["findings"]}, {"error"})

    def test_directive_holds_for_golem_s_warnings_of_a_build_too(self):
        self.assertNotIn("no-volume", self.build("# check=skip=no-volume\nFROM scratch\n").err)
        self.assertIn("no-volume", self.build("FROM scratch\n").err)

    def test_dockerfile_from_elsewhere_and_from_standard_input(self):
        other = self.dir / "Other"
        other.write_text(FAULTY)
        self.assertIn("Other:3:5:", self.gbuild("check", "-f", other, code=12).out)
        self.assertIn("<stdin>:3:5:", self.gbuild("check", "-f", "-", code=12, stdin=FAULTY.encode()).out)
        self.assertIn("-f", self.gbuild("check", code=2).err)

    def test_arguments_and_target(self):
        text = "ARG TAG\nFROM debian:${TAG} AS one\nVOLUME /v\nFROM debian:12\nENV a b\n"
        self.assertIn("invalid-default-arg-in-from", self.ids(text))
        self.assertNotIn("invalid-default-arg-in-from", self.ids(text, "--build-arg", "TAG=12"))
        self.assertIn("no-volume", self.ids(text))
        self.assertNotIn("no-volume", self.ids(text, "--target", "one"))
        self.check(text, "--target", "nosuch", code=4)

    def test_what_no_build_can_read_is_an_error(self):
        self.assertIn("did you mean WORKDIR?", self.check("FROM debian\nWORKDRI /x\n", code=3).err)
        self.gbuild("check", self.folder("empty"), code=4)

    def test_nothing_is_fetched_or_stored(self):
        self.check("FROM registry.invalid/none:1\nENV a b\nVOLUME /v\n")
        self.assertFalse(self.store.exists())

    def test_list_names_every_rule(self):
        lines = self.gbuild("check", "--list").out.splitlines()
        rules = json.loads(self.gbuild("check", "--list", "--format", "json").out)
        self.assertEqual([line.split()[0] for line in lines], [rule["id"] for rule in rules])
        named = " ".join(rule["otherNames"] for rule in rules)
        for name in ["UndefinedVar", "JSONArgsRecommended", "DL3008", "DL4006"]:
            self.assertIn(name, named)
