"""All of a build's outputs are replaced, or none is (E-2)."""
import subprocess

from harness.case import Case

DEAD = "127.0.0.1:1/nobody/listens"


class Commit(Case):
    def setUp(self):
        super().setUp()
        self.build("FROM tiny\nCOPY a /a\n", {"a": "before"})
        self.before = self.image().read_bytes()
        self.listed = self.gbuild("images").out
        self.folder("context-image").joinpath("a").write_text("after")

    def again(self, *options, code):
        """The build with the changed file, which fails."""
        return self.build("FROM tiny\nCOPY a /a\n", {"a": "after"}, options, code=code)

    def assert_as_before(self):
        self.assertEqual(self.image().read_bytes(), self.before)
        self.assertEqual(self.gbuild("images").out, self.listed)
        left = sorted(path.name for path in self.dir.iterdir() if "gvmi" in path.name or ".tmp" in path.name)
        self.assertEqual(left, ["image.gvmi"])

    def test_a_cache_that_cannot_be_reached(self):
        self.again("--cache-to", DEAD, code=6)
        self.assert_as_before()

    def test_a_metadata_file_that_is_full(self):
        self.again("--metadata-file", "/dev/full", code=9)
        self.assert_as_before()

    def test_other_files_of_a_build_that_fails_are_as_they_were(self):
        others = {"oci.tar": f"type=oci,dest={self.dir}/oci.tar", "out": f"type=local,dest={self.dir}/out"}
        self.dir.joinpath("oci.tar").write_text("old")
        self.folder("out").joinpath("mine").write_text("mine")
        self.dir.joinpath("id").write_text("old")
        options = [word for output in others.values() for word in ("-o", output)]
        self.again(*options, "--iidfile", self.dir / "id", "--cache-to", DEAD, code=6)
        self.assert_as_before()
        self.assertEqual(self.dir.joinpath("oci.tar").read_text(), "old")
        self.assertEqual(self.dir.joinpath("id").read_text(), "old")
        self.assertEqual([path.name for path in self.dir.joinpath("out").iterdir()], ["mine"])

    def test_a_reader_that_is_gone(self):
        context = self.context({"Dockerfile": "FROM scratch\nCOPY a /a\n", "a": "after"}, "context-pipe")
        process = subprocess.Popen(self.command("build", "-t", "image", "-o", self.image(), "-o", "type=docker,dest=-", context),
                                   cwd=self.dir, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=self.environment())
        process.stdout.close()
        process.stderr.read()
        process.stderr.close()
        self.assertEqual(process.wait(), 141)
        self.assert_as_before()

    def test_a_local_cache_of_a_build_that_fails_is_as_it_was(self):
        cache = self.dir / "cache"
        self.again("--cache-to", f"type=local,dest={cache}", code=0)
        index = cache.joinpath("index.json").read_bytes()
        self.before, self.listed = self.image().read_bytes(), self.gbuild("images").out
        self.build("FROM tiny\nCOPY a /a\n", {"a": "later"}, ["--cache-to", f"type=local,dest={cache}", "--cache-to", DEAD], code=6)
        self.assertEqual(cache.joinpath("index.json").read_bytes(), index)
        self.assert_as_before()
