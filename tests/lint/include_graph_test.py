#!/usr/bin/env python3
"""include_graph.py finds what it is there for: violations planted in a small project."""
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

LINT = Path(__file__).with_name("include_graph.py")
PARTS = """# gbuild_part(ghost USES nothing)
gbuild_part(base                 LIBS fmt::fmt)
gbuild_part(oci      USES base   LIBS json)
gbuild_part(registry USES base oci
                     LIBS curl)
gbuild_part(layer    USES base oci)
"""


class IncludeGraph(unittest.TestCase):
    def setUp(self):
        self._folder = tempfile.TemporaryDirectory()
        self.addCleanup(self._folder.cleanup)
        self.project = Path(self._folder.name)
        self.write("cmake/parts.cmake", PARTS)
        self.write("include/gbuild/base/error.h", "")
        self.write("include/gbuild/registry/client.h", '#include "gbuild/base/error.h"\n')
        self.write("include/gbuild/layer/tar.h", '#include <gbuild/not/ours.h>\n#include "gbuild/base/error.h"\n')
        self.write("src/layer/tar.cc", '#include "gbuild/layer/tar.h"\n#include "inner.h"\n')
        self.write("src/layer/inner.h", "")

    def write(self, name, text):
        path = self.project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def lint(self):
        done = subprocess.run([sys.executable, str(LINT), str(self.project)], capture_output=True, text=True, check=False)
        return done.returncode, done.stdout

    def test_clean_project_passes_in_silence(self):
        self.assertEqual(self.lint(), (0, ""))

    def test_offending_include_is_shown_with_the_chain_that_leads_to_it(self):
        self.write("src/layer/inner.h", '  #  include "gbuild/registry/client.h"\n')
        self.assertEqual(self.lint(), (1, "layer may not include registry:\n      src/layer/tar.cc\n    → src/layer/inner.h\n"
                                          "    → include/gbuild/registry/client.h\n"))

    def test_upward_include_in_a_public_header(self):
        self.write("include/gbuild/base/error.h", '#include "gbuild/registry/client.h"\n')
        code, text = self.lint()
        self.assertEqual(code, 1)
        self.assertIn("base may not include registry", text)

    def test_test_of_one_part_that_reaches_into_another(self):
        self.write("tests/unit/layer/tar_test.cc", '#include "gbuild/registry/client.h"\n')
        self.assertIn("tests/unit/layer/tar_test.cc", self.lint()[1])

    def test_part_that_uses_one_above_it(self):
        self.write("cmake/parts.cmake", PARTS.replace("gbuild_part(base ", "gbuild_part(base USES layer "))
        self.assertIn("base uses layer, which is not declared before it", self.lint()[1])

    def test_folder_that_is_no_part(self):
        self.write("src/misc/things.cc", "")
        self.assertIn("src/misc: no such part", self.lint()[1])


if __name__ == "__main__":
    unittest.main()
