"""gbuild build --verify: proof, not a claim."""
from harness.isolation import RunCase, every_way


@every_way
class Verify:
    cached = True

    def test_a_build_that_is_the_same_each_time(self):
        result = self.build("FROM box\nCOPY src /src\nRUN ls -l /src >/seen && echo 'svc:x:5:5::/:/bin/sh' >>/etc/passwd && chown svc /seen\nVOLUME /v\n",
                            {"src/a": "a", "src/b": "b"}, ["--verify", "--progress", "plain"])
        self.assertIn("Verified: the second build gave the same bytes", result.err)
        self.assertRegex(result.err, r"building once more: \d+ jobs? instead of \d+, a copy of the context")

    def test_a_step_that_writes_what_differs_each_time(self):
        for written in ("head -c 8 /dev/urandom", "date +%s"):
            with self.subTest(written):
                result = self.build(f"FROM box\nRUN {written} >/written\n", options=["--verify"], code=12)
                self.assertRegex(result.out, r"written")

    def test_a_build_that_fails(self):
        result = self.build("FROM box\nRUN exit 3\n", options=["--verify"], code=11)
        self.assertEqual(result.err.count("error:"), 1)

    def test_standard_input_cannot_be_read_twice(self):
        context = self.context({"f": "x"})
        result = self.gbuild("build", "--verify", "-f", "-", "-o", self.image(), context, stdin=b"FROM box\n", code=2)
        self.assertIn("standard input cannot be read again", result.err)
