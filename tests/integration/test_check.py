"""gbuild check: what a person and a CI job see of it. Each rule has its unit test."""
import json
import os
import re
import subprocess

from harness import parts, reports, tars
from harness.case import Case
from harness.web import Repository, WebServer

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

    def test_a_finding_a_line_and_a_count(self):
        """C-12"""
        self.context({"Dockerfile": FAULTY + 'ENTRYPOINT ["/x"]\n'})
        text = self.gbuild("check", ".", cwd=self.dir / "context", code=12).out
        lines = text.splitlines()
        self.assertEqual(lines[0], "Dockerfile:3:5: warning: sudo is not needed: RUN is root, unless USER says otherwise; "
                                   "leave it out, and change users with USER [sudo]")
        self.assertEqual(len(lines), 3, text)
        self.assertEqual(lines[-1], "2 warnings; 2 more with --severity info")
        shown = self.gbuild("check", "--severity", "info", ".", cwd=self.dir / "context", code=12).out
        self.assertEqual(shown.splitlines()[-1], "2 warnings, 2 remarks")
        self.gbuild("check", "--only", "entrypoint-not-run", ".", cwd=self.dir / "context")

    def test_long_findings_have_place_caret_id_and_hint(self):
        self.context({"Dockerfile": FAULTY})
        text = self.gbuild("check", "--format", "long", "--only", "sudo", ".", cwd=self.dir / "context", code=12).out
        self.assertEqual(text, "Dockerfile:3:5: warning: sudo is not needed: RUN is root, unless USER says otherwise [sudo]\n"
                               "    3 | RUN sudo make\n"
                               "      |     ^~~~\n"
                               "hint: leave it out, and change users with USER\n"
                               "1 warning\n")

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
        self.assertIn("invalid-default-arg-in-from", self.ids(text, "--build-arg", "TAG=12"))  # C-5
        self.assertIn("no-volume", self.ids(text))
        self.assertNotIn("no-volume", self.ids(text, "--target", "one"))
        self.check(text, "--target", "nosuch", code=4)

    def test_what_no_build_can_read_is_an_error(self):
        self.assertIn("did you mean WORKDIR?", self.check("FROM debian\nWORKDRI /x\n", code=3).err)
        self.gbuild("check", self.folder("empty"), code=4)

    def test_what_was_found_before_an_error_is_shown(self):
        """C-8, in a check and in a build."""
        text = "FROM scratch AS A\nMAINTAINER me\n# check=skip=all\nENV a b\nWORKDRI /x\n"
        found = self.check(text, code=3)
        self.assertEqual([line.split("[")[-1] for line in found.out.splitlines()[:-1]], ["stage-name-casing]", "maintainer-deprecated]"])
        self.assertIn("did you mean WORKDIR?", found.err)
        built = self.build(text, code=3).err
        self.assertLess(built.index("maintainer-deprecated"), built.index("WORKDRI"))
        self.assertEqual(built.count("stage-name-casing"), 1)
        self.assertEqual(self.gbuild("plan", self.context({"Dockerfile": text}, "planned"), code=3).err.replace("planned", "context-image"),
                         built)
        planned = self.findings("FROM scratch\nRUN sudo x\nSTOPSIGNAL NO\n", code=3)
        self.assertIn("sudo", [finding["id"] for finding in planned["findings"]])
        self.assertEqual(planned["error"]["line"], 3)

    def test_a_lost_continuation(self):
        """C-11"""
        self.assertIn("to continue line 2, end it with", self.check("FROM debian:12\nRUN a &&\n    cd /x\n", code=3).err)

    def test_foreign_names_are_noticed_once(self):
        """C-13"""
        shown = self.check(FAULTY, "--skip", "DL3059,SC2086,sudo", "--skip", "legacy-key-value", code=0)
        self.assertEqual((shown.out, shown.err), ("", "gbuild has no check like DL3059, SC2086\n"))
        text = "# check=skip=DL3059,sudo\n" + FAULTY
        self.assertEqual(self.ids(text), ["legacy-key-value"])
        self.assertEqual(self.ids(text, "--severity", "info").count("foreign-check"), 1)
        self.assertNotIn("DL3059", self.build("# check=skip=DL3059;error=true\nFROM scratch\nVOLUME /v\n").err)
        self.assertEqual(self.ids(FAULTY.replace("RUN", "# hadolint ignore=DL3004,SC1091\nRUN")), ["legacy-key-value"])

    def test_comments_above_an_instruction_count_in_a_build(self):
        """C-1"""
        text = "FROM scratch\n{}ENV a b\nENV c d\nVOLUME /v\n"
        self.assertEqual(self.build(text.format("")).err.count("[legacy-key-value]"), 2)
        self.assertEqual(self.build(text.format("# check=skip=LegacyKeyValueFormat\n# as it was\n")).err.count("[legacy-key-value]"), 1)

    def test_names_that_are_almost_a_stage_s(self):
        """C-14"""
        text = "FROM scratch AS build\nCOPY Dockerfile /\nFROM scratch\nVOLUME /v\nCOPY --from=buidl / /x\n"
        self.assertIn("did you mean build?", self.check(text).out)
        failed = self.build(text, code=None)
        self.assertNotEqual(failed.code, 0)
        self.assertIn("hint: did you mean build?", failed.err)
        self.assertIn("did you mean build?", self.check(text.replace("buidl", "build"), "--target", "biuld", code=4).err)

    def test_what_the_store_knows_of_a_base(self):
        """C-9"""
        text = "FROM edge\nENV A=$OF_BASE\nVOLUME /v\n"
        first = self.check(text, "--severity", "info")
        self.assertIn("unless the base image has it", first.out)
        self.build("FROM edge\nVOLUME /v\n")
        self.assertIn("warning: the variable OF_BASE is not set; declare it", self.check(text).out)

    def test_secrets_in_the_image(self):
        """C-15"""
        key = "-----BEGIN OPENSSH PRIVATE" + " KEY-----\nAAAA\n"
        files = {"key": key, "npmrc": "//h/:_authToken=x\n", "plain": "registry=https://h/\n"}
        err = self.build("FROM scratch\nVOLUME /v\nCOPY key /etc/ssh/ssh_host_rsa_key\nCOPY key /app/server.pem\n"
                         "COPY npmrc /root/.npmrc\nCOPY plain /app/.npmrc\n", files).err
        self.assertIn('"/etc/ssh/ssh_host_rsa_key"', err)
        self.assertIn('"/app/server.pem", "/root/.npmrc": ', err)
        self.assertEqual(err.count("secret-in-image"), 2)
        self.assertNotIn("secret-in-image", self.build("FROM edge\nVOLUME /v\n", name="clean").err)
        self.assertEqual(self.ids("FROM scratch\nVOLUME /v\nCOPY id_rsa /k\n"), ["secret-in-image"])

    def test_what_is_checked_may_be_a_file_standard_input_or_a_repository(self):
        """C-16"""
        context = self.context({"Dockerfile": FAULTY, ".dockerignore": "secret\n", "ci/Other": FAULTY})
        self.assertIn("copy-ignored-file", self.gbuild("check", "Dockerfile", cwd=context, code=12).out)
        self.assertIn("ci/Other:3:5:", self.gbuild("check", "ci/Other", cwd=context, code=12).out)
        self.assertNotIn("copy-ignored-file", self.gbuild("check", "ci/Other", cwd=context, code=12).out)
        self.assertIn("-f names the Dockerfile already", self.gbuild("check", "-f", "x", "Dockerfile", cwd=context, code=2).err)
        self.assertIn("<stdin>:3:5:", self.gbuild("check", "-", code=12, stdin=FAULTY.encode()).out)
        archive = tars.archive({"Dockerfile": FAULTY.encode(), ".dockerignore": b"secret\n"})
        self.assertIn("copy-ignored-file", self.gbuild("check", "-", code=12, stdin=archive).out)
        self.gbuild("check", "nosuch", code=4)

    def test_a_pipe_is_read_once(self):
        reader, writer = os.pipe()
        os.write(writer, FAULTY.encode())
        os.close(writer)
        done = subprocess.run(self.command("check", "-f", f"/dev/fd/{reader}"), pass_fds=[reader], env=self.environment(), cwd=self.dir,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        os.close(reader)
        self.assertEqual(done.returncode, 12, done.stderr)
        self.assertIn(b":3:5: warning: sudo", done.stdout)
        reader, writer = os.pipe()
        os.write(writer, b"FROM scratch\nVOLUME /v\n")
        os.close(writer)
        done = subprocess.run(self.command("build", "-f", f"/dev/fd/{reader}", "-o", self.image(), "-t", "x", self.folder("empty")),
                              pass_fds=[reader], env=self.environment(), cwd=self.dir,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        os.close(reader)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_a_repository(self):
        """C-16"""
        repositories = self.folder("repositories")
        repository = Repository(repositories, "app")
        repository.commit({"Dockerfile": FAULTY, "sub/Dockerfile": "FROM debian:12\nENV a b\nVOLUME /v\n", "sub/x": ""})
        web = WebServer(repositories=repositories)
        self.addCleanup(web.stop)
        self.assertIn("Dockerfile:3:5:", self.gbuild("check", f"{web.url}/app.git", code=12).out)
        self.assertIn("Dockerfile:2:5:", self.gbuild("check", f"{web.url}/app.git#:sub", code=12).out)

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


class RealFiles(Case):
    def test_nothing_is_said_that_nobody_would_want_to_read(self):
        """Each says in its first lines which warnings it deserves."""
        files = sorted((parts.PROJECT / "testdata" / "check" / "real").glob("*.Dockerfile"))
        self.assertGreater(len(files), 9)
        for file in files:
            with self.subTest(file.name):
                expected = re.search(r"^# warnings:(.*)$", file.read_text(), re.M).group(1).split()
                result = self.gbuild("check", "--format", "json", file, code=12 if expected else 0)
                found = [finding["id"] for finding in json.loads(result.out)["findings"]]
                self.assertEqual(sorted(found), sorted(expected), result.out)


# A place in the middle of a line, one after characters of several bytes, one without a column, and none at all.
SEVERAL = ("FROM debian:12 AS A\nRUN sudo make\nRUN echo äöü && sudo make \\\n\n  install\n"
           "MAINTAINER \"a\", <b> & 100% é\x01\nCMD [\"/x\"]\nVOLUME /v\n")


class Formats(Case):
    """C-17: what other programs read, against what these programs say of it."""

    def report(self, form, dockerfile=SEVERAL, *options, code=12, files=None):
        context = self.context({"Dockerfile": dockerfile, **(files or {})})
        return self.gbuild("check", "--format", form, "--severity", "info", "--build-arg", "NOBODY=1", *options, ".", cwd=context, code=code).out

    def findings(self):
        return json.loads(self.report("json"))["findings"]

    def test_sarif(self):
        document = json.loads(self.report("sarif"))
        reports.validate_sarif(self, document)
        run, found = document["runs"][0], self.findings()
        self.assertEqual([result["ruleId"] for result in run["results"]], [finding["id"] for finding in found])
        for result in run["results"]:
            self.assertEqual(run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"], result["ruleId"])
        second = [result for result in run["results"] if result["ruleId"] == "sudo"][1]
        self.assertEqual(second["level"], "warning")
        place = second["locations"][0]["physicalLocation"]
        self.assertEqual(place["artifactLocation"]["uri"], "Dockerfile")
        self.assertEqual((place["region"]["startLine"], place["region"]["startColumn"], place["region"]["endColumn"]), (3, 17, 21))

    def test_sarif_of_nothing_of_odd_names_and_of_errors(self):
        clean = "FROM debian:12\nVOLUME /v\n"
        empty = json.loads(self.gbuild("check", "--format", "sarif", "-", stdin=clean.encode()).out)
        reports.validate_sarif(self, empty)
        self.assertEqual(empty["runs"][0]["results"], [])
        odd = self.context({"a b%/Dockerfile ü": FAULTY})
        named = json.loads(self.gbuild("check", "--format", "sarif", "-f", "a b%/Dockerfile ü", cwd=odd, code=12).out)
        reports.validate_sarif(self, named)
        uri = named["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        self.assertEqual(uri, "a%20b%25/Dockerfile%20%C3%BC")
        failed = json.loads(self.report("sarif", "FROM debian:12\nWORKDRI /x\n", code=3))
        reports.validate_sarif(self, failed)
        self.assertEqual([(result["ruleId"], result["level"]) for result in failed["runs"][0]["results"]], [("cannot-be-built", "error")])

    def test_github(self):
        lines = self.report("github").splitlines()
        found = self.findings()
        self.assertEqual(len(lines), len(found))
        for line, finding in zip(lines, found):
            level, properties, message = reports.parse_workflow_command(line)
            self.assertEqual(level, {"info": "notice"}.get(finding["severity"], finding["severity"]))
            self.assertEqual(properties["title"], finding["id"])
            self.assertEqual(properties["file"], "Dockerfile")
            self.assertEqual(properties["line"], str(finding.get("line", 1)))
            self.assertEqual(message, f"{finding['message']}; {finding['hint']}")
        self.assertIn("::warning file=Dockerfile,line=3,col=17,endColumn=20,title=sudo::", "\n".join(lines))
        odd = self.context({"a,b:c%/Dockerfile": FAULTY})
        named = self.gbuild("check", "--format", "github", "-f", "a,b:c%/Dockerfile", cwd=odd, code=12).out
        self.assertIn("file=a%2Cb%3Ac%25/Dockerfile,", named)
        self.assertEqual(reports.parse_workflow_command(named.splitlines()[0])[1]["file"], "a,b:c%/Dockerfile")

    def test_gitlab(self):
        issues = json.loads(self.report("gitlab"))
        reports.validate_code_quality(self, issues)
        self.assertEqual([issue["check_name"] for issue in issues], [finding["id"] for finding in self.findings()])
        moved = json.loads(self.report("gitlab", SEVERAL.replace("RUN sudo make\n", "\n# moved\nRUN sudo make\n", 1)))
        self.assertEqual({issue["fingerprint"] for issue in issues}, {issue["fingerprint"] for issue in moved})
        self.assertNotEqual([issue["location"] for issue in issues], [issue["location"] for issue in moved])
        self.assertEqual(json.loads(self.report("gitlab", "FROM debian:12\nVOLUME /v\n", "--only", "sudo", code=0)), [])

    def test_checkstyle(self):
        files = reports.parse_checkstyle(self, self.report("checkstyle"))
        found = self.findings()
        self.assertEqual(list(files), ["Dockerfile"])
        self.assertEqual([error["source"] for error in files["Dockerfile"]], ["gbuild." + finding["id"] for finding in found])
        self.assertEqual([error["message"] for error in files["Dockerfile"]], [f"{finding['message']}; {finding['hint']}" for finding in found])
        self.assertEqual(reports.parse_checkstyle(self, self.report("checkstyle", "FROM debian:12\n", "--only", "sudo", code=0)), {})
