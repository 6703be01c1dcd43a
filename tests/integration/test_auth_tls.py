"""The real registry server, with passwords and with TLS."""
import base64
import json
import os
import stat

from harness.case import Case, shared_layout
from harness.process import run
from harness.registry import Registry, certificate_authority

USER, PASSWORD = "builder", "correct horse"


def auth_file(host, user, password):
    secret = base64.b64encode(f"{user}:{password}".encode()).decode()
    return json.dumps({"auths": {host: {"auth": secret}}})


class WithRegistry(Case):
    def registry(self, **options):
        registry = Registry(self.dir / "registry", **options)
        self.addCleanup(registry.stop)
        registry.push(shared_layout(), "tiny", "private/tiny:1")
        return registry

    def pull(self, registry, *options, code=0, env=None):
        return self.build(f"FROM {registry.address('private/tiny:1')}\nVOLUME /v\n", options=options, code=code, env=env)

    def share(self, registry, *options, code=0):
        """A build whose base is anybody's, and whose cache is in the registry: read when it is there, and written."""
        place = registry.address("team/cache:main")
        return self.build("FROM tiny\nRUN echo abc >/word\n",
                          options=["--progress", "plain", "--cache-from", place, "--cache-to", place, *options], code=code)

    def check_shared(self, registry, *options):
        """A machine with an empty store has the steps of another one."""
        self.assertNotIn("STEP 2/2 cached", self.share(registry, *options).err)
        self.store = self.dir / "another-store"
        result = self.share(registry, *options)
        self.assertIn("STEP 2/2 cached", result.err)
        self.assertNotIn("[cache-import]", result.err)

    def assert_not_written(self, result, *texts):
        """The image is there, and the error is about the cache."""
        for text in ["error:", "writing the cache", "hint:", *texts]:
            self.assertIn(text, result.err)


class Passwords(WithRegistry):
    def setUp(self):
        super().setUp()
        self.server = self.registry(passwords={USER: PASSWORD})

    def written(self, name, text):
        path = self.dir / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def good(self):
        return auth_file(self.server.host, USER, PASSWORD)

    def test_authfile_option(self):
        self.pull(self.server, "--authfile", self.written("auth.json", self.good()))

    def test_registry_auth_file_variable(self):
        self.pull(self.server, env={"REGISTRY_AUTH_FILE": self.written("auth.json", self.good())})

    def test_docker_s_own_place(self):
        self.written("home/.docker/config.json", self.good())
        self.pull(self.server)

    def test_credential_helper(self):
        helper = self.written("bin/docker-credential-testing",
                              f'#!/bin/sh\nread host\necho "$host" > {self.dir}/asked\n'
                              f'echo \'{{"Username":"{USER}","Secret":"{PASSWORD}"}}\'\n')
        helper.chmod(helper.stat().st_mode | stat.S_IXUSR)
        self.written("home/.docker/config.json", json.dumps({"credHelpers": {self.server.host: "testing"}}))
        self.pull(self.server, env={"PATH": f"{helper.parent}:{os.environ['PATH']}"})
        self.assertEqual((self.dir / "asked").read_text().strip(), self.server.host)

    def test_no_password_names_the_remedy(self):
        self.assert_error(self.pull(self.server, code=5), self.server.host, "hint:", "login")

    def test_wrong_password_names_the_remedy(self):
        path = self.written("auth.json", auth_file(self.server.host, USER, "hunter2"))
        result = self.pull(self.server, "--authfile", path, code=5)
        self.assert_error(result, self.server.host, "hint:")
        self.assertNotIn("hunter2", result.err)

    def test_password_for_another_host_is_not_sent(self):
        path = self.written("auth.json", auth_file("another.invalid", USER, PASSWORD))
        self.assert_error(self.pull(self.server, "--authfile", path, code=5), self.server.host)

    def test_password_appears_nowhere(self):
        result = self.pull(self.server, "--authfile", self.written("auth.json", self.good()), "--progress", "json",
                           "--metadata-file", self.dir / "metadata")
        secret = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        texts = [result.out, result.err, (self.dir / "metadata").read_text(), self.image().read_bytes().decode("latin-1")]
        texts += [path.read_bytes().decode("latin-1") for path in self.store.rglob("*") if path.is_file()]
        for text in texts:
            self.assertNotIn(PASSWORD, text)
            self.assertNotIn(secret, text)

    def test_cache_is_written_and_read_with_a_password(self):
        self.check_shared(self.server, "--authfile", self.written("auth.json", self.good()))
        manifest = json.loads(run("skopeo", "inspect", "--raw", "--tls-verify=false", f"--creds={USER}:{PASSWORD}",
                                  f"docker://{self.server.address('team/cache:main')}"))
        self.assertEqual(manifest["artifactType"], "application/vnd.gbuild.cache.v1")
        run("skopeo", "copy", "--quiet", "--insecure-policy", "--src-tls-verify=false", f"--src-creds={USER}:{PASSWORD}",
            f"docker://{self.server.address('team/cache:main')}", f"oci:{self.dir}/copy:main")

    def test_cache_that_may_not_be_written_names_the_remedy(self):
        self.assert_not_written(self.share(self.server, code=5), f"{self.server.host} wants a login to push", "docker login",
                                "--authfile")
        path = self.written("auth.json", auth_file(self.server.host, USER, "hunter2"))
        result = self.share(self.server, "--authfile", path, code=5)
        self.assert_not_written(result, f"{self.server.host} refuses the user name or password")
        self.assertNotIn("hunter2", result.err)

    def test_authfile_that_is_not_json(self):
        result = self.pull(self.server, "--authfile", self.written("auth.json", "{"), code=None)
        self.assertNotEqual(result.code, 0)
        self.assert_error(result, "auth.json")

    def test_authfile_that_is_not_there(self):
        self.assert_error(self.pull(self.server, "--authfile", self.dir / "nothing", code=4), "nothing")


class Tls(WithRegistry):
    def setUp(self):
        super().setUp()
        self.ca, pair = certificate_authority(self.dir / "ca")
        self.server = self.registry(tls=pair)
        # A name rather than 127.0.0.1, which speaks plain HTTP unless told otherwise.
        self.named = f"localhost:{self.server.port}"

    def test_unknown_authority_names_the_remedy(self):
        result = self.pull(self.server, code=6)
        self.assert_error(result, self.server.host, "hint:", "--ca-file")

    def test_ca_file_option(self):
        self.pull(self.server, "--ca-file", self.ca)

    def test_certs_d(self):
        folder = self.home / ".config" / "containers" / "certs.d" / self.server.host
        folder.mkdir(parents=True)
        (folder / "ca.crt").write_bytes(self.ca.read_bytes())
        self.pull(self.server)

    def test_insecure_registry_option(self):
        self.pull(self.server, "--insecure-registry", self.server.host)

    def test_cache_over_tls(self):
        self.assert_not_written(self.share(self.server, code=6), self.server.host, "--ca-file")
        self.store = self.dir / "store-with-ca"
        self.check_shared(self.server, "--ca-file", self.ca)
