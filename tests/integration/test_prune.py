"""What builds keep on disk between builds, and how it goes away; images' names."""
import json
import os
import signal
import threading
import time

from harness import gvmi
from harness.case import Case, shared_registry
from harness.isolation import Marked, RunCase, every_way, staged

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
        self.assertRegex(self.gbuild("prune").out, r"^nothing to remove$")
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


class Housekeeping(Case):
    """The rest of the store."""

    def kinds(self):
        return sorted(item["kind"] for item in json.loads(self.gbuild("cache", "ls", "--format", "json").out))

    def age(self, seconds):
        """All that is in the store was last used so much earlier."""
        for folder in ["blobs/sha256", "packs", "steps", "snapshots"]:
            place = self.store / folder
            for path in place.iterdir() if place.exists() else []:
                os.utime(path, (time.time() - seconds,) * 2)

    def test_what_is_there_is_listed_and_removed(self):
        self.build("FROM tiny\nCOPY f /f\n", {"f": "x"})
        image = gvmi.sha256(self.image())
        listed = json.loads(self.gbuild("cache", "ls", "--format", "json").out)
        self.assertLessEqual({"blob", "pack"}, {item["kind"] for item in listed})
        self.assertIn("docker.io/library/tiny:latest linux/amd64", [item.get("what") for item in listed])
        self.assertEqual([item["lastUsed"] for item in listed], sorted(item["lastUsed"] for item in listed))
        self.assertIn("total: ", self.gbuild("cache", "ls").out)
        told = json.loads(self.gbuild("prune", "--all", "--dry-run", "--format", "json").out)
        self.assertEqual((told["dryRun"], len(told["removed"])), (True, len(listed)))
        self.assertEqual(len(self.kinds()), len(listed))
        told = json.loads(self.gbuild("prune", "--all", "--format", "json").out)
        self.assertEqual((len(told["removed"]), told["left"]), (len(listed), 0))
        self.assertEqual(self.kinds(), [])
        self.assertEqual(len(json.loads(self.gbuild("images", "--format", "json").out)), 1)
        self.build("FROM tiny\nCOPY f /f\n", {"f": "x"})
        self.assertEqual(gvmi.sha256(self.image()), image)

    def test_only_what_is_old_or_too_much(self):
        self.build("FROM tiny\nCOPY f /f\n", {"f": "x"})
        count = len(self.kinds())
        self.assertEqual(self.gbuild("prune", "--older-than", "1h").out, "nothing to remove\n")
        self.age(7200)
        self.assertEqual(self.gbuild("prune", "--older-than", "1d").out, "nothing to remove\n")
        self.assertEqual(self.gbuild("prune", "--max-size", "1G").out, "nothing to remove\n")
        self.gbuild("prune", "--kind", "blob", "--older-than", "1h")
        self.assertNotIn("blob", self.kinds())
        self.assertLess(len(self.kinds()), count)
        self.gbuild("prune", "--max-size", "0")
        self.assertEqual(self.kinds(), [])

    def test_a_build_notes_what_it_uses(self):
        self.build("FROM tiny\nCOPY f /f\n", {"f": "x"})
        # Also where the image is there already and is not written again.
        for name in ("image", "other"):
            self.age(7200)
            self.build("FROM tiny\nCOPY f /f\n", {"f": "x"}, name=name)
            told = json.loads(self.gbuild("prune", "--older-than", "1h", "--kind", "pack", "--format", "json").out)
            self.assertEqual(told["removed"], [])

    def test_options_that_are_wrong(self):
        for options, message in [(["--older-than", "soon"], "not an age"), (["--max-size", "lots"], "not a size"),
                                 (["--kind", "packs"], "it is one of blob, pack"), (["--all", "--kind", "pack"], "exclude each other")]:
            with self.subTest(options):
                self.assert_error(self.gbuild("prune", *options, code=2), message)
        self.assert_error(self.gbuild("cache", "prune", code=2), "write gbuild prune")

    def test_names_are_given_and_forgotten(self):
        self.build("FROM scratch\nVOLUME /v\n")
        self.gbuild("tag", "image", "team/app:1")
        self.gbuild("tag", self.image(), "other")
        named = {image["repository"] + ":" + image["tag"]: image for image in json.loads(self.gbuild("images", "--format", "json").out)}
        self.assertEqual(set(named), {"image:latest", "team/app:1", "other:latest"})
        self.assertEqual(len({(image["hash"], image["file"], image["imageId"]) for image in named.values()}), 1)
        self.assertEqual(self.gbuild("rmi", "team/app:1").out, "Untagged: team/app:1\n")
        self.assertIn("which is other:latest, too", self.gbuild("rmi", "--delete-file", "image").out)
        self.assertTrue(self.image().exists())
        told = self.gbuild("rmi", "nope", "--delete-file", "other", code=NOT_FOUND)
        self.assertIn("no image has the name or id \"nope\"", told.err)
        self.assertIn("Deleted: ", told.out)
        self.assertFalse(self.image().exists())
        self.assertEqual(json.loads(self.gbuild("images", "--format", "json").out), [])
        self.gbuild("tag", "image", "again", code=NOT_FOUND)

    def test_a_file_that_has_become_another_stays(self):
        self.build("FROM scratch\nVOLUME /v\n")
        self.image().write_bytes(b"something of the user's")
        self.assertIn("no longer that image", self.gbuild("rmi", "--delete-file", "image").out)
        self.assertTrue(self.image().exists())


class WhileBuilding(Marked, RunCase):
    def test_builds_succeed_while_the_store_is_emptied_again_and_again(self):
        dockerfile = "FROM box\nCOPY f /f\nRUN cat /f /old/a >/seen\nCOPY --from=tiny /etc/passwd /p\n"
        self.build(dockerfile, {"f": "x"})
        image = gvmi.sha256(self.image())
        done = threading.Event()

        def empty():
            while not done.is_set():
                self.gbuild("prune", "--all")

        pruner = threading.Thread(target=empty)
        pruner.start()
        try:
            for _ in range(5):
                self.build(dockerfile, {"f": "x"})
                self.assertEqual(gvmi.sha256(self.image()), image)
        finally:
            done.set()
            pruner.join()
        self.assert_nothing_staged()

    def test_what_a_running_build_has_used_stays(self):
        process = self.start_build(f"FROM box\nRUN sleep {self.mark}\n")
        self.wait_for_processes(process)
        told = json.loads(self.gbuild("prune", "--all", "--format", "json").out)
        self.assertEqual(told["removed"], [])
        self.assertLessEqual({"pack", "snapshot"}, {item["kind"] for item in told["inUse"]})
        process.send_signal(signal.SIGINT)
        process.communicate()
        self.gbuild("prune", "--all")
        self.assertEqual(json.loads(self.gbuild("cache", "ls", "--format", "json").out), [])
