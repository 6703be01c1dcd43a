"""Files that are larger than any disk and hold next to nothing (S-8): whoever reads them by size never ends."""
import os
import subprocess

from harness.case import Case
from harness.isolation import RunCase, every_way
from harness.process import need_program, run
from harness.squashfs import Reader

GIBIBYTE = 1 << 30
SIZE = 400 * GIBIBYTE
# What is where in the file that the tests make.
DATA = {0: b"begin", 150 * GIBIBYTE + 77: b"middle", SIZE - 4: b"end\n"}


def sparse_file(path, size=SIZE, data=None):
    with path.open("wb") as file:
        for offset, text in (DATA if data is None else data).items():
            file.seek(offset)
            file.write(text)
        file.truncate(size)
    return path


def has_room_for(folder, size=SIZE):
    probe = folder / "probe"
    try:
        sparse_file(probe, size, {})
        return True
    except OSError:
        return False
    finally:
        probe.unlink(missing_ok=True)


class Sparse:
    def setUp(self):
        super().setUp()
        if not has_room_for(self.dir):
            self.skipTest("the file system has no files of 400 GiB")

    def assert_sparse(self, image, path, data=None, size=SIZE):
        """The image's file has that size and those bytes."""
        self.assertLess(image.stat().st_size, 4 << 20)
        with Reader(image) as reader:
            self.assertEqual(reader.find(path).size, size)
        copy = self.dir / "copy"
        with copy.open("wb") as file:
            done = subprocess.run(self.command("cat", image, path), stdout=file, stderr=subprocess.PIPE,
                                  env=self.environment(), check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assert_data(copy, data, size)
        copy.unlink()

    def assert_data(self, path, data=None, size=SIZE):
        self.assertEqual(path.stat().st_size, size)
        self.assertLess(path.stat().st_blocks * 512, 4 << 20)
        with path.open("rb") as file:
            for offset, text in (DATA if data is None else data).items():
                file.seek(offset)
                self.assertEqual(file.read(len(text)), text)


@every_way
class Steps(Sparse, RunCase):
    def test_hole_alone(self):
        self.build("FROM box\nRUN dd if=/dev/null of=/big bs=1 seek=400G\n")
        self.assert_sparse(self.image(), "/big", {})

    def test_holes_around_data_with_links_and_more_steps(self):
        script = (f"dd if=/dev/null of=/big bs=1 seek={SIZE}; printf begin | dd of=/big conv=notrunc; "
                  f"printf middle | dd of=/big bs=1 seek={150 * GIBIBYTE + 77} conv=notrunc; "
                  f"printf 'end\\n' | dd of=/big bs=1 seek={SIZE - 4} conv=notrunc; ln /big /link; chmod 600 /link")
        self.build(f"FROM box\nRUN {script}\nRUN test /big -ef /link\n")
        self.assert_sparse(self.image(), "/big")
        with Reader(self.image()) as reader:
            self.assertEqual(reader.find("/big").number, reader.find("/link").number)
            self.assertEqual(reader.find("/big").mode & 0o7777, 0o600)

    def test_one_byte_changes(self):
        self.build(f"FROM box\nRUN dd if=/dev/null of=/big bs=1 seek={SIZE}\n"
                   f"RUN printf x | dd of=/big bs=1 seek={GIBIBYTE} conv=notrunc\n")
        self.assert_sparse(self.image(), "/big", {GIBIBYTE: b"x", 2 * GIBIBYTE: b"\0"})

    def test_mount_of_a_sparse_file(self):
        self.folder("context-image")
        sparse_file(self.dir / "context-image/big")
        self.build("FROM box\nRUN --mount=type=bind,target=/m cp /m/Dockerfile /d; ls -l /m/big >/size\n")
        self.assertIn(str(SIZE).encode(), self.read("/size"))

    def test_too_large_for_an_image(self):
        if not has_room_for(self.dir, 3 << 40):
            self.skipTest("the file system has no files of 3 TiB")
        result = self.build(f"FROM box\nRUN dd if=/dev/null of=/big bs=1 seek={3 << 40}\n", code=8)
        self.assert_error(result, '"big" is larger than 2.2 TB', "use larger blocks")


class Files(Sparse, Case):
    DOCKERFILE = "FROM scratch AS a\nCOPY big /dir/big\nFROM scratch\nCOPY --from=a /dir/big /big\n"

    def sparse_context(self):
        context = self.context({"Dockerfile": self.DOCKERFILE})
        sparse_file(context / "big")
        return context

    def test_context_and_copy_from(self):
        self.gbuild("build", "-o", self.image(), self.sparse_context())
        self.assert_sparse(self.image(), "/big")

    def test_zeros_that_are_written_give_the_same_image(self):
        size = 3 << 20
        for name, data in [("holes", {5: b"x"}), ("written", {0: b"\0" * 5 + b"x" + b"\0" * (size - 6)})]:
            context = self.context({"Dockerfile": "FROM scratch\nCOPY f /f\n"}, name)
            sparse_file(context / "f", size, data)
            self.gbuild("build", "-o", self.image(name), context)
        self.assertEqual(self.image("holes").read_bytes(), self.image("written").read_bytes())

    def test_kept_step_is_known_again(self):
        context = self.sparse_context()
        self.gbuild("build", "-o", self.image(), context)
        again = self.gbuild("build", "--progress", "plain", "-o", self.image("again"), context)
        self.assertIn("CACHED", again.err.upper())
        self.assertEqual(self.image().read_bytes(), self.image("again").read_bytes())

    def test_extract_local_tar_and_diff(self):
        context = self.sparse_context()
        tree, archive = self.dir / "local", self.dir / "out.tar"
        self.gbuild("build", "-o", self.image(), "-o", f"type=local,dest={tree}", "-o", f"type=tar,dest={archive}", context)
        self.assert_data(tree / "big")
        self.gbuild("extract", self.image(), "-o", self.folder("extracted"))
        self.assert_data(self.dir / "extracted/big")
        self.assertLess(archive.stat().st_size, 1 << 20)
        need_program("tar")
        run("tar", "-C", self.folder("unpacked"), "-xf", archive)
        self.assert_data(self.dir / "unpacked/big")
        # Read back as an archive of ADD.
        added = self.context({"Dockerfile": "FROM scratch\nADD out.tar /\n"}, "added")
        os.link(archive, added / "out.tar")
        self.gbuild("build", "-o", self.image("added"), added)
        self.assert_sparse(self.image("added"), "/big")
        with (context / "big").open("r+b") as file:
            file.seek(300 * GIBIBYTE)
            file.write(b"!")
        self.gbuild("build", "-o", self.image("other"), context)
        told = self.gbuild("diff", self.image(), self.image("other"), code=1)
        self.assertIn("~ big", told.out)
        self.assertIn(str(300 * GIBIBYTE), told.out.replace(",", ""))

    def test_unsquashfs_reads_it(self):
        need_program("unsquashfs")
        self.gbuild("build", "-o", self.image(), self.sparse_context())
        run("unsquashfs", "-no-progress", "-dest", self.dir / "squashfs-root", self.image())
        self.assertEqual((self.dir / "squashfs-root/big").stat().st_size, SIZE)
        self.assert_data(self.dir / "squashfs-root/big")

    def test_gnu_tars_formats_and_an_archive_as_a_context(self):
        need_program("tar")
        context = self.sparse_context()
        for form in ["--format=gnu", "--format=pax --sparse-version=0.0", "--format=pax --sparse-version=0.1",
                     "--format=pax --sparse-version=1.0"]:
            with self.subTest(form):
                archive = self.dir / "context.tar"
                run("tar", *form.split(), "--sparse", "-C", context, "-cf", archive, "Dockerfile", "big")
                self.gbuild("build", "-o", self.image(), "-", stdin=archive.read_bytes())
                self.assert_sparse(self.image(), "/big")
