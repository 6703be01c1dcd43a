"""What people type from habit: options and commands of docker, buildah, kaniko and gvmkit-build (U-1, U-2, U-7)."""
import json
import re
import shutil
import stat
import subprocess

from harness.case import PROGRAM, Case
from harness.parts import PROJECT

DOCKERFILE = "# out The result.\nFROM scratch AS out\n# A an argument\nARG A=0\nCOPY f /f\nVOLUME /v\n"
TABLES = ["docker-build", "buildx-build", "buildah-bud", "kaniko", "gvmkit-build"]


def rows(table):
    for line in (PROJECT / "testdata" / "options" / f"{table}.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            kind, words = line.split("\t")
            yield kind, words.split(" ")


class Options(Case):
    def setUp(self):
        super().setUp()
        self.here = self.context({"Dockerfile": DOCKERFILE, "f": "x\n"})
        (self.dir / "ignore").write_text("other\n")
        (self.dir / "args").write_text("# of a file\nA=2\n")
        (self.dir / "auth.json").write_text("{}")
        (self.dir / "certs").mkdir()
        (self.dir / "out").mkdir()

    def run_row(self, words):
        words = [word.replace("{dir}", str(self.dir)) for word in words]
        shown = [] if any(word.startswith("--progress") for word in words) else ["--progress", "plain"]
        return words, self.gbuild("build", *shown, *words, self.here, code=None)

    def check_row(self, kind, words):
        words, result = self.run_row(words)
        ignored = [line for line in result.err.splitlines() if re.search(r"(^| )ignoring -", line)]
        if kind == "refused":
            self.assertEqual(result.code, 2, result.err)
            self.assertIn(words[0].split("=")[0], result.err.splitlines()[0])
            hint = result.err.splitlines()[-1]
            self.assertTrue(hint.startswith("hint: "), result.err)
            self.assertNotRegex(hint, "did you mean|--help")
        else:
            self.assertIn(result.code, [0, 12] if "check" in words[-1] else [0], result.err)
            self.assertEqual(len(ignored), int(kind == "notice"), result.err)
            self.assertNotIn("unknown", result.err)
        if kind == "notice":
            self.assertIn(words[0].split("=")[0], ignored[0])

    def test_every_option_of_the_tables_has_its_answer(self):
        for table in TABLES:
            seen = 0
            for kind, words in rows(table):
                self.assertIn(kind, ["same", "equivalent", "notice", "refused", "elsewhere"])
                if kind == "elsewhere":
                    continue
                seen += 1
                with self.subTest(table=table, words=words):
                    self.check_row(kind, words)
            self.assertGreater(seen, 10)

    def test_the_table_has_all_options_of_buildah(self):
        if not shutil.which("buildah"):
            self.skipTest("buildah is not installed")
        text = subprocess.run(["buildah", "bud", "--help"], capture_output=True, text=True, check=True).stdout
        names = set(re.findall(r"^ +(?:-\w, )?(--[\w-]+)", text, re.MULTILINE)) - {"--help"}
        self.assertGreater(len(names), 60)
        listed = {word.split("=")[0] for _, words in rows("buildah-bud") for word in words}
        self.assertEqual(names - listed, set())

    def test_a_script_of_docker_s_builds_the_same_image(self):
        self.gbuild("build", "-q", "-o", self.image("plain"), self.here)
        self.gbuild("build", "--rm", "--force-rm", "--compress", "--squash", "--provenance=false", "--sbom=false", "--allow",
                    "network.host", "--builder", "default", "--memory-swap", "-1", "-o", self.image("docker"), self.here)
        self.gbuild("build", "--context", self.here, "--dockerfile", self.here / "Dockerfile", "--no-push", "--reproducible",
                    "-o", self.image("kaniko"))
        for name in ["docker", "kaniko"]:
            self.assertEqual(self.image(name).read_bytes(), self.image("plain").read_bytes())

    def test_quiet_and_json_stay_what_they_are(self):
        result = self.gbuild("build", "-q", "--rm", self.here, "-o", self.image())
        self.assertEqual(result.err, "")
        events = [json.loads(line) for line in
                  self.gbuild("build", "--progress", "rawjson", "--rm", self.here, "-o", self.image()).err.splitlines()]
        self.assertEqual(sum("--rm" in event.get("message", "") for event in events), 1)

    def test_progress_from_docker_s_variable(self):
        def run(value, *more, code=0):
            return self.gbuild("build", *more, "-o", self.image(), self.here, env={"BUILDKIT_PROGRESS": value}, code=code)

        self.assertEqual(run("quiet").err, "")
        json.loads(run("rawjson").err.splitlines()[0])
        self.assertIn("STEP", run("rawjson", "--progress", "plain").err)
        self.assertIn("BUILDKIT_PROGRESS=fancy", run("fancy", code=2).err)

    def test_ignorefile_and_arguments_from_a_file(self):
        (self.here / ".dockerignore").write_text("f\n")
        (self.dir / "only-g").write_text("*\n!g\n")
        (self.here / "g").write_text("g\n")
        (self.here / "Dockerfile").write_text("FROM scratch\nARG A=0\nARG B=0\nLABEL a=$A b=$B\nCOPY . /all/\nVOLUME /v\n")
        self.gbuild("build", "--ignorefile", self.dir / "only-g", "--build-arg-file", self.dir / "args", "--build-arg", "B=3",
                    "-o", self.image(), self.here)
        self.assertEqual({path for path in self.tree(self.image()) if path.startswith(b"all/")}, {b"all/g"})
        labels = json.loads(self.gbuild("inspect", "--format", "{{json .Config.Labels}}", self.image()).out)
        self.assertEqual(labels, {"a": "2", "b": "3"})
        self.assertIn("no such file", self.gbuild("build", "--ignorefile", "nowhere", self.here, code=4).err)
        (self.dir / "args").write_text("A\n")
        self.assertIn("NAME=VALUE", self.gbuild("build", "--build-arg-file", self.dir / "args", self.here, code=2).err)

    def test_calls_tell_of_the_dockerfile(self):
        (self.here / "Dockerfile").write_text(
            "ARG BASE=scratch\nFROM $BASE AS tools\nRUN --mount=type=secret,id=token,required true\n"
            "# out what is shipped\nFROM scratch AS out\n# V the version\nARG V=1\nCOPY --from=tools /f /f\nVOLUME /v\n")
        targets = json.loads(self.gbuild("build", "--call=targets,format=json", self.here).out)["targets"]
        self.assertEqual([(one["name"], one["default"]) for one in targets], [("tools", False), ("out", True)])
        self.assertIn("what is shipped", self.gbuild("build", "--call", "targets", self.here).out)
        outline = json.loads(self.gbuild("build", "--call=outline,format=json", "--build-arg", "V=2", self.here).out)
        self.assertIn({"name": "V", "value": "2", "description": "the version"}, outline["args"])
        self.assertEqual(outline["secrets"], [{"name": "token", "required": True}])
        self.assertIn("no stage is called", self.gbuild("build", "--call=outline", "--target", "nosuch", self.here, code=4).err)
        self.assertIn("no such method", self.gbuild("build", "--call=lintt", self.here, code=2).err)
        checked = self.gbuild("build", "--check", self.here, code=None)
        itself = self.gbuild("check", self.here, code=None)
        self.assertEqual((checked.code, checked.out), (itself.code, itself.out))

    def test_load_hands_the_image_to_docker(self):
        tools = self.dir / "tools"
        tools.mkdir()
        self.assertIn("not installed", self.gbuild("build", "--load", self.here, env={"PATH": str(tools)}, code=8).err)
        program = tools / "podman"
        program.write_text(f"#!/bin/sh\n[ $1 = version ] && exit 0\n/bin/cp \"$3\" {self.dir}/loaded.tar\n/bin/echo Loaded image: app\n")
        program.chmod(program.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
        path = {"PATH": f"{tools}"}
        result = self.gbuild("build", "--load", "-t", "app", "-o", self.image(), self.here, env=path)
        self.assertIn("podman: Loaded image: app", result.err)
        self.assertTrue(self.image().exists())
        names = subprocess.run(["tar", "-tf", self.dir / "loaded.tar"], capture_output=True, text=True, check=True).stdout
        self.assertIn("manifest.json", names)
        program.write_text("#!/bin/sh\n[ $1 = version ] && exit 0\necho no room >&2\nexit 3\n")
        self.assertIn("no room", self.gbuild("build", "--load", "-t", "app", "-o", self.image(), self.here, env=path, code=9).err)

    def test_credentials_and_certificates_are_checked(self):
        self.assertIn("USER:PASSWORD", self.gbuild("build", "--creds", "user", self.here, code=2).err)
        self.assertNotIn("hunter2", self.gbuild("build", "--creds", ":hunter2", self.here, code=2).err)
        self.assertIn("--retry", self.gbuild("build", "--retry", "often", self.here, code=2).err)
        self.assertIn("--retry-delay", self.gbuild("build", "--retry-delay", "soon", self.here, code=2).err)
        self.assertIn("--cert-dir", self.gbuild("build", "--cert-dir", "nowhere", self.here, code=4).err)


class Words(Case):
    def test_commands_of_others_are_answered(self):
        for words, answer in [(["docker", "build", "."], "gbuild build"), (["docker", "buildx", "build", "."], "gbuild build"),
                              (["bud", "."], "gbuild build"), (["image", "ls"], "gbuild images"), (["ps", "-a"], "no containers"),
                              (["system", "df"], "gbuild cache ls"), (["system", "prune", "-af"], "gbuild prune"),
                              (["lint", "."], "gbuild check"), (["save", "app"], "type=docker"), (["cp", "app:/x", "."], "gbuild extract"),
                              (["podman", "rmi", "x"], "gbuild rmi"), (["compose", "up"], "one image"),
                              (["image", "prune", "-a"], "gbuild prune"), (["docker", "image", "inspect", "x"], "gbuild inspect")]:
            with self.subTest(words):
                result = self.gbuild(*words, code=2, cwd=self.dir)
                self.assertIn(answer, result.err.splitlines()[-1])
                self.assertNotIn("did you mean", result.err)

    def test_help_fits_the_terminal(self):
        for command in [[], ["build"], ["check"], ["prune"], ["doctor"]]:
            text = self.gbuild(*command, "--help").out
            self.assertLessEqual(max(map(len, text.splitlines())), 80)
        if shutil.which("script"):
            for columns in [90, 132]:
                text = subprocess.run(["script", "-qec", f"stty cols {columns}; {PROGRAM} build --help", "/dev/null"],
                                      capture_output=True, text=True, check=True, env=self.environment()).stdout
                longest = max(map(len, text.splitlines()))
                self.assertTrue(columns - 14 < longest <= columns, longest)

    def test_prune_takes_docker_s_flags(self):
        self.assertIn("ignoring -f", self.gbuild("prune", "-f").err)
        self.gbuild("prune", "-af", "--filter", "until=24h")
        self.gbuild("prune", "--force", "--keep-storage", "10GB", "--dry-run")
        self.assertIn("until=AGE", self.gbuild("prune", "--filter", "label=x", code=2).err)
