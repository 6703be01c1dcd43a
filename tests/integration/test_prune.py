"""What builds with RUN keep on disk between builds, and how it goes away."""
import signal

from harness import gvmi
from harness.case import shared_registry
from harness.isolation import Marked, every_way, staged

NOT_FOUND = 4
STEPS = "FROM box\nRUN cat /old/a >/seen; chown 5:6 /seen\n"


@every_way
class KeptBases(Marked):
    left_out = ("chroot",)  # keeps nothing

    def kept(self):
        """{directory: (inode, time of change) of its files}"""
        found = {}
        for path in (self.store / "snapshots").iterdir():
            status = (path / "files").stat()
            found[path.name] = (status.st_ino, status.st_ctime_ns)
        return found

    def test_base_is_extracted_once(self):
        self.build(STEPS)
        first, image = self.kept(), gvmi.sha256(self.image())
        self.build(STEPS)
        self.build("FROM box\nRUN rm -r /old; echo x >/etc/passwd\n", name="other")
        self.build(STEPS)
        self.assertEqual((len(first), self.kept()), (1, first))
        self.assertEqual(gvmi.sha256(self.image()), image)

    def test_nothing_is_extracted_without_run(self):
        self.build("FROM box\nCOPY f /f\nWORKDIR /w\n", {"f": ""})
        self.assertEqual(self.kept(), {})

    def test_nothing_is_kept_of_a_base_that_cannot_be_pulled(self):
        self.build(f"FROM {shared_registry().host}/library/no-such-image\nRUN true\n", code=NOT_FOUND)
        self.assertEqual(self.kept(), {})
        self.assert_nothing_staged()

    def test_prune_removes_all_of_it(self):
        self.build(STEPS)
        image = gvmi.sha256(self.image())
        told = self.gbuild("prune", "--dry-run")
        self.assertRegex(told.out, r"^would remove 1 extracted image: \d")
        self.assertEqual(len(self.kept()), 1)
        told = self.gbuild("prune")
        self.assertRegex(told.out, r"^removed 1 extracted image: \d")
        self.assertEqual(self.kept(), {})
        self.assertRegex(self.gbuild("prune").out, r"^removed 0 extracted images: 0")
        self.build(STEPS)
        self.assertEqual(gvmi.sha256(self.image()), image)

    def test_damage_that_extracting_finds_is_mended(self):
        self.build(STEPS)
        image = gvmi.sha256(self.image())
        for name, damage in {"cut": lambda data: data[:len(data) // 2], "flipped": lambda data: data[:200] + bytes([data[200] ^ 1]) + data[201:],
                             "zeroed": lambda data: data[:100] + bytes(1000) + data[1100:]}.items():
            with self.subTest(name):
                self.gbuild("prune")
                for path in (self.store / "packs").iterdir():
                    if path.stat().st_size > 4096:
                        path.write_bytes(damage(path.read_bytes()))
                self.build(STEPS)
                self.assertEqual(gvmi.sha256(self.image()), image)
                self.assert_nothing_staged()

    def test_prune_keeps_what_a_build_is_using(self):
        process = self.start_build(f"FROM box\nRUN sleep {self.mark}\n")
        self.wait_for_processes(process)
        self.assertIn("kept 1 extracted image, which a build is using", self.gbuild("prune").out)
        self.assertEqual(len(self.kept()), 1)
        process.send_signal(signal.SIGINT)
        process.communicate()
        self.assertIn("removed 1 extracted image", self.gbuild("prune").out)

    def test_prune_removes_what_a_killed_build_left(self):
        process = self.start_build(f"FROM box\nRUN mkdir -p /srv/a/b; chown -R 5:6 /srv/a; chmod 0 /srv/a/b; sleep {self.mark}\n")
        self.wait_for_processes(process)
        process.kill()
        process.communicate()
        self.assert_no_process_left(patience=30)
        self.assertNotEqual(staged(self.store), [])
        self.gbuild("prune")
        self.assertEqual([str(path) for path in staged(self.store)], [])
