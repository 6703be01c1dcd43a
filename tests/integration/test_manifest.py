"""gbuild manifest: payload manifests that providers take, signed and verified; and what to paste into a script."""
import base64
import json
import os
import subprocess
import time

from harness import gvmi, parts
from harness.case import Case
from harness.json_schema import problems
from harness.process import need_program

SCHEMA = json.loads((parts.PROJECT / "testdata" / "manifest" / "schema.json").read_text())
URL = "https://example.org/app.gvmi"
TIME = {"SOURCE_DATE_EPOCH": "1700000000"}


class Keys:
    """An authority, an author's key and the certificate that the one made for the other; openssl's work."""

    def __init__(self, folder, kind=("rsa:2048",)):
        need_program("openssl")
        self.folder = folder
        self.authority_key, self.authority = folder / "ca.key", folder / "ca.pem"
        self.key, self.certificate = folder / "author.key", folder / "author.pem"
        self._run("req", "-x509", "-newkey", *kind, "-nodes", "-days", "3650", "-subj", "/O=Org/CN=CA", "-keyout", self.authority_key,
                  "-out", self.authority)
        self._run("req", "-newkey", *kind, "-nodes", "-subj", "/O=Org/CN=Author", "-keyout", self.key, "-out", folder / "author.csr")
        self._run("x509", "-req", "-in", folder / "author.csr", "-CA", self.authority, "-CAkey", self.authority_key, "-CAcreateserial",
                  "-days", "3650", "-out", self.certificate)

    def _run(self, *arguments):
        subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)

    def verifies(self, text, signature):
        """Whether openssl takes the signature (bytes) for the author's of the text."""
        (self.folder / "text").write_text(text)
        (self.folder / "signature").write_bytes(signature)
        self._run("x509", "-in", self.certificate, "-pubkey", "-noout", "-out", self.folder / "public.pem")
        done = subprocess.run(["openssl", "dgst", "-sha256", "-verify", self.folder / "public.pem", "-signature",
                               self.folder / "signature", self.folder / "text"], capture_output=True, check=False)
        return done.returncode == 0


class ManifestCase(Case):
    def setUp(self):
        super().setUp()
        self.build("FROM scratch\nVOLUME /v\n")

    def manifest(self, *options, code=0, env=None):
        return self.gbuild("manifest", self.image(), "--url", URL, *options, code=code, env=env or TIME)

    def parsed(self, *options, env=None):
        document = json.loads(self.manifest(*options, env=env).out)
        self.assertEqual(problems(document, SCHEMA), [])
        return document


class Manifest(ManifestCase):
    def test_an_image_and_nothing_else(self):
        document = self.parsed()
        self.assertEqual(list(document), ["version", "createdAt", "expiresAt", "metadata", "payload"])
        self.assertEqual((document["version"], document["createdAt"], document["expiresAt"]),
                         ("0.1.0", "2023-11-14T22:13:20Z", "2024-02-12T22:13:20Z"))
        self.assertEqual(document["metadata"], {"name": "image", "version": "0.1.0"})
        self.assertEqual(document["payload"], [{"platform": {"arch": "x86_64", "os": "linux"}, "urls": [URL],
                                                "hash": "sha3:" + gvmi.sha3_224(self.image())}])

    def test_all_that_can_be_said(self):
        document = self.parsed("--url", "http://mirror.example.org/app.gvmi", "--outbound", "https://api.example.org/v1", "--outbound",
                               "http://other.example.org", "--commands", "run /bin/date.*", "--commands", "transfer .*", "--name",
                               "App \"1\"", "--app-version", "1.2.3-rc.1+5", "--description", "what é it does", "--author",
                               "A <a@example.org>", "--author", "B", "--homepage", "https://example.org", "--os-version", "6.1",
                               "--expires", "2w", "--timestamp", "2024-05-01T12:00:00Z")
        self.assertEqual(document["metadata"], {"name": "App \"1\"", "description": "what é it does", "version": "1.2.3-rc.1+5",
                                                "authors": ["A <a@example.org>", "B"], "homepage": "https://example.org"})
        self.assertEqual(document["payload"][0]["platform"]["osVersion"], "6.1")
        self.assertEqual(document["expiresAt"], "2024-05-15T12:00:00Z")
        self.assertEqual(document["compManifest"], {
            "version": "0.1.0", "script": {"commands": ["run /bin/date.*", "transfer .*"], "match": "regex"},
            "net": {"inet": {"out": {"protocols": ["http", "https"],
                                     "urls": ["https://api.example.org/v1", "http://other.example.org"]}}}})

    def test_unrestricted_and_other_protocols(self):
        out = self.parsed("--outbound", "unrestricted")["compManifest"]["net"]["inet"]["out"]
        self.assertEqual(out, {"protocols": ["http", "https", "ws", "wss"], "unrestricted": {"urls": True}})
        out = self.parsed("--outbound", "https://tcp.example.org", "--protocol", "tcp")["compManifest"]["net"]["inet"]["out"]
        self.assertEqual(out, {"protocols": ["tcp"], "urls": ["https://tcp.example.org"]})
        strict = self.parsed("--commands", "run /bin/date -R", "--match", "strict")["compManifest"]
        self.assertEqual(strict, {"version": "0.1.0", "script": {"commands": ["run /bin/date -R"], "match": "strict"}})

    def test_the_same_arguments_give_the_same_bytes(self):
        self.assertEqual(self.manifest("--outbound", "unrestricted").out, self.manifest("--outbound", "unrestricted").out)
        self.manifest("-o", self.dir / "file.json")
        self.assertEqual((self.dir / "file.json").read_text(), self.manifest().out)
        encoded = self.manifest("--base64").out
        self.assertEqual(base64.b64decode(encoded, validate=False).decode(), self.manifest().out)
        self.assertEqual(encoded.count("\n"), 1)
        by_tag = self.gbuild("manifest", "image", "--url", URL, env=TIME)
        self.assertEqual(by_tag.out, self.manifest().out)

    def test_what_no_provider_takes_is_refused(self):
        for options, text in [
                (["--url", "app.gvmi"], "not a URL"), (["--url", "https://a b"], "not a URL"), (["--outbound", "example.org"], "not a URL"),
                (["--outbound", "unrestricted", "--outbound", "https://a.b"], "not both"), (["--protocol", "tcp"], "--outbound"),
                (["--app-version", "1.0"], "semantic version"), (["--app-version", "01.0.0"], "semantic version"),
                (["--expires", "2020-01-01T00:00:00Z"], "not after its creation"), (["--expires", "soon"], "not a time"),
                (["--expires", "0d"], "not after its creation"), (["--match", "glob"], "one of"), (["--sign", "/no/key"], "certificate")]:
            with self.subTest(options):
                self.assertIn(text, self.manifest(*options, code=2).err)
        self.assertIn("--url", self.gbuild("manifest", self.image(), code=2).err)
        self.gbuild("manifest", "nothing", "--url", URL, code=4)
        self.assertIn("hint: write \"run curl.*\"", self.manifest("--commands", "curl.*").err)
        self.assertEqual(self.manifest("--commands", "run curl.*").err, "")


class Signature(ManifestCase):
    def signed(self, keys, *options, env=None):
        return json.loads(self.manifest("--sign", keys.key, "--certificate", keys.certificate, *options, env=env).out)

    def test_signature_is_openssl_s(self):
        for kind in [("rsa:2048",), ("ec", "-pkeyopt", "ec_paramgen_curve:P-256")]:
            with self.subTest(kind):
                keys = Keys(self.folder("keys-" + kind[0].partition(":")[0]), kind)
                properties = self.signed(keys, "--outbound", "unrestricted")
                self.assertEqual(properties["golem.srv.comp.payload.sig.algorithm"], "sha256")
                text = properties["golem.srv.comp.payload"]
                self.assertEqual(base64.b64decode(text).decode(), self.manifest("--outbound", "unrestricted").out)
                self.assertEqual(base64.b64decode(properties["golem.srv.comp.payload.cert"]), keys.certificate.read_bytes())
                signature = base64.b64decode(properties["golem.srv.comp.payload.sig"])
                self.assertTrue(keys.verifies(text, signature))
                self.assertFalse(keys.verifies(text + "x", signature))

    def test_verify(self):
        keys, file = Keys(self.folder("keys")), self.dir / "demand.json"
        now = int(time.time())  # a certificate is not valid before it was made
        env = {"SOURCE_DATE_EPOCH": now}
        file.write_text(json.dumps(self.signed(keys, env=env)))
        verified = self.gbuild("manifest", "verify", file, "--ca-file", keys.authority, "--image", self.image(), env=env)
        self.assertIn("Signed by CN=Author,O=Org\n", verified.out)
        self.assertIn("sha3:" + gvmi.sha3_224(self.image()), verified.out)
        self.assertIn("--ca-file", self.gbuild("manifest", "verify", file, env=env).out)
        self.build("FROM scratch\nVOLUME /w\n", name="other")
        refused = self.gbuild("manifest", "verify", file, "--image", self.image("other"), env=env, code=7)
        self.assertIn("another image", refused.err)
        self.assertIn("expired at", self.gbuild("manifest", "verify", file, "--timestamp", now + 90 * 86400, code=7).err)
        self.gbuild("manifest", "verify", file, "--timestamp", now + 90 * 86400 - 1)
        stranger = Keys(self.folder("stranger"))
        self.assertIn("not trusted", self.gbuild("manifest", "verify", file, "--ca-file", stranger.authority, env=env, code=7).err)

    def test_every_change_is_noticed(self):
        keys, file = Keys(self.folder("keys")), self.dir / "demand.json"
        good = self.signed(keys)
        payload = base64.b64decode(good["golem.srv.comp.payload"]).decode()
        other = base64.b64encode(payload.replace("example.org", "example.com").encode()).decode()
        stranger = base64.b64encode(Keys(self.folder("stranger")).certificate.read_bytes()).decode()
        for name, value in [("payload", other), ("payload", "!"), ("payload.sig", "AAAA"), ("payload.sig", "%"), ("payload.cert", stranger),
                            ("payload.cert", "AAAA"), ("payload.cert", None), ("payload.sig.algorithm", "md5")]:
            with self.subTest(name=name, value=value):
                file.write_text(json.dumps({**good, "golem.srv.comp." + name: value}))
                self.gbuild("manifest", "verify", file, env=TIME, code=7)

    def test_manifests_that_are_not_signed(self):
        file = self.dir / "m.json"
        file.write_text(self.manifest().out)
        self.assertIn("Valid until", self.gbuild("manifest", "verify", file, env=TIME).out)
        file.write_text(self.manifest("--base64").out)
        self.gbuild("manifest", "verify", file, env=TIME)
        keys = Keys(self.folder("keys"))
        self.assertIn("not signed", self.gbuild("manifest", "verify", file, "--ca-file", keys.authority, env=TIME, code=7).err)
        document = json.loads(self.manifest("--outbound", URL, "--commands", "run x").out)
        for path, value in [("version", "1"), ("createdAt", "now"), ("payload", []), ("payload", None), ("payload.0.hash", "sha3:12"),
                            ("payload.0.urls", ["x"]), ("metadata.version", "v1"), ("compManifest.script.match", "glob"),
                            ("compManifest.net.inet.out.urls", None), ("compManifest.net.inet.out.unrestricted", {"urls": True}),
                            ("compManifest.net.inet.out.urls", [3])]:
            with self.subTest(path=path, value=value):
                changed = json.loads(json.dumps(document))
                *parents, last = path.split(".")
                place = changed
                for part in parents:
                    place = place[int(part) if part.isdigit() else part]
                place[last] = value
                file.write_text(json.dumps(changed))
                self.assertIn("manifest", self.gbuild("manifest", "verify", file, env=TIME, code=7).err)
        for text in ["", "{", "[]", "{}", "\0", "not base64!"]:
            file.write_text(text)
            self.gbuild("manifest", "verify", file, env=TIME, code=7)

    def test_keys_and_certificates_that_do_not_fit(self):
        keys, stranger = Keys(self.folder("keys")), Keys(self.folder("stranger"))
        both = self.dir / "chain.pem"
        both.write_bytes(keys.authority.read_bytes() + keys.certificate.read_bytes())
        self.manifest("--sign", keys.key, "--certificate", both)
        both.write_bytes(keys.certificate.read_bytes() + keys.authority.read_bytes())
        self.assertIn("not the last one", self.manifest("--sign", keys.key, "--certificate", both, code=2).err)
        self.assertIn("another key", self.manifest("--sign", stranger.key, "--certificate", keys.certificate, code=2).err)
        self.assertIn("not a private key", self.manifest("--sign", keys.certificate, "--certificate", keys.certificate, code=2).err)
        self.manifest("--sign", keys.key, "--certificate", keys.key, code=7)
        subprocess.run(["openssl", "pkey", "-in", keys.key, "-aes256", "-passout", "pass:word", "-out", self.dir / "locked"], check=True)
        locked = ["--sign", self.dir / "locked", "--certificate", keys.certificate]
        self.assertIn("needs a passphrase", self.manifest(*locked, code=2).err)
        self.assertIn("needs a passphrase", self.manifest(*locked, code=2, env={**TIME, "GBUILD_KEY_PASSPHRASE": "no"}).err)
        self.manifest(*locked, env={**TIME, "GBUILD_KEY_PASSPHRASE": "word"})


class Paste(ManifestCase):
    def test_lines_for_each_sdk(self):
        digits = gvmi.sha3_224(self.image())
        lines = lambda *options: self.gbuild("inspect", self.image(), "--sdk", *options).out
        self.assertEqual(lines("golem-js"), f'workload: {{ imageHash: "{digits}", imageUrl: "file://{self.image()}" }}\n')
        self.assertEqual(lines("golem-js", "--url", URL), f'workload: {{ imageHash: "{digits}", imageUrl: "{URL}" }}\n')
        self.assertEqual(lines("golem-js", "--golem-tag", "me/app:1"), 'workload: { imageTag: "me/app:1" }\n')
        self.assertEqual(lines("yapapi"), f'await vm.repo(image_hash="{digits}")\n')
        self.assertEqual(lines("yapapi", "--url", URL), f'await vm.repo(image_hash="{digits}", image_url="{URL}")\n')
        self.assertEqual(lines("task-package", "--url", URL), f"hash:sha3:{digits}:{URL}\n")
        payload = json.loads(lines("manifest", "--url", URL))
        self.assertEqual(problems(payload, SCHEMA["definitions"]["Payload"], SCHEMA), [])
        self.assertIn("--sdk", self.gbuild("inspect", self.image(), "--url", URL, code=2).err)

    def test_a_build_on_a_terminal_ends_with_them(self):
        digits = gvmi.sha3_224(self.image())
        self.assertNotIn("yapapi", self.build("FROM scratch\nVOLUME /v\n").out)
        master, slave = os.openpty()
        with subprocess.Popen(self.command("build", "-o", self.image(), self.dir / "context-image"), stdout=slave, cwd=self.dir,
                              stderr=subprocess.DEVNULL, env=self.environment()) as process:
            os.close(slave)
            shown = b""
            with open(master, "rb", buffering=0) as terminal:
                try:
                    while piece := terminal.read(1 << 16):
                        shown += piece
                except OSError:  # the last writer has gone
                    pass
            self.assertEqual(process.wait(), 0)
        lines = shown.decode().replace("\r", "").splitlines()
        self.assertEqual(lines[-3:], [f'golem-js:      workload: {{ imageHash: "{digits}", imageUrl: "file://{self.image()}" }}',
                                      f'yapapi:        await vm.repo(image_hash="{digits}")',
                                      f"task package:  hash:sha3:{digits}:URL"])

    def test_inspect_says_what_a_provider_does(self):
        self.build("FROM scratch\nCOPY Dockerfile /data/f\nVOLUME /data\nENTRYPOINT [\"/x\"]\n", name="odd")
        text = self.gbuild("inspect", self.image("odd")).out
        self.assertIn("On a provider:\n  warning: the volume \"/data\" hides what the image has there, \"/data/f\": ", text)
        self.assertIn("  note: ENTRYPOINT is not run by itself: ", text)
        found = json.loads(self.gbuild("inspect", "--format", "json", self.image("odd")).out)["contract"]
        self.assertEqual([(one["id"], one["weight"]) for one in found], [("volume-content", "warning"), ("entrypoint-not-run", "note")])
        self.assertNotIn("On a provider", self.gbuild("inspect", self.image()).out)
