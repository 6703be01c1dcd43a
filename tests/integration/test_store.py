"""The store between builds: what fsck finds, locks that others hold, and root in a user's."""
import fcntl
import hashlib
import json
import os
import shutil
import threading

from harness.case import Case, shared_registry
from harness.isolation import RunCase
from harness.process import is_root

INTEGRITY, LOCAL = 7, 9


class Fsck(RunCase):
    """X-11: damage of each kind is found, removed with --repair, and builds make it again."""
    cached = True
    DOCKERFILE = "FROM box\nCOPY f /f\nRUN cat /f /etc/passwd >/both\n"
    FILES = {"f": "file\n"}

    def setUp(self):
        super().setUp()
        self.build(self.DOCKERFILE, self.FILES)
        self.made = self.image().read_bytes()

    def fsck(self, *options, code=0):
        return json.loads(self.gbuild("fsck", "--format", "json", *options, code=code).out)

    def assert_found(self, kind, text, name=None):
        found = self.fsck(code=INTEGRITY)
        self.assertFalse(found["sound"])
        problems = [one for one in found["problems"] if one["kind"] == kind and text in one["problem"]]
        self.assertTrue(problems, found)
        if name:
            self.assertIn(name, [one["name"] for one in problems])
        text = self.gbuild("fsck", code=INTEGRITY).out
        self.assertIn(f"{len(found['problems'])} damaged, 0 removed", text)
        self.assertTrue(all(one["removed"] for one in self.fsck("--repair")["problems"]))
        self.assertEqual(self.fsck()["problems"], [])
        self.image().unlink()
        self.build(self.DOCKERFILE, self.FILES)
        self.assertEqual(self.image().read_bytes(), self.made)

    def flip(self, path, at=-1):
        data = bytearray(path.read_bytes())
        data[at] ^= 1
        path.write_bytes(data)

    def test_a_sound_store(self):
        found = self.fsck()
        self.assertEqual((found["sound"], found["problems"]), (True, []))
        self.assertLessEqual({"blob", "pack", "record"}, set(found["checked"]))
        if self.snapshots():
            self.assertEqual(found["checked"].get("snapshot"), 1, found)
        self.assertIn("nothing is damaged", self.gbuild("fsck").out)

    def test_no_store_is_sound(self):
        shutil.rmtree(self.store)
        self.assertIn("nothing is damaged", self.gbuild("fsck").out)
        self.assertFalse(self.store.exists())

    def test_a_blob(self):
        path = next((self.store / "blobs/sha256").iterdir())
        self.flip(path)
        self.assert_found("blob", "digest", path.name)

    def test_packs(self):
        for path in list((self.store / "packs").iterdir()):
            for at in (100, -1, -100):
                with self.subTest(f"{path.name} at {at}"):
                    self.flip(path, at)
                    self.assert_found("pack", "", path.name)

    def test_a_pack_under_the_name_of_another(self):
        one, other = sorted((self.store / "packs").iterdir(), key=lambda path: path.stat().st_size)[:2]
        shutil.copyfile(one, other)
        self.assert_found("pack", "another layer", other.name)
        shutil.copyfile(one, other)
        self.image().unlink()
        self.build(self.DOCKERFILE, self.FILES)
        self.assertEqual(self.image().read_bytes(), self.made, "a build used it")

    def test_records(self):
        for folder in ["steps", "builds", "outputs", "refs", "images"]:
            paths = list((self.store / folder).iterdir())
            self.assertTrue(paths, folder)
            with self.subTest(folder):
                self.flip(paths[0], 0)
                self.assert_found("record", "", paths[0].name)
                self.image().unlink()
                self.build(self.DOCKERFILE, self.FILES)

    def snapshots(self):
        return list((self.store / "snapshots").glob("*/files"))

    def test_an_extracted_image(self):
        for harm, text in [(lambda files: self.rewrite(files / "etc/passwd", b"E"), "contents"),
                           (lambda files: (files / "etc/hostname").unlink(), "missing"),
                           (lambda files: (files / "etc/new").touch(), "no layer"),
                           (lambda files: self.relink(files / "bin/sh"), "elsewhere")]:
            if not self.snapshots():
                self.skipTest("nothing is extracted here")
            with self.subTest(text):
                (files,) = self.snapshots()
                harm(files)
                self.assert_found("snapshot", text)
                self.assertEqual(self.snapshots(), [])
                self.build(self.DOCKERFILE, self.FILES, ["--no-cache"])

    def rewrite(self, path, byte):
        """One byte, with nothing else to show for it."""
        status = path.stat()
        with path.open("r+b") as file:
            file.write(byte)
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))

    def relink(self, path):
        path.unlink()
        path.symlink_to("nowhere")

    def test_a_build_notices_an_extracted_image_that_is_damaged_in_many_places(self):
        if not self.snapshots():
            self.skipTest("nothing is extracted here")
        (files,) = self.snapshots()
        for path in files.rglob("*"):
            if path.is_file() and not path.is_symlink() and os.access(path, os.W_OK) and path.stat().st_size:
                self.rewrite(path, b"\0")
        result = self.build(self.DOCKERFILE, self.FILES, ["--no-cache", "--progress", "plain"])
        self.assertIn("extracting them anew", result.err)
        self.assertEqual(self.image().read_bytes(), self.made)


class Locks(Case):
    def test_a_partial_download_that_prune_has_locked_is_waited_for(self):
        """E-5."""
        self.build("FROM tiny\n")
        made = self.image().read_bytes()
        manifest = next(json.loads(path.read_bytes()) for path in (self.store / "blobs/sha256").iterdir()
                        if b'"layers"' in path.read_bytes())
        digest = manifest["layers"][0]["digest"]
        shutil.rmtree(self.store)
        self.gbuild("prune")
        partial = self.store / "tmp" / f"{digest.replace(':', '-')}.partial"
        with partial.open("wb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            process = self.start("build", "--registry-mirror", shared_registry().host, "-o", self.image(), "-t", "image",
                                 self.dir / "context-image")
            timer = threading.Timer(1, lambda: (partial.unlink(), file.close()))
            timer.start()
            out, err = process.communicate()
            timer.join()
        self.assertEqual(process.returncode, 0, out + err)
        self.assertEqual(self.image().read_bytes(), made)

    def test_lock_files_that_nobody_holds_are_swept(self):
        """E-6."""
        files = {f"f{number}": "x" for number in range(10)}
        self.build("FROM scratch\n" + "".join(f"COPY {name} /{name}\n" for name in files) + "VOLUME /v\n", files)
        locks = self.store / "locks"
        self.assertTrue(list(locks.iterdir()))
        held = locks / "held"
        with held.open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            self.gbuild("prune", "--dry-run")
            self.assertGreater(len(list(locks.iterdir())), 1)
            self.gbuild("prune")
            self.assertEqual(list(locks.iterdir()), [held])


class Owners(Case):
    """X-14: root in the store of a user."""

    def setUp(self):
        super().setUp()
        if not is_root():
            self.skipTest("needs root")

    def test_root_is_kept_out_of_a_user_s_store(self):
        self.build("FROM tiny\n")
        for path in [self.store, *self.store.rglob("*")]:
            os.chown(path, 54321, 54321, follow_symlinks=False)
        before = sorted(self.store.rglob("*"))
        result = self.build("FROM tiny\n", code=LOCAL)
        self.assertIn("54321", result.err)
        self.assertIn("--root", result.err)
        self.assertEqual(sorted(self.store.rglob("*")), before)
        self.gbuild("images")
        self.gbuild("prune", "--all")
        self.gbuild("fsck")
        self.assertEqual([path for path in self.store.rglob("*") if path.stat().st_uid == 0], [])

    def test_sudo_makes_no_store_in_the_caller_s_home(self):
        os.chown(self.home, 54321, 54321)
        environment = {"GBUILD_ROOT": None, "SUDO_UID": "54321"}
        result = self.build("FROM tiny\n", code=LOCAL, env=environment)
        self.assertIn("--root", result.err)
        self.assertEqual(list(self.home.iterdir()), [])
        self.build("FROM tiny\n", env={**environment, "SUDO_UID": None})


class Time(Case):
    """E-9."""

    def test_times_that_no_date_can_hold(self):
        for option, env in [(["--timestamp", "253402300800"], {}), (["--timestamp", "9223372036854775807"], {}),
                            ([], {"SOURCE_DATE_EPOCH": "253402300800"})]:
            with self.subTest(option or env):
                result = self.build("FROM scratch\nVOLUME /v\n", options=option, env=env, code=2)
                self.assertIn("253402300799 (9999-12-31T23:59:59Z)", result.err)
        self.build("FROM scratch\nVOLUME /v\n", options=["--timestamp", "253402300799", "-o", "type=oci,dest=" + str(self.dir / "o.tar")])


class Compressor(Case):
    """E-13: the library that is loaded, not the one that was compiled with, decides what is compared."""

    LEVEL = ["--compression-level", "12"]  # the others are gbuild's own encoder's

    def libdeflate(self, **more):
        compressors = json.loads(self.gbuild("version", "--format", "json", **more).out)["compressors"]
        return next(text for text in compressors if text.startswith("libdeflate "))

    def test_another_build_of_the_library_gets_packs_of_its_own(self):
        version = self.libdeflate()
        library = version.partition("(")[2].partition(";")[0]
        if not library:
            self.skipTest("libdeflate is part of the program")
        data = bytearray(open(library, "rb").read())
        note = data.find(b"GNU\0", 0, 4096) + 4
        self.assertGreater(note, 4, "no build id")
        data[note:note + 20] = hashlib.sha1(b"another").digest()
        other = self.folder("other")
        (other / os.path.basename(library)).write_bytes(data)
        environment = {"LD_LIBRARY_PATH": str(other)}
        changed = self.libdeflate(env=environment)
        self.assertIn(str(other), changed)
        self.assertNotEqual(version.split()[1], changed.split()[1])
        metadata = self.dir / "metadata"
        self.build("FROM scratch\nCOPY f /f\nVOLUME /v\n", {"f": "x" * 100000}, ["--metadata-file", metadata, *self.LEVEL])
        self.assertEqual(json.loads(metadata.read_text())["gbuild.compressor"], " ".join(version.split()[:2]))
        packs = set((self.store / "packs").iterdir())
        result = self.build("FROM scratch\nCOPY f /f\nVOLUME /v\n", {"f": "x" * 100000},
                            ["--progress", "plain", "--metadata-file", metadata, *self.LEVEL], env=environment)
        self.assertNotIn("COPY f /f cached", result.err)
        self.assertEqual(json.loads(metadata.read_text())["gbuild.compressor"], " ".join(changed.split()[:2]))
        self.assertEqual(len(set((self.store / "packs").iterdir()) - packs), 1)
