"""An ssh server on loopback, as an ordinary process with its own keys; and what a client of it needs."""
import os
import pwd
import shutil
import socket
import subprocess
import unittest
from pathlib import Path

from .process import Server, is_root, missing_part, need_program, run

SSHD = "/usr/sbin/sshd"  # wants to be called by its whole name


class SshServer:
    """Lets the user who runs the tests in with the key `key`."""

    def __init__(self, folder):
        need_program("ssh", "ssh-keygen", "git")
        if not os.path.exists(SSHD):
            missing_part("openssh-server is not installed")
        try:
            self.user = pwd.getpwuid(os.geteuid()).pw_name
        except KeyError:
            raise unittest.SkipTest("ssh knows only users with an entry in /etc/passwd") from None
        if is_root():
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        self.folder = Path(folder)
        for name in ["host", "key"]:
            run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", self.folder / name)
        self.key = self.folder / "key"
        shutil.copy(self.folder / "key.pub", self.folder / "authorized")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        (self.folder / "sshd_config").write_text(
            f"ListenAddress 127.0.0.1\nPort {self.port}\nHostKey {self.folder}/host\nAuthorizedKeysFile {self.folder}/authorized\n"
            "PidFile none\nUsePAM no\nStrictModes no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n"
            "PermitRootLogin prohibit-password\n")
        self._server = Server([SSHD, "-D", "-e", "-f", str(self.folder / "sshd_config")], self.folder / "sshd.log",
                              lambda text: "listening" in text)
        (self.folder / "known").write_text(f"[127.0.0.1]:{self.port} {(self.folder / 'host.pub').read_text()}")

    def stop(self):
        self._server.stop()

    def client(self, known="known", key="key", name="client"):
        """GIT_SSH_COMMAND for this server; `known` and `key` are names of files in the folder, or None."""
        config = self.folder / name
        identity = f"IdentityFile {self.folder / key}\nIdentityAgent none\n" if key else "IdentityFile none\n"
        config.write_text(f"Host *\nPort {self.port}\nUserKnownHostsFile {self.folder / known if known else '/dev/null'}\n"
                          f"GlobalKnownHostsFile none\n{identity}")
        return f"ssh -F {config}"


class SshAgent:
    """An agent that has a key."""

    def __init__(self, folder, key):
        need_program("ssh-agent", "ssh-add")
        self.socket = Path(folder) / "agent"
        self._server = Server(["ssh-agent", "-D", "-a", str(self.socket)], Path(folder) / "agent.log", lambda text: "SSH_AUTH_SOCK" in text)
        subprocess.run(["ssh-add", "-q", str(key)], check=True, env={**os.environ, "SSH_AUTH_SOCK": str(self.socket)},
                       stderr=subprocess.DEVNULL)

    def stop(self):
        self._server.stop()
