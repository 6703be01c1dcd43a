"""testdata/differential: every case is built by gbuild and by buildah, and every difference is known and explained."""
import shutil
import unittest

from harness import differential, dockerfile_cases
from harness.builders import Buildah
from harness.process import is_root, missing_part


class Differential(unittest.TestCase):
    """What the classes of the themes have in common; they get one test a case."""
    cases = ()

    @classmethod
    def setUpClass(cls):
        if not is_root():
            raise unittest.SkipTest("needs root: buildah keeps owners and devices")
        if shutil.which("buildah") is None:
            missing_part("buildah is not installed")

    def check(self, case):
        number = self.cases.index(case)
        result = differential.pair().ask(case, self.cases[number + 1:number + 4])
        said = f"\ngbuild: {result.ours.error or 'builds it'}\nbuildah: {result.theirs.error or 'builds it'}"
        self.assertFalse(result.ours.error.startswith("exit code 1\n"), said)
        known = differential.known_differences(case)
        news = [line for line in result.lines if not any(item.covers(line) for item in known)]
        self.assertEqual(news, [], "differences that are not listed" + said)
        if Buildah.is_listed():
            gone = [item.what for item in known if not any(item.covers(line) for line in result.lines)]
            self.assertEqual(gone, [], "listed differences that there are not" + said)


class List(unittest.TestCase):
    def test_every_line_is_about_a_case(self):
        names = {case.name for case in dockerfile_cases.cases()}
        self.assertEqual([item.case for item in differential.all_known_differences() if item.case not in names], [])

    def test_every_stand_in_says_why(self):
        for path in dockerfile_cases.DATA.glob("*/*.like.Dockerfile"):
            with self.subTest(path.name):
                self.assertTrue(path.read_text().startswith("# "))
                self.assertTrue(path.with_name(path.name.replace(".like.", ".")).exists())


def _add_themes():
    by_theme = {}
    for case in dockerfile_cases.cases():
        by_theme.setdefault(case.theme, []).append(case)
    for theme, cases in by_theme.items():
        tests = {"test_" + case.path.name.removesuffix(".Dockerfile").replace("-", "_"): lambda self, case=case: self.check(case)
                 for case in cases}
        name = "Differential" + theme.capitalize()
        globals()[name] = type(name, (Differential,), {"cases": tuple(cases), "__module__": __name__, **tests})


_add_themes()
