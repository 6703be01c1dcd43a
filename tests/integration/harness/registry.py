"""Debian's docker-registry on an ephemeral loopback port: plain, with passwords, or behind TLS."""
import json
import re
import subprocess
from pathlib import Path

from .process import Server, need_program, run

LISTENING = re.compile(r"listening on 127\.0\.0\.1:(\d+)")


class Registry:
    """Serves until stop(). `tls` is a (certificate, key) pair, `passwords` {user: password}."""

    def __init__(self, folder, passwords=None, tls=None):
        need_program("docker-registry", "skopeo")
        self.folder = Path(folder)
        self.folder.mkdir(parents=True)
        self.tls = tls
        http = {"addr": "127.0.0.1:0"}
        if tls:
            http["tls"] = {"certificate": str(tls[0]), "key": str(tls[1])}
        config = {"version": "0.1", "log": {"level": "info", "accesslog": {"disabled": True}}, "http": http,
                  "storage": {"filesystem": {"rootdirectory": str(self.folder / "data")}, "delete": {"enabled": True}}}
        if passwords:
            need_program("htpasswd")
            for user, password in passwords.items():
                run("htpasswd", "-cBb" if not (self.folder / "htpasswd").exists() else "-Bb", self.folder / "htpasswd",
                    user, password)
            config["auth"] = {"htpasswd": {"realm": "gbuild tests", "path": str(self.folder / "htpasswd")}}
        self.passwords = passwords or {}
        # JSON is YAML.
        (self.folder / "config.yml").write_text(json.dumps(config))
        self._server = Server(["docker-registry", "serve", str(self.folder / "config.yml")], self.folder / "log",
                              LISTENING.search)
        self.port = int(self._server.found.group(1))
        self.host = f"127.0.0.1:{self.port}"

    def stop(self):
        self._server.stop()

    def push(self, layout, tag, name):
        """An image of an OCI layout, under NAME:TAG here."""
        credentials = [f"--dest-creds={user}:{password}" for user, password in self.passwords.items()]
        run("skopeo", "copy", "--quiet", "--insecure-policy", "--dest-tls-verify=false", "--all", *credentials[:1],
            f"oci:{layout.path}:{tag}", f"docker://{self.host}/{name}")

    def address(self, name):
        return f"{self.host}/{name}"


def certificate_authority(folder):
    """A CA of our own and a server certificate for 127.0.0.1: (CA file, (certificate, key))."""
    need_program("openssl")
    folder = Path(folder)
    folder.mkdir(parents=True)
    ca, ca_key = folder / "ca.crt", folder / "ca.key"
    key, request, certificate = folder / "server.key", folder / "server.csr", folder / "server.crt"
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
    new = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    _openssl("req", "-x509", *new, "-keyout", ca_key, "-out", ca, "-days", "2", "-subj", "/CN=gbuild test CA")
    _openssl("req", *new, "-keyout", key, "-out", request, "-subj", "/CN=127.0.0.1")
    _openssl("x509", "-req", "-in", request, "-CA", ca, "-CAkey", ca_key, "-CAcreateserial", "-out", certificate, "-days",
             "2", "-extfile", folder / "names")
    return ca, (certificate, key)


def _openssl(*words):
    subprocess.run(["openssl", *map(str, words)], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
