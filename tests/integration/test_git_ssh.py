"""Git repositories over ssh: the user's own program, keys, agent and known hosts (S-22)."""
import tempfile
from pathlib import Path

from harness.case import Case
from harness.process import run
from harness.ssh import SshAgent, SshServer
from harness.web import Repository

NOT_FOUND, UNAUTHORIZED, NETWORK, USAGE, UNSUPPORTED = 4, 5, 6, 2, 8


class GitOverSsh(Case):
    def setUp(self):
        super().setUp()
        short = tempfile.TemporaryDirectory(dir="/tmp")  # sockets have short names
        self.addCleanup(short.cleanup)
        self.server = SshServer(short.name)
        self.addCleanup(self.server.stop)
        self.repositories = self.folder("repos with 'blank")
        self.repository = Repository(self.repositories, "app")
        self.first = self.repository.commit({"f": "first\n", "Dockerfile": "FROM scratch\nCOPY . /all\nVOLUME /v\n"})
        self.repository.git("tag", "v1")
        self.repository.commit({"f": "second\n"})
        self.at = f"{self.server.user}@127.0.0.1"
        self.path = str(self.repository.bare).replace(" ", "%20")
        self.url = f"ssh://{self.at}:{self.server.port}{self.path}"

    def add(self, url, code=0, options=(), ssh=None, env=None):
        self.image().unlink(missing_ok=True)
        environment = {"GIT_SSH_COMMAND": ssh or self.server.client(), **(env or {})}
        return self.build("FROM scratch\nARG U\nADD [\"$U\", \"/src/\"]\nVOLUME /v\n", options=["--build-arg", f"U={url}", *options],
                          code=code, env=environment)

    def test_urls_and_short_addresses(self):
        for url, expected in [(self.url, b"second\n"), (f"{self.url}#v1", b"first\n"), (f"{self.at}:{self.repository.bare}?tag=v1", b"first\n"),
                              (f"ssh://{self.at}{self.path}#{self.first}", b"first\n")]:
            with self.subTest(url):
                self.add(url)
                self.assertEqual(self.read("/src/f"), expected)
        self.gbuild("build", "-o", self.image("context"), f"{self.url}?tag=v1", env={"GIT_SSH_COMMAND": self.server.client()})
        self.assertEqual(self.read("/all/f", "context"), b"first\n")

    def test_a_host_s_key_is_checked(self):
        self.assert_error(self.add(self.url, code=NETWORK, ssh=self.server.client(known=None)), "Host key verification failed",
                          "hint: connect once", "Dockerfile:3")
        (self.server.folder / "wrong").write_text((self.server.folder / "known").read_text().replace(
            (self.server.folder / "host.pub").read_text(), (self.server.folder / "key.pub").read_text()))
        self.assert_error(self.add(self.url, code=NETWORK, ssh=self.server.client(known="wrong")), "another key")

    def test_who_may_not_is_told_what_to_do(self):
        self.assert_error(self.add(self.url, code=UNAUTHORIZED, ssh=self.server.client(key=None), env={"SSH_AUTH_SOCK": None}),
                          "Permission denied", "ssh-add", "Dockerfile:3")

    def test_what_is_not_there(self):
        self.assert_error(self.add(self.url + "x", code=NETWORK), "app.gitx", "Dockerfile:3")
        self.assert_error(self.add("ssh://nobody@127.0.0.1:1/x.git", code=NETWORK), "127.0.0.1", "refused", "hint:")
        self.assert_error(self.add(self.url, code=NOT_FOUND, env={"GIT_SSH_COMMAND": None, "GIT_SSH": "/nowhere/ssh"}),
                          "/nowhere/ssh", "openssh-client")

    def test_agents(self):
        agent = SshAgent(self.server.folder, self.server.key)
        self.addCleanup(agent.stop)
        client = self.server.client(key=None)
        self.add(self.url, ssh=client, env={"SSH_AUTH_SOCK": agent.socket})
        self.add(f"{self.url}#v1", ssh=client, options=["--ssh", f"default={agent.socket}", "--pull=always"])
        self.assertEqual(self.read("/src/f"), b"first\n")

    @staticmethod
    def agents_of(folder):
        """Command lines of ssh agents whose sockets are in `folder`."""
        found = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                line = path.read_bytes().decode(errors="replace")
            except OSError:
                continue  # it has ended meanwhile
            if "ssh-agent" in line and str(folder) in line:
                found.append(line)
        return found

    def test_key_files(self):
        client = self.server.client(key=None)
        self.add(self.url, ssh=client, options=["--ssh", f"default={self.server.key}"], env={"SSH_AUTH_SOCK": None})
        self.assertEqual(self.read("/src/f"), b"second\n")
        self.assertEqual(self.agents_of(self.folder("tmp")), [], "an agent was left behind")
        locked = self.server.folder / "locked"
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "secret", "-f", locked)
        self.assert_error(self.add(self.url, ssh=client, options=["--ssh", f"default={locked}"], code=UNSUPPORTED), "locked", "passphrase")
        self.assert_error(self.add(self.url, ssh=client, options=["--ssh", f"default={self.dir}/none"], code=NOT_FOUND), "--ssh")

    def test_programs(self):
        log = self.dir / "log"
        program = Path(self.server.folder) / "program"
        program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {log}\nexec {self.server.client()} "$@"\n')
        program.chmod(0o755)
        self.add(self.url, env={"GIT_SSH_COMMAND": None, "GIT_SSH": program})
        self.assertIn("BatchMode=yes", log.read_text().splitlines())
        self.add(f"{self.at}:{self.repository.bare}#v1", env={"GIT_SSH_COMMAND": None, "GIT_SSH": program, "GIT_SSH_VARIANT": "simple"})
        self.assertEqual(log.read_text().splitlines()[0], self.at)
        self.assert_error(self.add(self.url, code=UNSUPPORTED, env={"GIT_SSH_VARIANT": "plink"}), '"plink"')

    def test_submodules_beside_it(self):
        inner = Repository(self.repositories, "inner")
        inner.commit({"leaf": "leaf\n"})
        self.repository.git("submodule", "--quiet", "add", str(inner.bare), "part")
        self.repository.git("config", "-f", ".gitmodules", "submodule.part.url", "../inner.git")
        self.repository.commit()
        self.add(f"{self.at}:{self.repository.bare}")
        self.assertEqual(self.read("/src/part/leaf"), b"leaf\n")
