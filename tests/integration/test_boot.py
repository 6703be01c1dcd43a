"""The example's image in a virtual machine, mounted and entered the way a Golem provider does it."""
from harness import parts
from harness.case import Case, debian_registry
from harness.vm import Machine


class Boot(Case):
    def machine(self):
        kernel = parts.kernel_folder()
        return Machine(kernel / "vmlinuz", kernel / "modules", parts.busybox())

    def test_example_boots_and_runs_a_command_in_its_working_directory(self):
        context = parts.PROJECT / "testdata" / "golem-example"
        self.gbuild("-t", "golem-example", "-o", self.image(), "--registry-mirror", debian_registry().host, context)
        volumes = {"/golem/input": self.folder("in"), "/golem/output": self.folder("out")}
        (volumes["/golem/input"] / "task").write_text("from the requestor")
        script = ("cat /etc/debian_version; pwd; cat /golem/input/task; echo; echo result > /golem/output/result;"
                  " touch /etc/overlay-takes-writes && ls /etc/overlay-takes-writes")
        lines, code = self.machine().run(self.image(), ["/bin/sh", "-c", script], "/golem/work", volumes, self.folder("vm"))
        version = self.read("/etc/debian_version").decode().strip()
        self.assertEqual((lines, code), ([version, "/golem/work", "from the requestor", "/etc/overlay-takes-writes"], 0))
        self.assertEqual((volumes["/golem/output"] / "result").read_text(), "result\n")

    def test_every_compression_boots(self):
        for compression in ["lzo", "lz4", "xz"]:
            with self.subTest(compression):
                self.build("FROM tiny\nCOPY data /data\n", {"data": "block of data\n" * 50000},
                           ["--compression", compression], name=compression)
                lines, code = self.machine().run(self.image(compression), ["/bin/cat", "/etc/issue", "/data"], "/", {},
                                                 self.folder("vm-" + compression))
                self.assertEqual((lines[0], lines[1:], code), ("tiny \\n", ["block of data"] * 50000, 0))
