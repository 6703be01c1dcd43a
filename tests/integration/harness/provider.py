"""An image to run, what appears on a terminal, and what is left afterwards."""
import os
import pty
import subprocess
import time
from pathlib import Path

from . import parts
from .case import Case

DOCKERFILE = """FROM scratch
COPY busybox /bin/busybox
COPY busybox /bin/sh
COPY own script deep/file /opt/
VOLUME /golem/input /golem/output /tmp/below
WORKDIR /golem/work
ENV PATH=/bin A=1
%s
"""


class Running(Case):
    def make(self, more="", name="image", **options):
        """An image with busybox, /opt/script (whose interpreter is missing) and three volumes."""
        busybox = parts.busybox().read_bytes()
        files = {"busybox": busybox, "own": "own\n", "script": "#!/nowhere/sh\n", "deep/file": "deep\n"}
        (self.context(files, "context-" + name) / "busybox").chmod(0o755)
        (self.folder("context-" + name) / "script").chmod(0o755)
        self.build(DOCKERFILE % more, name=name, **options)

    def run_image(self, *arguments, code=0, image="image", **more):
        return self.gbuild("run", "--engine", "sandbox", self.image(image), *arguments, code=code, **more)

    def sh(self, script, *options, **more):
        return self.run_image(*options, "--", "/bin/sh", "-c", script, **more)

    def on_terminal(self, arguments, typed, after=None, env=None):
        """What appears on the terminal, and the exit code."""
        process, terminal = pty.fork()
        if process == 0:
            os.execvpe(self.command()[0], self.command(*arguments), self.environment(**(env or {})))
        subprocess.run(["stty", "rows", "33", "cols", "99"], stdin=terminal, check=True)
        shown = b""
        if after is None:
            os.write(terminal, typed)
        while True:
            try:
                block = os.read(terminal, 4096)
            except OSError:
                break
            if not block:
                break
            shown += block
            if after is not None and after.encode() in shown:
                os.write(terminal, typed)
                after = None
        os.close(terminal)
        return shown.decode(errors="replace"), os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])

    def assert_nothing_left(self):
        """No process that has to do with the store, and nothing unfinished in it."""
        store = str(self.store)
        for _ in range(200):
            left = list((self.store / "tmp").iterdir())
            mounts = [line for line in Path("/proc/mounts").read_text().splitlines() if store in line]
            processes = self.processes_of(store)
            if not left and not mounts and not processes:
                return
            time.sleep(0.05)
        self.fail(f"left: {left}, {mounts}, {processes}")

    @staticmethod
    def processes_of(store):
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if f"GBUILD_ROOT={store}\0".encode() in (folder / "environ").read_bytes():
                    found.append((folder / "cmdline").read_bytes())
            except OSError:
                continue
        return found
