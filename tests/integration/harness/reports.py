"""What programs that read reports of findings ask of them."""
import json
import re
import xml.etree.ElementTree as ElementTree

from . import parts
from .process import need_module


def _is(kind, least=None):
    return lambda value: isinstance(value, kind) and not isinstance(value, bool) and (least is None or value >= least)


def _in(values):
    return lambda value: value in values


def _matches(pattern):
    return lambda value: isinstance(value, str) and re.fullmatch(pattern, value) is not None


def _list(check):
    return lambda value: isinstance(value, list) and all(check(one) for one in value)


def _object(keys):
    def holds(value):
        if not isinstance(value, dict) or not set(value) <= set(keys):
            return False
        return all(check(value[key]) if key in value else not required for key, (required, check) in keys.items())
    return holds


# RFC 3986, a URI or a relative reference: no blanks, no bytes beyond ASCII, whole escapes.
_URI = _matches(r"(?:[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})*")


def validate_sarif(test, document):
    """By the format's own schema, which leaves the syntax of URIs to others."""
    schema = json.loads((parts.PROJECT / "testdata" / "check" / "schemas" / "sarif-2.1.0.json").read_text())
    problems = need_module("jsonschema").Draft4Validator(schema).iter_errors(document)
    test.assertEqual([f"{'/'.join(map(str, problem.path))}: {problem.message}" for problem in problems], [])
    for run in document["runs"]:
        for result in run["results"]:
            for location in result.get("locations", []):
                test.assertTrue(_URI(location["physicalLocation"]["artifactLocation"]["uri"]), location)


# GitLab's documentation of code quality reports.
_ISSUE = _object({"description": (True, _is(str)), "check_name": (True, _is(str)), "fingerprint": (True, _matches("[0-9a-f]{32,}")),
                  "severity": (True, _in({"info", "minor", "major", "critical", "blocker"})),
                  "location": (True, _object({"path": (True, _matches(r"(?!\./).+")),
                                              "lines": (True, _object({"begin": (True, _is(int, 1))}))}))})


def validate_code_quality(test, issues):
    test.assertTrue(_list(_ISSUE)(issues), issues)
    test.assertEqual(len({issue["fingerprint"] for issue in issues}), len(issues))


def parse_workflow_command(line):
    """As a runner does: (command, properties, message)."""
    command, properties, message = re.fullmatch(r"::(\w+) ([^:]*)::(.*)", line).groups()
    pairs = dict(pair.split("=", 1) for pair in properties.split(","))
    return command, {name: _unescaped(value, "%3A=: %2C=,") for name, value in pairs.items()}, _unescaped(message, "")


def _unescaped(text, more):
    for code, character in [*(pair.split("=") for pair in more.split()), ("%0D", "\r"), ("%0A", "\n"), ("%25", "%")]:
        text = text.replace(code, character)
    return text


def parse_checkstyle(test, text):
    """{file: [attributes of each error]}, checked as checkstyle's own schema has it."""
    root = ElementTree.fromstring(text.encode())
    test.assertEqual((root.tag, set(root.attrib)), ("checkstyle", {"version"}))
    files = {}
    for file in root:
        test.assertEqual((file.tag, set(file.attrib)), ("file", {"name"}))
        for error in file:
            test.assertEqual((error.tag, len(error)), ("error", 0))
            test.assertLessEqual({"line", "severity", "message", "source"}, set(error.attrib))
            test.assertLessEqual(set(error.attrib), {"line", "column", "severity", "message", "source"})
            test.assertIn(error.get("severity"), {"ignore", "info", "warning", "error"})
            test.assertGreaterEqual(int(error.get("line")), 1)
            test.assertGreaterEqual(int(error.get("column", "1")), 1)
        files[file.get("name")] = [dict(error.attrib) for error in file]
    return files
