#!/usr/bin/env python3
"""standard_headers.py finds what it is there for: violations planted in a small project (E-14)."""
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

LINT = Path(__file__).with_name("standard_headers.py")


class StandardHeaders(unittest.TestCase):
    def lint(self, files):
        with tempfile.TemporaryDirectory() as folder:
            for name, text in files.items():
                path = Path(folder, name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
            done = subprocess.run([sys.executable, str(LINT), folder], capture_output=True, text=True, check=False)
        return done.returncode, done.stdout

    def test_a_header_of_ours_may_bring_it(self):
        code, out = self.lint({"include/gbuild/base/a.h": "#include <algorithm>\n",
                               "src/base/a.cc": '#include "gbuild/base/a.h"\nint b = std::min(1, 2);\n'})
        self.assertEqual((code, out), (0, ""))

    def test_what_is_missing_is_named(self):
        code, out = self.lint({"src/base/a.cc": "#include <functional>\nint b = std::min(1, 2);\n"})
        self.assertEqual(code, 1)
        self.assertIn("src/base/a.cc: std::min without #include <algorithm>", out)

    def test_comments_and_texts_are_no_names(self):
        code, out = self.lint({"src/base/a.cc": '// std::min(1, 2)\n#include "nothing.h"\nconst char* b = "std::min(1, 2)";\n'})
        self.assertEqual((code, out), (0, ""))


if __name__ == "__main__":
    unittest.main()
