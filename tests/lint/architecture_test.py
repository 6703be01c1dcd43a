#!/usr/bin/env python3
"""docs/ARCHITECTURE.md names parts, files and functions that exist."""
import re
import unittest
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
DOCUMENT = (PROJECT / "docs/ARCHITECTURE.md").read_text()
FILE = r"`((?:src|include|tests|cmake|docs)/[\w/.]+)`"


def rows(heading):
    """The cells of each row of the table under a heading."""
    section = DOCUMENT.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def words(text):
    return re.findall(r"`([^`]+)`", text)


def has_function(files, name):
    """Whether one of the files has a function of that name, defined or declared: "Class::name" only where it is defined."""
    pattern = re.compile(r"(?<![\w:])" + re.escape(name) + r"\(")
    return any(pattern.search((PROJECT / file).read_text()) for file in files)


class Architecture(unittest.TestCase):
    def test_the_files_exist(self):
        for name in re.findall(FILE, DOCUMENT):
            self.assertTrue((PROJECT / name).exists(), name)

    def test_links_lead_somewhere(self):
        for target in re.findall(r"\]\(([^)]+)\)", DOCUMENT):
            self.assertTrue((PROJECT / "docs" / target).exists(), target)

    def test_the_way_of_a_build_names_functions_where_they_are(self):
        steps = rows("The way of a build")
        self.assertGreater(len(steps), 10)
        for what, files, functions in steps:
            for function in words(functions):
                self.assertTrue(has_function(words(files), function), f"{what}: no {function} in {files}")

    def test_functions_in_the_text_are_in_the_file_that_follows(self):
        found = re.findall(r"`([\w:]+)` in\s+" + FILE, DOCUMENT)
        self.assertGreater(len(found), 5)
        for function, file in found:
            self.assertTrue(has_function([file], function), f"no {function} in {file}")

    def test_the_parts_are_those_of_the_build(self):
        declared = re.findall(r"^gbuild_part\((\w+)", (PROJECT / "cmake/parts.cmake").read_text(), re.MULTILINE)
        self.assertEqual([name for cells in rows("The parts") for name in words(cells[0])], declared)


if __name__ == "__main__":
    unittest.main()
