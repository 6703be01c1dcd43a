"""Completions in real bash, zsh and fish (U-19)."""
import os
import pty
import select
import shutil
import subprocess
import time

from harness.case import PROGRAM, Case

DOCKERFILE = "FROM scratch AS tools\nARG VERSION=1\nCOPY Dockerfile /etc/settings\nVOLUME /v\nFROM tools AS out\n"
# What is typed behind "gbuild ", and what the shell makes of it.
TYPED = [("images --no-tr\t", "images --no-trunc"),
         ("comp\tba\t", "completion bash"),
         ("inspect ap\t", "inspect app:1"),
         ("inspect app:\t", "inspect app:1"),
         ("build --progress=pl\t", "build --progress=plain"),
         ("build --progress pl\t", "build --progress plain"),
         ("build --target=to\t", "build --target=tools"),
         ("build --target to\t", "build --target tools"),
         ("build --build-arg VER\t2", "build --build-arg VERSION=2"),
         ("build -o type=loc\tdest=su\t", "build -o type=local,dest=sub/"),
         ("build --file Dock\t", "build --file Dockerfile"),
         ("cat app:1 /et\tse\t", "cat app:1 /etc/settings"),
         ("su\t", "sub/")]
# gbuild only tells what it was given, but when it is asked to complete.
FUNCTION = 'gbuild() { if [ "$1" = __complete ]; then "%s" "$@"; else printf "%%s%%s>\\n" "GIVEN<" "$*"; fi; }'


class Shell:
    """A shell on a terminal."""

    def __init__(self, words, cwd, env):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(cwd)
            os.execvpe(words[0], words, env)
        self.text = ""

    def send(self, text):
        os.write(self.fd, text.encode())

    def read_until(self, mark, seconds=60):
        end = time.monotonic() + seconds
        while mark not in self.text:
            if not select.select([self.fd], [], [], max(0, end - time.monotonic()))[0]:
                raise AssertionError(f"no {mark!r} in {self.text!r}")
            try:
                self.text += os.read(self.fd, 65536).decode(errors="replace")
            except OSError as error:
                raise AssertionError(f"the shell ended: {self.text!r}") from error
        before, _, self.text = self.text.partition(mark)
        return before

    def close(self):
        os.close(self.fd)
        os.waitpid(self.pid, 0)


class Completion(Case):
    def setUp(self):
        super().setUp()
        self.here = self.context({"Dockerfile": DOCKERFILE, "sub": None})
        self.gbuild("build", "-q", "-t", "app:1", "-o", self.image(), self.here)

    def check_terminal(self, words, start):
        if not shutil.which(words[0]):
            self.skipTest(f"{words[0]} is not installed")
        env = {**self.environment(), "TERM": "dumb", "PS1": "> ", "HISTFILE": "/dev/null"}
        shell = Shell(words, self.here, env)
        self.addCleanup(shell.close)
        for line in [FUNCTION % PROGRAM, *start, "printf '%s%s\\n' REA DY"]:
            shell.send(line + "\n")
        shell.read_until("READY")
        for typed, wanted in TYPED:
            with self.subTest(typed):
                shell.send(f"gbuild {typed}\n")
                shell.read_until("GIVEN<")
                # zsh takes the slash away again when the line is done.
                self.assertEqual(shell.read_until(">").strip().rstrip("/"), wanted.rstrip("/"))

    def test_bash(self):
        self.check_terminal(["bash", "--norc", "--noprofile", "-i"], [f"source <('{PROGRAM}' completion bash)"])

    def test_zsh(self):
        self.check_terminal(["zsh", "-f", "-i"], ["autoload -U compinit", f"compinit -u -d {self.dir}/dump", "unsetopt prompt_cr",
                                                  f"source <('{PROGRAM}' completion zsh)"])

    def test_fish(self):
        if not shutil.which("fish"):
            self.skipTest("fish is not installed")
        tools = self.folder("tools")
        (tools / "gbuild").symlink_to(PROGRAM)
        env = {**self.environment(), "PATH": f"{tools}:{os.environ['PATH']}"}
        for typed, wanted in TYPED:
            if typed.count("\t") > 1 or not typed.endswith("\t"):
                continue
            line = f"gbuild {typed.rstrip()}"
            done = subprocess.run(["fish", "--no-config", "-c", f"gbuild completion fish | source; complete -C '{line}'"], cwd=self.here,
                                  env=env, capture_output=True, text=True, check=True)
            with self.subTest(line):
                offered = [candidate.split("\t")[0].rstrip("/") for candidate in done.stdout.splitlines()]
                self.assertEqual(offered, [wanted.split(" ")[-1].rstrip("/")])

    def test_the_scripts_agree_with_the_help(self):
        asked = self.gbuild("__complete", "build", "--").out
        offered = {line.split("\t")[0] for line in asked.splitlines()}
        for word in ["--file", "--tag", "--progress", "--build-arg", "--ignorefile", "--help"]:
            self.assertIn(word, offered)
        text = self.gbuild("build", "--help").out
        for word in offered:
            self.assertIn(word, text + "--help")
        self.assertEqual(self.gbuild("__complete", "inspect", "--root", "/nonexistent", "x").out, ":files\n")
        self.assertIn("bash, zsh and fish", self.gbuild("completion", "powershell", code=2).err)
