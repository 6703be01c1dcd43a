"""Several builds on one store, and builds that die at any instant."""
import random
import signal
from concurrent.futures import ThreadPoolExecutor

from harness import gvmi
from harness.bases import edge_image
from harness.case import Case, debian_registry, shared_registry
from harness.fault_server import FaultServer
from harness.oci import Layout

DOCKERFILE = "FROM edge\nCOPY . /files/\nVOLUME /data\n"


class Concurrency(Case):
    def options(self, name, registry):
        return ["build", "--registry-mirror", registry.host, "-t", name, "-o", self.image(name)]

    def test_builds_at_once_share_one_store(self):
        context = self.context({"Dockerfile": DOCKERFILE, "f": "x\n" * 300_000})
        with ThreadPoolExecutor(4) as pool:
            runs = list(pool.map(lambda number: self.gbuild(*self.options(f"image{number}", shared_registry()), context),
                                 range(4)))
        self.assertEqual(len({gvmi.sha256(self.image(f"image{number}")) for number in range(4)}), 1)
        self.assertEqual(len(runs), 4)
        self.assert_store_verified()
        listed = self.gbuild("images").out
        for number in range(4):
            self.assertIn(f"image{number}", listed)

    def test_one_pulls_and_the_others_wait_for_it(self):
        layout = Layout(self.folder("layout"))
        manifest = layout.add_image(edge_image(), "latest")
        server = FaultServer(layout)
        self.addCleanup(server.stop)
        context = self.context({"Dockerfile": DOCKERFILE})
        with ThreadPoolExecutor(3) as pool:
            list(pool.map(lambda number: self.gbuild(*self.options(f"i{number}", server), context), range(3)))
        for layer in layout.document(manifest)["layers"]:
            self.assertEqual(len(server.seen("/blobs/" + layer["digest"])), 1, "a layer was pulled more than once")

    def test_killed_at_any_instant(self):
        context = self.context({"Dockerfile": "FROM debian\nCOPY . /files/\nVOLUME /data\n", "f": "x\n" * 300_000})
        registry = debian_registry()
        self.gbuild(*self.options("good", registry), "--root", self.dir / "good-store", context)
        expected = gvmi.sha256(self.image("good"))
        instants = random.Random(20240501)
        for attempt in range(12):
            delay = instants.uniform(0.01, 2.5)
            self.interrupt(self.start(*self.options("image", registry), context), delay)
            self.assertFalse(self.image().exists() and gvmi.sha256(self.image()) != expected,
                             f"attempt {attempt}: half an image under the output's name")
            self.assert_store_verified()
        self.gbuild(*self.options("image", registry), context)
        self.assertEqual(gvmi.sha256(self.image()), expected)

    def test_ctrl_c_leaves_no_output_and_says_so(self):
        context = self.context({"Dockerfile": "FROM debian\nVOLUME /data\n"})
        registry = debian_registry()
        result = self.interrupt(self.start(*self.options("image", registry), context), 0.3, signal.SIGINT)
        if result.code == 0:
            self.skipTest("the build was faster than Ctrl-C")
        self.assertEqual(result.code, 130, result)
        self.assert_no_output()

    def test_store_that_is_deleted_between_builds(self):
        context = self.context({"Dockerfile": DOCKERFILE, "f": "x"})
        self.gbuild(*self.options("one", shared_registry()), context)
        for name in ["blobs", "packs"]:
            for path in (self.store / name).rglob("*"):
                if path.is_file():
                    path.unlink()
        self.gbuild(*self.options("two", shared_registry()), context)
        self.assertEqual(gvmi.sha256(self.image("one")), gvmi.sha256(self.image("two")))

    def damage_packs(self, damage):
        packs = [path for path in (self.store / "packs").rglob("*") if path.is_file() and path.stat().st_size > 4096]
        self.assertTrue(packs)
        for path in packs:
            data = bytearray(path.read_bytes())
            path.write_bytes(damage(data))

    def test_damaged_pack_is_made_anew(self):
        def flip(data):
            data[200] ^= 1
            return data

        context = self.context({"Dockerfile": DOCKERFILE, "f": "x" * 5000})
        self.gbuild(*self.options("one", shared_registry()), context)
        for name, damage in {"cut": lambda data: data[:len(data) // 2], "flipped": flip,
                             "zeroed": lambda data: data[:100] + bytes(1000) + data[1100:]}.items():
            with self.subTest(name):
                self.damage_packs(damage)
                self.gbuild(*self.options(name, shared_registry()), context)
                self.assertEqual(gvmi.sha256(self.image("one")), gvmi.sha256(self.image(name)))
