"""What programs that read reports of findings ask of them."""
import re
import xml.etree.ElementTree as ElementTree

LEVELS = {"none", "note", "warning", "error"}

# SARIF 2.1.0's JSON schema, as far as gbuild writes anything of it: {key: (is required, check)}. Other keys are refused, as there.


def _is(kind, least=None):
    return lambda value: isinstance(value, kind) and not isinstance(value, bool) and (least is None or value >= least)


def _in(values):
    return lambda value: value in values


def _matches(pattern):
    return lambda value: isinstance(value, str) and re.fullmatch(pattern, value) is not None


def _list(check, distinct=False):
    def holds(value):
        return isinstance(value, list) and all(check(one) for one in value) and (not distinct or len({str(one) for one in value}) == len(value))
    return holds


def _object(keys):
    def holds(value):
        if not isinstance(value, dict) or not set(value) <= set(keys):
            return False
        return all(check(value[key]) if key in value else not required for key, (required, check) in keys.items())
    return holds


# RFC 3986, a URI or a relative reference: no blanks, no bytes beyond ASCII, whole escapes.
_URI = _matches(r"(?:[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})*")
_MESSAGE = _object({"text": (True, _is(str))})
_REGION = _object({"startLine": (False, _is(int, 1)), "startColumn": (False, _is(int, 1)), "endLine": (False, _is(int, 1)),
                   "endColumn": (False, _is(int, 1)), "snippet": (False, _object({"text": (False, _is(str))}))})
_LOCATION = _object({"physicalLocation": (False, _object({
    "artifactLocation": (False, _object({"uri": (False, _URI)})), "region": (False, _REGION)}))})
_RULE = _object({"id": (True, _is(str)), "shortDescription": (False, _MESSAGE),
                 "defaultConfiguration": (False, _object({"level": (False, _in(LEVELS))}))})
_RESULT = _object({"ruleId": (False, _is(str)), "ruleIndex": (False, _is(int, 0)), "level": (False, _in(LEVELS)),
                   "message": (True, _MESSAGE), "locations": (False, _list(_LOCATION))})
_RUN = _object({"tool": (True, _object({"driver": (True, _object({"name": (True, _is(str)), "version": (False, _is(str)),
                                                                   "rules": (False, _list(_RULE, distinct=True))}))})),
                "columnKind": (False, _in({"utf16CodeUnits", "unicodeCodePoints"})), "results": (False, _list(_RESULT))})
_SARIF = _object({"$schema": (False, _URI), "version": (True, _in({"2.1.0"})), "runs": (True, _list(_RUN))})


def validate_sarif(test, document):
    test.assertTrue(_SARIF(document), document)


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
