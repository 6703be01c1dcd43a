#!/usr/bin/env python3
"""docs/differences.md and testdata/differential/differences.txt name each other."""
import re
import unittest
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
DOCUMENT = (PROJECT / "docs/differences.md").read_text()
COMPARED = (PROJECT / "testdata/differential/differences.txt").read_text()


def entries():
    """(name, whether it has a †) of each bullet."""
    return [(match[1], bool(match[2])) for match in re.finditer(r"^- \*\*(.+?)\*\*( †)?", DOCUMENT, re.MULTILINE)]


def named():
    return set(re.findall(r" \(docs: (.+)\)$", COMPARED, re.MULTILINE))


class Differences(unittest.TestCase):
    def test_every_bullet_begins_with_its_name(self):
        bullets = [line for line in DOCUMENT.splitlines() if line.startswith("- ")]
        self.assertEqual(len(bullets), len(entries()))

    def test_no_name_is_used_twice(self):
        names = [name for name, _ in entries()]
        self.assertEqual(sorted(names), sorted(set(names)))

    def test_what_the_comparison_names_is_in_the_document(self):
        self.assertEqual(named() - {name for name, _ in entries()}, set())

    def test_what_the_document_calls_compared_is_named_by_the_comparison(self):
        self.assertEqual({name for name, compared in entries() if compared} ^ named(), set())

    def test_users_are_led_to_the_document(self):
        for page in ["README.md", "docs/gbuild.1"]:
            self.assertIn("differences.md", (PROJECT / page).read_text(), page)


if __name__ == "__main__":
    unittest.main()
