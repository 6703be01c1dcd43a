"""Child processes that end with their owner, and files' bytes as test input."""
import importlib
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
import unittest
from pathlib import Path

IN_CI = os.environ.get("CI") == "true"


def is_root():
    return os.geteuid() == 0


def need_program(*names):
    """Skips the test when an optional program is not there; in CI everything is, so there it fails."""
    for name in names:
        if shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin") is None:
            missing_part(f"{name} is not installed")


def need_module(name):
    """An optional module of Python's, likewise."""
    try:
        return importlib.import_module(name)
    except ImportError:
        missing_part(f"Python's module {name} is not installed")


def missing_part(reason):
    if IN_CI:
        raise AssertionError(f"{reason}, and CI must not skip")
    raise unittest.SkipTest(reason)


def only_as_root(reason):
    return unittest.skipUnless(is_root(), f"needs root: {reason}")


def run(*command, **options):
    """Runs a peer program; a failure shows its output."""
    done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace", check=False, **options)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))}: exit code {done.returncode}\n{done.stdout}")
    return done.stdout


def use_little_memory_for_cores():
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


class Server:
    """A background program, ready once `ready(log text)` gives something true; that value is kept as `found`."""

    def __init__(self, command, log, ready, limit=30):
        self._log = Path(log)
        with self._log.open("wb") as output:
            self._child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
        deadline = time.monotonic() + limit
        self.found = None
        while not self.found:
            text = self._log.read_text(errors="replace")
            self.found = ready(text)
            if not self.found and (self._child.poll() is not None or time.monotonic() > deadline):
                self.stop()
                raise RuntimeError(f"{command[0]} did not start:\n{text}")
            time.sleep(0.02)

    def stop(self):
        if self._child.poll() is None:
            self._child.send_signal(signal.SIGTERM)
            try:
                self._child.wait(10)
            except subprocess.TimeoutExpired:
                self._child.kill()
                self._child.wait()


def warn(text):
    print(f"integration: {text}", file=sys.stderr, flush=True)
