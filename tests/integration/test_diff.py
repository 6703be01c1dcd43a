"""gbuild diff: one planted difference at a time, named down to file, attribute and byte."""
import json

from harness.case import Case, scratch_folder
from harness.oci import CREATED_SECONDS, Image, Layout
from harness.tars import Tar

BIG = b"".join(b"line %d of a file of several blocks\n" % number for number in range(20000))
TIME = CREATED_SECONDS - 1000


def layer(**changes):
    """A small tree; each change replaces what one file is given."""
    files = {"plain": {}, "big": {}, "note": {"xattrs": {"user.note": b"one"}}}
    for name, more in changes.items():
        files[name] = {**files[name], **more}
    tar = Tar(mtime=TIME).directory("dir").directory("dir/sub")
    tar.file("dir/sub/plain", files["plain"].pop("data", b"plain\n"), **files["plain"])
    tar.file("dir/big", files["big"].pop("data", BIG), **files["big"])
    return tar.file("note", b"noted\n", **files["note"])


class Diff(Case):
    def make(self, name, tar, dockerfile="FROM base\nVOLUME /v\nLABEL version=1\n", options=()):
        folder = scratch_folder("diff-layout")
        Layout(folder).add_image(Image([tar.symlink("dir/link", "plain").bytes()], {}), "latest")
        context = self.context({"Dockerfile": dockerfile}, "context")
        self.gbuild("build", "--build-context", f"base=oci-layout://{folder}:latest", "-t", name, "-o", self.image(name),
                    *options, context)
        return self.image(name)

    def compare(self, a, b):
        """The text and the JSON of a difference."""
        text = self.gbuild("diff", a, b, code=1).out
        found = json.loads(self.gbuild("diff", "--format", "json", a, b, code=1).out)
        self.assertFalse(found["same"])
        return text, found

    def planted(self, **changes):
        """The only file that differs, and the text."""
        text, found = self.compare(self.make("a", layer()), self.make("b", layer(**changes)))
        self.assertEqual(len(found["files"]), 1, found)
        self.assertEqual([change["key"] for change in found["configuration"]], [["Image"]])
        self.assertEqual(found["packing"], [])
        return found["files"][0], text

    def assert_attribute(self, changes, path, name, a, b):
        file, text = self.planted(**changes)
        self.assertEqual((file["path"], file["change"]), (path, "changed"))
        self.assertEqual(file["attributes"], [{"name": name, "a": a, "b": b}])
        self.assertNotIn("content", file)
        self.assertIn(f"{name}: {a} -> {b}\n", text)
        self.assertIn(path.rpartition("/")[2], text)

    def test_the_same_bytes(self):
        a = self.make("a", layer())
        b = self.make("b", layer())
        result = self.gbuild("diff", a, b)
        self.assertEqual((result.out, result.err), ("", ""))
        found = json.loads(self.gbuild("diff", "--format", "json", "a", "b").out)
        self.assertEqual((found["same"], found["files"], found["configuration"]), (True, [], []))

    def test_one_mtime(self):
        self.assert_attribute({"plain": {"mtime": TIME + 1}}, "/dir/sub/plain", "mtime", "2024-05-06T06:51:29Z",
                              "2024-05-06T06:51:30Z")

    def test_one_owner(self):
        self.assert_attribute({"plain": {"uid": 7, "gid": 8}}, "/dir/sub/plain", "owner", "0:0", "7:8")

    def test_one_mode(self):
        self.assert_attribute({"big": {"mode": 0o4755}}, "/dir/big", "mode", "0644", "4755")

    def test_one_xattr(self):
        self.assert_attribute({"note": {"xattrs": {"user.note": b"two"}}}, "/note", "xattr user.note", '"one"', '"two"')

    def test_one_byte(self):
        data = bytearray(BIG)
        data[300_001] ^= 1
        file, text = self.planted(big={"data": bytes(data)})
        self.assertEqual((file["path"], file["attributes"]), ("/dir/big", []))
        self.assertEqual(file["content"], {"offset": 300_001, "bytes": 1, "rangeCount": 1,
                                           "ranges": [{"offset": 300_001, "length": 1}]})
        self.assertIn("content: 1 byte differs, at offset 300001\n", text)
        self.assertRegex(text, r"First differing byte: \d+, in the (data of /dir/big|superblock)\n")

    def test_one_symlink_target(self):
        one = Tar(mtime=TIME).directory("dir").symlink("other", "x")
        two = Tar(mtime=TIME).directory("dir").symlink("other", "y")
        text, found = self.compare(self.make("a", one), self.make("b", two))
        self.assertEqual(found["files"], [{"path": "/other", "change": "changed", "type": "symlink",
                                           "attributes": [{"name": "target", "a": "x", "b": "y"}]}])
        self.assertIn("target: x -> y\n", text)

    def test_added_and_removed_files(self):
        text, found = self.compare(self.make("a", layer().file("gone", b"", mtime=TIME)),
                                   self.make("b", layer().directory("new").file("new/file", b"")))
        self.assertEqual([(file["path"], file["change"], file["type"]) for file in found["files"]],
                         [("/gone", "removed", "file"), ("/new", "added", "directory"), ("/new/file", "added", "file")])
        self.assertIn("Files: 2 added, 1 removed, 0 changed\n  - gone\n  + new/\n  +   file\n", text)

    def test_hard_links_and_device_numbers(self):
        one = layer().file("x", b"1").file("y", b"1").character("null", 1, 3)
        two = layer().file("x", b"1").hardlink("y", "x").character("null", 1, 5)
        _, found = self.compare(self.make("a", one), self.make("b", two))
        self.assertEqual([(file["path"], file["attributes"][0]["name"]) for file in found["files"]],
                         [("/null", "device"), ("/x", "links"), ("/y", "links")])

    def test_a_label(self):
        a = self.make("a", layer())
        b = self.make("b", layer(), "FROM base\nVOLUME /v\nLABEL version=2\nENV NEW=1\n")
        text, found = self.compare(a, b)
        changes = {tuple(change["key"]): (change.get("a"), change.get("b")) for change in found["configuration"]}
        self.assertEqual(changes.pop(("Labels", "version")), ("1", "2"))
        self.assertEqual(changes.pop(("Env", "NEW")), (None, "1"))
        self.assertEqual(list(changes), [("Image",)])
        self.assertEqual(found["files"], [])
        self.assertIn('  Labels.version: "1" -> "2"\n', text)
        self.assertIn('  Env.NEW: (none) -> "1"\n', text)
        self.assertRegex(text, r"First differing byte: \d+, in the (checksum of the )?configuration\n")

    def test_how_it_is_packed(self):
        a = self.make("a", layer())
        b = self.make("b", layer(), options=["--compression", "lzo", "--block-size", "4K"])
        text, found = self.compare(a, b)
        self.assertEqual([change["name"] for change in found["packing"]][:2], ["compression", "block size"])
        self.assertEqual(found["files"], [])
        self.assertEqual([change["key"] for change in found["configuration"]], [["Image"]])
        self.assertIn("compression: gzip -> lzo\n", text)

    def test_quiet_and_tags_and_what_is_not_there(self):
        self.make("a", layer())
        self.make("b", layer(plain={"uid": 1}))
        self.assertEqual(self.gbuild("diff", "--quiet", "a", "b", code=1).out, "")
        self.gbuild("diff", "-q", "a", "a:latest")
        self.assertIn("neither a file nor the name or id of an image", self.gbuild("diff", "a", "c", code=4).err)
        (self.dir / "garbage").write_bytes(b"x" * 5000)
        self.gbuild("diff", "a", self.dir / "garbage", code=7)
