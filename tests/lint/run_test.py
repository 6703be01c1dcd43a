#!/usr/bin/env python3
"""The runner of the integration tests does not hang, and gives programs the signals that they expect (E-15)."""
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

RUN = Path(__file__).resolve().parents[1] / "integration" / "run.py"
PLANTED = """
import signal, subprocess, threading, unittest

class Planted(unittest.TestCase):
    def test_a_child_hangs(self):
        subprocess.run(["sleep", "98765"])

    def test_b_nobody_hangs(self):
        for name in [signal.SIGINT, signal.SIGHUP]:
            child = subprocess.Popen(["sleep", "76543"])
            child.send_signal(name)
            self.assertEqual(child.wait(), -name)
"""


class Run(unittest.TestCase):
    def setUp(self):
        self._folder = tempfile.TemporaryDirectory()
        self.addCleanup(self._folder.cleanup)
        Path(self._folder.name, "test_planted.py").write_text(PLANTED)

    def run_planted(self, word, limit):
        command = [sys.executable, str(RUN), "--folder", self._folder.name, word]
        # As a script starts what goes on in the background, and nohup.
        ignoring = ["sh", "-c", 'trap "" INT QUIT HUP; exec "$@"', "sh", *command]
        return subprocess.run(ignoring, capture_output=True, text=True, check=False, env={**os.environ, "GBUILD_TEST_LIMIT": limit})

    def test_what_hangs_is_killed_listed_and_counted(self):
        done = self.run_planted("a_child", limit="1")
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn("0 passed, 1 failed", done.stdout)
        self.assertIn("sleep 98765", done.stdout)

    def test_signals_that_are_ignored_outside_are_not_inside(self):
        done = self.run_planted("b_nobody", limit="60")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
