"""A registry that fails in every way there is: each fault is survived or refused, and nothing bad stays in the store."""
import itertools
import json
import shutil

from harness import gvmi
from harness.bases import tiny_image
from harness.case import Case
from harness.fault_server import FaultServer, Reply
from harness.oci import MANIFEST, Image, Layout, sha256
from harness.tars import Tar

BLOBS = "/blobs/"


class FaultCase(Case):
    """A registry of our own with one image, and what a good end is."""

    def setUp(self):
        super().setUp()
        self.layout = Layout(self.folder("layout"))
        self.manifest = self.layout.add_image(Image([self.big_layer()], {"WorkingDir": "/"}), "latest")
        self.layer = self.layout.document(self.manifest)["layers"][0]
        self.server = self.serve(self.layout)
        self.layer_path = BLOBS + self.layer["digest"]

    def serve(self, layout):
        server = FaultServer(layout)
        self.addCleanup(server.stop)
        return server

    @staticmethod
    def big_layer():
        """A few hundred KB that do not compress to nothing."""
        state, data = 1, bytearray()
        for _ in range(400_000):
            state = (state * 1103515245 + 12345) & 0x7FFFFFFF
            data.append(state >> 16 & 0x7F)
        return Tar().directory("etc").file("etc/one", "1").file("data", bytes(data)).bytes()

    def pull(self, code=0, server=None, options=()):
        server = server or self.server
        return self.build(f"FROM {server.host}/fault/image:latest\nVOLUME /v\n", code=code, options=options)

    def expected_digest(self):
        """What a registry without faults gives, by a store of its own."""
        honest = self.serve(self.layout)
        context = self.context({"Dockerfile": f"FROM {honest.host}/fault/image:latest\nVOLUME /v\n"}, "honest")
        self.gbuild("build", "-o", self.image("honest"), "--root", self.dir / "honest-store", context)
        return gvmi.sha256(self.image("honest"))

    def assert_survived(self):
        self.pull()
        self.assert_store_verified()
        self.assertEqual(gvmi.sha256(self.image()), self.expected_digest())

    def assert_refused_then_recovers(self, code, *words):
        result = self.pull(code=code)
        self.assert_error(result, *words)
        self.assert_store_verified()
        self.server.faults.clear()
        self.assert_survived()

    def flipped(self, request, place):
        data = bytearray(self.server.blob_body(request))
        data[place] ^= 0x40
        return bytes(data)


class Faults(FaultCase):
    def test_reset_in_mid_blob_is_resumed(self):
        cut = self.layer["size"] // 2
        self.server.once(self.layer_path, lambda request: Reply(body=self.server.blob_body(request), cut=cut))
        self.assert_survived()
        ranges = [request.headers.get("Range") for request in self.server.seen(self.layer_path)]
        self.assertEqual(ranges[0], None)
        self.assertRegex(ranges[1] or "", r"^bytes=[1-9]\d*-")

    def test_many_resets_that_each_bring_some_bytes(self):
        def piece(request):
            data = self.server.blob_body(request)
            first = int((request.headers.get("Range") or "bytes=0-")[6:].split("-")[0])
            headers = {"Content-Range": f"bytes {first}-{len(data) - 1}/{len(data)}"} if first else {}
            return Reply(206 if first else 200, data[first:], headers, cut=len(data) // 3)

        self.server.once(self.layer_path, piece, times=2)
        self.assert_survived()

    def test_connection_closed_in_mid_blob(self):
        self.server.once(self.layer_path, lambda request: Reply(body=self.server.blob_body(request), cut=1000, quiet=True))
        self.assert_survived()

    def test_whole_blob_where_the_rest_was_asked_for(self):
        self.server.once(self.layer_path, lambda request: Reply(body=self.server.blob_body(request), cut=100_000))
        self.server.once(self.layer_path, lambda request: Reply(body=self.server.blob_body(request)))
        self.assert_survived()

    def test_another_range_than_was_asked_for(self):
        self.server.once(self.layer_path, lambda request: Reply(body=self.server.blob_body(request), cut=100_000))
        self.server.once(self.layer_path, lambda request: Reply(
            206, self.server.blob_body(request)[50_000:],
            {"Content-Range": f"bytes 50000-{self.layer['size'] - 1}/{self.layer['size']}"}))
        run = self.pull(code=None)
        self.assert_store_verified()
        if run.code != 0:
            self.assert_error(run)
            self.server.faults.clear()
        self.assert_survived()

    def test_resumed_by_the_next_run(self):
        self.server.always(self.layer_path, lambda request: Reply(body=self.server.blob_body(request)[:100_000], cut=100_000,
                                                                  length=self.layer["size"])
                           if not request.headers.get("Range") else Reply(500))
        self.assert_refused_then_recovers(6)
        self.assertRegex(self.server.seen(self.layer_path)[-1].headers.get("Range") or "", r"^bytes=[1-9]")

    def test_too_many_requests_is_waited_for(self):
        self.server.once(BLOBS, lambda _: Reply(429, b"slow down", {"Retry-After": "1"}))
        self.server.once("/manifests/", lambda _: Reply(429, b"slow down", {"Retry-After": "0"}))
        self.assert_survived()

    def test_too_many_requests_for_longer_than_anyone_waits(self):
        self.server.always("/manifests/", lambda _: Reply(429, b"{}", {"Retry-After": "86400"}))
        result = self.pull(code=6)
        self.assert_error(result, self.server.host)
        self.assertRegex(result.err, r"(?i)limit|too many|429")
        self.assertEqual(len(self.server.seen("/manifests/")), 1)

    def test_server_errors_are_retried(self):
        self.server.once("/manifests/", lambda _: Reply(500, b"oops"))
        self.server.once(BLOBS, lambda _: Reply(503, b"oops"))
        self.server.once(self.layer_path, lambda _: Reply(502, b"oops"))
        self.assert_survived()

    def test_server_errors_for_ever_end_the_build(self):
        self.server.always(self.layer_path, lambda _: Reply(500, b"oops"))
        self.assert_refused_then_recovers(6, self.server.host, "500")

    def test_short_body(self):
        self.server.always(self.layer_path, lambda request: Reply(body=self.server.blob_body(request)[:-10]))
        self.assert_refused_then_recovers(None)

    def test_long_body(self):
        self.server.always(self.layer_path, lambda request: Reply(body=self.server.blob_body(request) + b"more"))
        self.assert_refused_then_recovers(None)

    def test_corrupted_blob_at_every_part_of_it(self):
        for place in [0, 5, self.layer["size"] // 2, self.layer["size"] - 1]:
            with self.subTest(place=place):
                self.server.faults.clear()
                self.server.always(self.layer_path, lambda request, at=place: Reply(body=self.flipped(request, at)))
                result = self.pull(code=7)
                self.assert_error(result, self.layer["digest"][7:19])
                self.assert_store_verified()
        self.server.faults.clear()
        self.assert_survived()

    def test_corrupted_config(self):
        config = self.layout.document(self.manifest)["config"]["digest"]
        self.server.always(BLOBS + config, lambda request: Reply(body=self.flipped(request, 30)))
        self.assert_refused_then_recovers(7)

    def test_corrupted_manifest(self):
        document = self.layout.blob(self.manifest["digest"]).replace(b'"size":', b'"size": ', 1)
        index = self.layout.add_document("application/vnd.oci.image.index.v1+json", {
            "schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [self.manifest]})
        self.layout.tag(index, "latest")
        self.server.always("/manifests/" + self.manifest["digest"],
                           lambda _: Reply(body=document, headers={"Content-Type": MANIFEST}))
        self.assert_refused_then_recovers(7)

    def test_manifest_that_is_not_json(self):
        for body in [b"", b"<html>hello</html>", b"[]", b'{"schemaVersion":2}', b'{"schemaVersion":1,"fsLayers":[]}',
                     b'{"schemaVersion":2,"mediaType":"%s","config":null,"layers":[null]}' % MANIFEST.encode(),
                     b"[" * 200_000]:
            with self.subTest(body=body[:40]):
                self.server.faults.clear()
                self.server.always("/manifests/", lambda _, body=body: Reply(body=body, headers={"Content-Type": MANIFEST}))
                result = self.pull(code=None)
                self.assertIn(result.code, (6, 7, 8), result)
                self.assert_error(result)

    def test_endless_manifest(self):
        self.server.always("/manifests/", lambda _: Reply(body=b" " * (70 << 20), headers={"Content-Type": MANIFEST}))
        result = self.pull(code=None)
        self.assertIn(result.code, (6, 7, 8), result)
        self.assert_error(result)

    def test_layer_that_inflates_to_another_diff_id(self):
        self.layout.add_image(Image([self.big_layer()], {}, diff_ids=[sha256(b"something else")]), "latest")
        result = self.pull(code=7)
        self.assert_error(result)
        self.assert_store_verified()
        self.layout.add_image(Image([self.big_layer()], {"WorkingDir": "/"}), "latest")
        self.pull(options=["--pull"])
        self.assertEqual(gvmi.sha256(self.image()), self.expected_digest())

    def test_more_layers_than_diff_ids(self):
        document = self.layout.document(self.manifest)
        document["layers"] *= 2
        self.layout.tag(self.layout.add_document(MANIFEST, document), "latest")
        self.assert_error(self.pull(code=7))

    def test_image_that_is_not_there(self):
        result = self.build(f"FROM {self.server.host}/fault/image:no-such-tag\nVOLUME /v\n", code=4)
        self.assert_error(result, "no-such-tag", "hint:")


class Tokens(FaultCase):
    def setUp(self):
        super().setUp()
        self.server.require_tokens()

    def test_token_that_expires_between_requests(self):
        def expire(_):
            self.server.expire_tokens()

        self.server.once(self.layer_path, expire)
        self.assert_survived()
        self.assertGreaterEqual(len(self.server.seen("^/token$")), 2)

    def test_token_is_asked_for_with_service_and_scope(self):
        self.pull()
        query = self.server.seen("^/token$")[0].query
        self.assertEqual(query["service"], ["test, quoted"])
        self.assertTrue(any("pull" in scope for scope in query["scope"]))

    def test_access_token_is_as_good_a_name_as_token(self):
        self.server.always("^/token$", lambda _: Reply(body=json.dumps({"access_token": self.server.token}).encode()))
        self.assert_survived()

    def test_token_that_is_never_good_enough(self):
        self.server.always("^/token$", lambda _: Reply(body=b'{"token":"wrong"}'))
        result = self.pull(code=5)
        self.assert_error(result, self.server.host)
        self.assertLess(len(self.server.seen("/manifests/")), 4)


class Redirects(FaultCase):
    def setUp(self):
        super().setUp()
        self.server.require_tokens()
        self.elsewhere = self.serve(self.layout)

    def redirect(self, status=307):
        self.server.always(BLOBS, lambda request: Reply(
            status, headers={"Location": f"http://localhost:{self.elsewhere.port}{request.path}?signature=secret"}))

    def test_authorization_stays_at_home(self):
        for status in [302, 307]:
            with self.subTest(status):
                self.server.faults.clear()
                self.redirect(status)
                self.pull(options=["--no-cache"])
        self.assertGreater(len(self.elsewhere.requests), 0)
        leaked = [request for request in self.elsewhere.requests if "Authorization" in request.headers]
        self.assertEqual(leaked, [])

    def test_signed_url_that_expires_is_asked_for_again(self):
        signatures, used = itertools.count(), set()
        self.server.always(BLOBS, lambda request: Reply(307, headers={
            "Location": f"http://localhost:{self.elsewhere.port}{request.path}?signature={next(signatures)}"}))

        def only_once(request):
            signature = request.query["signature"][0]
            if signature in used:
                return Reply(403, b"expired")
            used.add(signature)
            return None

        self.elsewhere.always(BLOBS, only_once)
        self.elsewhere.once(self.layer_path, lambda request: Reply(body=self.elsewhere.blob_body(request), cut=100_000))
        self.assert_survived()

    def test_signature_is_never_shown(self):
        self.redirect()
        self.elsewhere.always(self.layer_path, lambda _: Reply(403, b"no"))
        self.assertNotIn("signature=secret", self.pull(code=None).err)

    def test_redirect_that_never_ends(self):
        self.server.always(BLOBS, lambda request: Reply(307, headers={"Location": f"http://{self.server.host}{request.path}"}))
        result = self.pull(code=None)
        self.assertNotEqual(result.code, 0)
        self.assert_error(result)
        self.assertLess(len(self.server.seen(self.layer_path)), 200)


class Mirrors(Case):
    def setUp(self):
        super().setUp()
        self.layout = Layout(self.folder("layout"))
        self.layout.add_image(tiny_image(), "latest")
        self.mirror, self.second = FaultServer(self.layout), FaultServer(self.layout)
        self.addCleanup(self.mirror.stop)
        self.addCleanup(self.second.stop)

    def test_next_mirror_is_asked_when_the_first_fails(self):
        self.mirror.always("/manifests/", lambda _: Reply(404, b"{}"))
        self.build("FROM tiny\n", options=["--registry-mirror", self.second.host], registry=self.mirror)
        self.assertGreater(len(self.mirror.seen("/manifests/")), 0)
        self.assertGreater(len(self.second.seen("/manifests/")), 0)

    def test_wrong_bytes_of_a_mirror_are_fetched_from_the_next(self):
        def damaged(request):
            data = bytearray(self.mirror.blob_body(request))
            data[len(data) // 2] ^= 1
            return Reply(body=bytes(data))

        self.build("FROM tiny\n", registry=self.second, name="expected")
        shutil.rmtree(self.store)
        self.mirror.always(BLOBS, damaged)
        self.build("FROM tiny\n", options=["--registry-mirror", self.second.host], registry=self.mirror)
        self.assertEqual(gvmi.sha256(self.image()), gvmi.sha256(self.image("expected")))
        self.assert_store_verified()

    def test_mirror_of_another_registry_is_left_alone(self):
        context = self.context({"Dockerfile": f"FROM {self.second.host}/library/tiny\n"})
        self.gbuild("build", "--registry-mirror", self.mirror.host, "-o", self.image(), context)
        self.assertEqual(self.mirror.requests, [])

    def test_mirror_for_a_named_registry(self):
        context = self.context({"Dockerfile": "FROM registry.invalid/some/where/tiny\n"})
        self.gbuild("build", "--registry-mirror", f"registry.invalid={self.mirror.host}", "-o", self.image(), context)
        self.assertGreater(len(self.mirror.seen("/v2/some/where/tiny/manifests/latest")), 0)
