"""What a suite takes care of for its tests: signals as programs expect them, and an end to a test that hangs."""
import os
import signal
from pathlib import Path


def take_default_signals():
    """Lets children die of signals that whoever started the suite ignores ("&" in a script, nohup); the suite itself still ignores them.

    What is ignored stays so across exec, while what has a handler is reset.
    """
    for name in [signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGTERM]:
        if signal.getsignal(name) == signal.SIG_IGN:
            signal.signal(name, lambda *_: None)


class TestTimeout(Exception):
    """A test took longer than any test does."""


class TimeLimit:
    """Raises TestTimeout in the main thread when start() was `seconds` ago, with the processes that were started since then killed.

    What the test does then, to clear away, may take `grace` seconds at a time.
    """

    def __init__(self, seconds, grace=60):
        self._seconds, self._grace = seconds, grace
        self._known = set()
        signal.signal(signal.SIGALRM, self._expire)

    def start(self):
        self._known = set(descendants())
        signal.setitimer(signal.ITIMER_REAL, self._seconds, self._grace)

    @staticmethod
    def stop():
        signal.setitimer(signal.ITIMER_REAL, 0)

    def _expire(self, *_):
        hanging = {process: line for process, line in descendants().items() if process not in self._known}
        for process in hanging:
            try:
                os.kill(process, signal.SIGKILL)
            except OSError:
                pass  # it has ended meanwhile, or is somebody else's
        listed = "".join(f"\n  {process}: {line}" for process, line in sorted(hanging.items())) or " none"
        raise TestTimeout(f"no test takes more than {self._seconds} s; processes that were killed:{listed}")


def descendants():
    """{process id: its command line} of all below this process."""
    children, lines = {}, {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text(errors="replace").rpartition(")")[2].split()[1])
            words = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue  # it has ended meanwhile
        children.setdefault(parent, []).append(int(folder.name))
        lines[int(folder.name)] = " ".join(words).strip()[:300]
    found, queue = {}, [os.getpid()]
    while queue:
        for child in children.get(queue.pop(), []):
            found[child] = lines[child]
            queue.append(child)
    return found
