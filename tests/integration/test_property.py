"""Random inputs, and a second opinion that is not ours: dash on what POSIX says of expansion, Python on JSON.

GBUILD_PROPERTY_COUNT says how many (2,000 in CI; 200,000 in a long run), GBUILD_PROPERTY_SEED which ones. What was found
once is in testdata/property and always tried."""
import json
import os
import random
import shutil
import subprocess
import unittest

from harness import parts
from harness.case import Case
from harness.words import VARIABLES, Maker, smaller, text_of

COUNT = int(os.environ.get("GBUILD_PROPERTY_COUNT", "2000"))
SEED = int(os.environ.get("GBUILD_PROPERTY_SEED", "1"))
BATCH = 2000
LONGEST_SHRINK = 200


def in_shell(text):
    return "'" + text.replace("'", "'\\''") + "'"


@unittest.skipUnless(shutil.which("dash"), "no dash")
class Expansion(Case):
    """Words after words, many at a time."""

    def planned(self, dockerfile):
        folder = self.context({"Dockerfile": dockerfile}, "planned")
        return json.loads(self.gbuild("plan", "--format", "json", folder).out)["stages"][-1]

    def expanded_words(self, words):
        variables = "".join(f"ENV {name}={in_quotes(value)}\n" for name, value in VARIABLES.items())
        labels = " ".join(f"l{i}={word}" for i, word in enumerate(words))
        found = self.planned(f"FROM scratch\n{variables}LABEL {labels}\n")["config"]["labels"]
        return [found[f"l{i}"] for i in range(len(words))]

    def expanded_lines(self, lines):
        variables = "".join(f"ENV {name}={in_quotes(value)}\n" for name, value in VARIABLES.items())
        body = "".join(line + "\n" for line in lines)
        stage = self.planned(f"FROM scratch\n{variables}COPY <<END /f\n{body}END\n")
        return stage["steps"][-1]["action"]["inlineFiles"][0]["contents"].split("\n")[:-1]

    def dash(self, script):
        variables = "".join(f"{name}={in_shell(value)}\n" for name, value in VARIABLES.items())
        file = self.dir / "script"
        file.write_text(variables + script)
        done = subprocess.run(["dash", str(file)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, cwd=self.dir,
                              env={"LC_ALL": "C", "PATH": os.environ["PATH"]})
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        return done.stdout.decode()

    def dash_words(self, words):
        return self.dash("".join(f"r={word}\nprintf '%s\\0' \"$r\"\n" for word in words)).split("\0")[:-1]

    def dash_lines(self, lines):
        return self.dash("cat <<END\n" + "".join(line + "\n" for line in lines) + "END\n").split("\n")[:-1]

    def first_difference(self, texts, ours, theirs):
        """(text, gbuild's, dash's) or None."""
        found = zip(texts, ours(texts), theirs(texts), strict=True)
        return next((one for one in found if one[1] != one[2]), None)

    def check(self, words, ours, theirs):
        """Of words as harness.words has them; a difference is told with the smallest word that has it."""
        difference = self.first_difference([text_of(word) for word in words], ours, theirs)
        if difference is None:
            return
        word = next(word for word in words if text_of(word) == difference[0])
        for _ in range(LONGEST_SHRINK):
            candidates = [one for one in smaller(word) if one]
            found = candidates and self.first_difference([text_of(one) for one in candidates], ours, theirs)
            if not found:
                break
            difference = found
            word = next(one for one in candidates if text_of(one) == found[0])
        self.fail(f"seed {SEED}: {difference[0]!r} is {difference[1]!r} to gbuild and {difference[2]!r} to dash; "
                  "add it to testdata/property")

    def check_many(self, make, ours, theirs):
        maker = Maker(random.Random(SEED))
        for start in range(0, COUNT, BATCH):
            self.check([make(maker) for _ in range(min(BATCH, COUNT - start))], ours, theirs)

    def test_words_that_were_found(self):
        words = (parts.PROJECT / "testdata" / "property" / "words.txt").read_text().splitlines()
        self.assertIsNone(self.first_difference(words, self.expanded_words, self.dash_words))

    def test_words(self):
        self.check_many(Maker.word, self.expanded_words, self.dash_words)

    def test_lines_of_heredocs(self):
        self.check_many(Maker.heredoc_line, self.expanded_lines, self.dash_lines)


def in_quotes(value):
    return '"' + value + '"'


class Arrays(Case):
    CHARACTERS = ["a", " ", "\\", '"', "'", "/", "$x", "[", "]", ",", "\t", "é", "한", "\U0001F600", "\u2028", "#"]

    def test_exec_forms(self):
        chooser = random.Random(SEED)
        arrays = [["".join(chooser.choices(self.CHARACTERS, k=chooser.randint(0, 5))) for _ in range(chooser.randint(1, 4))]
                  for _ in range(COUNT)]
        file = self.dir / "Dockerfile"
        file.write_text("FROM scratch\n" + "".join(
            f"RUN{' ' * chooser.randint(1, 3)}{json.dumps(array, ensure_ascii=chooser.random() < 0.5)}\n" for array in arrays))
        found = json.loads(self.gbuild("parse", file).out)["instructions"][1:]
        for array, instruction in zip(arrays, found, strict=True):
            self.assertEqual((instruction["form"], instruction["args"]), ("exec", array), f"seed {SEED}")
