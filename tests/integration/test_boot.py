"""Images in a virtual machine, mounted and entered the way a Golem provider does it."""
import shutil

from harness import gvmi, parts
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

    def test_image_with_steps_has_its_user_its_capability_and_its_database(self):
        image = self.image_with_steps()
        user = gvmi.read_trailer(image).config["User"]
        self.assertEqual(user, "1000:1000")
        script = ("id -u; id -g; pwd; cat by-su by-user; stat -c '%a %u:%g' /etc/shadow; stat -c '%U:%G' .;"
                  " cat /etc/shadow > /dev/null 2>&1 || echo not for everybody; ping -c 1 127.0.0.1 | grep -o '1 received'")
        lines, code = self.machine().run(image, ["/bin/sh", "-c", script], "/srv/runner", {}, self.folder("vm"), user=user)
        self.assertEqual((lines, code), (["1000", "1000", "/srv/runner", "1000", "runner", "640 0:42", "runner:adm",
                                          "not for everybody", "1 received"], 0))
        script = ("pg_lsclusters -h | { read version name rest; pg_ctlcluster $version $name start; };"
                  " psql -tA -P pager=off -c 'select 41 + 1' -c 'select current_user'")
        lines, code = self.machine().run(image, ["/usr/sbin/runuser", "-u", "postgres", "--", "/bin/sh", "-c", script], "/", {},
                                         self.folder("vm-database"))
        self.assertEqual((lines[-2:], code), (["42", "postgres"], 0), lines)

    def image_with_steps(self):
        context = self.dir / "boot"
        shutil.copytree(parts.PROJECT / "testdata" / "run" / "boot", context)
        parts.apt_setup(context / "apt")
        self.gbuild("-t", "boot", "-o", self.image("boot"), "--vm-user", "image", "--registry-mirror", debian_registry().host, context)
        return self.image("boot")
