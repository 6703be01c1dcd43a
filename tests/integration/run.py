#!/usr/bin/env python3
"""Runs the integration tests.

    run.py                   all of them
    run.py boot layers       those whose name (theme.Class.test) contains a word
    run.py --without boot    all but those
    run.py --list            names only
    run.py --prepare         fetches Debian's base and kernel into the cache, runs nothing
    run.py --costs 15        also lists the 15 tests that took the most of the processors' time
    run.py --summary FILE    also writes "passed failed skipped" to FILE, and below it what failed and why

A line tells how long a test took, and the processor's time of it and of the processes that it waited for, by which
--costs COUNT lists the dearest at the end: the former depends on who else is busy.

The program under test is $GBUILD. A test that takes more than $GBUILD_TEST_LIMIT seconds (default: 600) fails, and its processes
are killed. Exit code: 0 all passed (skips are named), 1 something failed.
"""
import argparse
import os
import resource
import sys
import time
import traceback
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.dont_write_bytecode = True

from harness import parts  # noqa: E402
from harness.limits import TimeLimit, take_default_signals  # noqa: E402


STORY_LINES = 25  # of a failure that the summary repeats
LIMIT = 600  # seconds; the longest test takes a tenth of that on a machine that has nothing else to do


def processor_seconds():
    """Of this process and of those that it has waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


class Report(unittest.TestResult):
    """One line a test, as it ends; the story of a failure below its line."""

    def __init__(self, limit):
        super().__init__()
        self.passed = 0
        self.stories = []
        self.costs = []  # (seconds of a processor, name)
        self._limit = limit

    def startTest(self, test):
        super().startTest(test)
        self._limit.start()
        self._start, self._used = time.monotonic(), processor_seconds()
        self._bad = False

    def stopTest(self, test):
        super().stopTest(test)
        self.costs.append((processor_seconds() - self._used, test.id()))
        self._limit.start()  # for what classes and modules clear away and set up

    def addSuccess(self, test):
        self.passed += 1
        self._line("ok", test)

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self._bad = True
            self._line("FAIL", subtest, err)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._line("FAIL", test, err)

    def addError(self, test, err):
        super().addError(test, err)
        self._line("FAIL", test, err)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self._line("skip", test, note=reason)

    def _line(self, word, test, err=None, note=""):
        seconds = time.monotonic() - getattr(self, "_start", time.monotonic())
        used = processor_seconds() - getattr(self, "_used", processor_seconds())
        line = f"{word:4} {test.id()} ({seconds:.1f} s, {used:.1f} s of a processor){': ' + note if note else ''}"
        print(line, flush=True)
        if err:
            story = ["     | " + told for told in "".join(traceback.format_exception(*err)).splitlines()]
            print("\n".join(story), flush=True)
            self.stories.append("\n".join([line] + story[-STORY_LINES:]) + "\n")

    def failed(self):
        # A test with failing subtests is one failed test.
        return len({getattr(test, "test_case", test).id() for test, _ in self.failures + self.errors})


def tests_in(suite):
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from tests_in(item)
        else:
            yield item


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("words", nargs="*")
    parser.add_argument("--without", action="append", default=[], metavar="WORD")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--prepare", action="store_true")
    parser.add_argument("--summary", type=Path)
    parser.add_argument("--costs", type=int, default=0, metavar="COUNT")
    parser.add_argument("--folder", type=Path, default=HERE, help=argparse.SUPPRESS)  # other tests than ours
    options = parser.parse_args()
    take_default_signals()
    if options.prepare:
        parts.prepare()
        return 0
    found = unittest.defaultTestLoader.discover(str(options.folder), pattern="test_*.py", top_level_dir=str(options.folder))
    chosen = [test for test in tests_in(found)
              if (not options.words or any(word in test.id() for word in options.words))
              and not any(word in test.id() for word in options.without)]
    if options.list:
        print("\n".join(test.id() for test in chosen))
        return 0
    limit = TimeLimit(float(os.environ.get("GBUILD_TEST_LIMIT", LIMIT)))
    report = Report(limit)
    unittest.TestSuite(chosen).run(report)
    limit.stop()
    passed, failed, skipped = report.passed, report.failed(), len(report.skipped)
    if options.summary:
        options.summary.write_text(f"{passed} {failed} {skipped}\n" + "".join(report.stories))
    for used, name in sorted(report.costs, reverse=True)[:options.costs]:
        print(f"{used:7.1f} s of a processor: {name}")
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 0 if failed == 0 and passed + skipped > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
