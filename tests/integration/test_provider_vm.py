"""gbuild run on both engines: what is so in a sandbox is so in a virtual machine. Few boots, many commands in each."""
import json
import os
import signal
import subprocess

from harness import parts
from harness.process import need_program
from harness.provider import Running

MORE = " ".join(f"/v/{number}" for number in range(22))


class Machines(Running):
    """A VM is emulated where KVM cannot be used, so its tests take seconds."""

    def vm(self):
        need_program("qemu-system-x86_64")
        kernel = parts.kernel_folder()
        return ["--engine", "vm", "--kernel", str(kernel / "vmlinuz"), "--modules", str(kernel / "modules")]

    def sandbox(self):
        return ["--engine", "sandbox"]

    def script(self, *commands):
        path = self.dir / "script.json"
        path.write_text(json.dumps(commands))
        return path

    @staticmethod
    def program(*arguments):
        return {"run": {"entry_point": arguments[0], "args": list(arguments[1:])}}

    def shell(self, text):
        return self.program("/bin/sh", "-c", text)


class Same(Machines):
    def results(self, engine, code, *commands):
        run = self.gbuild("run", *engine, "--memory", "256M", "--script", self.script(*commands), self.image(), code=code)
        return json.loads(run.out), run.err

    def both(self, code, *commands):
        sandbox, said = self.results(self.sandbox(), code, *commands)
        vm, said_by_vm = self.results(self.vm(), code, *commands)
        self.assertEqual(sandbox, vm)
        hints = [[line for line in text.splitlines() if "hint:" in line] for text in (said, said_by_vm)]
        self.assertEqual(hints[0], hints[1])
        return sandbox, hints[0]

    def test_one_script(self):
        self.make(f"VOLUME {MORE}\nENTRYPOINT [\"/bin/busybox\", \"true\"]")
        (self.dir / "task").write_text("from here\n")
        commands = [
            {"deploy": {"hosts": {"neighbour": "192.0.2.7"}}},
            {"start": {}},
            {"transfer": {"from": f"file:{self.dir}/task", "to": "container:/golem/input/a/task"}},
            self.shell("pwd; id -u; id -G; umask; echo A=$A; stat -c %a /tmp / /etc; cat /opt/own; cat /golem/input/a/task"),
            self.shell("tr a-z A-Z < /golem/input/a/task > /golem/output/result; echo x > /tmp/below/x; cat /tmp/below/x"),
            {"transfer": {"from": "container:/golem/output/result", "to": str(self.dir / "result")}},
            self.shell(f"for v in {MORE}; do echo $v > $v/f && cat $v/f; done | wc -l"),
            self.shell("echo out; echo err >&2; echo changed > /opt/own"),
            self.shell("cat /opt/own; cat /etc/hosts; cat /proc/sys/kernel/hostname; ls -A /tmp /golem/work"),
            # What was begun by one command goes on beside the next.
            self.shell("(while [ ! -e /tmp/stop ]; do sleep 0.05; done; echo stopped > /tmp/stopped) > /dev/null 2>&1 &"),
            self.shell("touch /tmp/stop; while [ ! -s /tmp/stopped ]; do sleep 0.05; done; cat /tmp/stopped"),
            self.shell("mknod /node c 1 3 2> /dev/null; echo x 2> /dev/null > /node; echo $?; rm -f /node"),
            self.shell("ping -c 1 -W 1 192.0.2.1 2>&1; grep -c : /proc/net/dev"),
            self.shell("dd if=/dev/zero of=/big bs=1M 2> /dev/null; echo $?; ls -s /big | awk '{print ($1 > 120000)}'"),
            self.shell("rm /big; sh /opt/script; echo $?; /opt/own; echo $?; seq 1 200000 | md5sum"),
            self.program("/opt/script"),
        ]
        results, _ = self.both(9, *commands)
        self.assertEqual((self.dir / "result").read_text(), "FROM HERE\n")
        text = [result["stdout"] for result in results]
        self.assertEqual(text[3], "/golem/work\n0\n0\n0022\nA=\n777\n755\n755\nown\nfrom here\n")
        self.assertEqual(text[6], "22\n")
        self.assertIn("192.0.2.7 neighbour\n", text[8])
        self.assertEqual(text[10], "stopped\n")
        self.assertTrue(text[12].endswith("\n1\n"), text[12])
        self.assertEqual(text[13], "1\n1\n")
        self.assertEqual([result["result"] for result in results], ["Ok"] * 15 + ["Error"])
        self.assertIn("interpreter", results[-1]["message"])
        self.assertTrue(results[-1]["isBatchFinished"])
        self.assert_nothing_left()

    def test_hints_and_another_user(self):
        self.make("USER 1000:1001", options=["--vm-user", "image"])
        commands = [{"deploy": {}}, {"start": {}}, self.shell("id -u; id -g; id -G; pwd; stat -c %u:%g . / /opt/own"),
                    self.shell("dd if=/dev/zero of=/golem/output/x count=1 2>&1 || exit 3")]
        results, hints = self.both(3, *commands)
        self.assertEqual(results[2]["stdout"].splitlines()[:4], ["1000", "1001", "1001", "/golem/work"])
        self.assertEqual(results[2]["stdout"].splitlines()[4:], ["0:0", "0:0", "0:0"])
        self.assertEqual(results[3]["message"], "the command ended with exit code 3")
        self.assertIn("only root can write to volumes", hints[0])


class Script(Machines):
    def test_order_and_faults(self):
        self.make()
        run = ["run", *self.sandbox(), self.image(), "--script"]
        begun = json.loads(self.gbuild(*run, self.script({"start": {}}), code=2).out)
        self.assertIn("there was no deploy before", begun[0]["message"])
        ended = json.loads(self.gbuild(*run, self.script({"deploy": {}}, {"start": {}}, self.shell("exit 3"), {"terminate": {}}),
                                       code=3).out)
        self.assertEqual([result["result"] for result in ended], ["Ok", "Ok", "Error"])
        commands = [{"deploy": {}}, {"start": {}}, self.shell("echo $0"), {"terminate": {}}]
        whole = json.loads(self.gbuild(*run, self.script(*commands)).out)
        self.assertEqual([result["stdout"] for result in whole], [None, None, "/bin/sh\n", None])
        for script, code, text in [({"sign": {}}, 7, "there are deploy, start, run"), ({"run": {}}, 7, "entry_point"),
                                   ({"deploy": {"net": []}}, 8, "networks"),
                                   ({"transfer": {"from": "gftp://x", "to": "container:/golem/input/x"}}, 8, "network"),
                                   ({"transfer": {"from": "a", "to": "b"}}, 7, "one end in the machine")]:
            with self.subTest(script):
                self.assertIn(text, self.gbuild(*run, self.script(script), code=code).err)
        self.assertIn("takes the place", self.gbuild(*run, self.script(), "--", "/bin/sh", code=2).err)


class Streams(Machines):
    def test_standard_input_and_100_mb_of_output(self):
        self.make('ENTRYPOINT ["/bin/sh", "-c", "md5sum >&2; dd if=/dev/zero bs=1M count=100 2> /dev/null; exit 4"]')
        data = os.urandom(1 << 20)
        command = self.command("run", *self.vm(), "-i", "-q", "--entrypoint", self.image())
        done = subprocess.run(command, input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
                              env=self.environment())
        expected = subprocess.run(["md5sum"], input=data, check=True, stdout=subprocess.PIPE).stdout
        self.assertEqual((done.returncode, done.stderr, len(done.stdout)), (4, expected, 100 << 20))
        self.assertEqual(done.stdout.count(b"\0"), 100 << 20)

    def test_terminal(self):
        self.make()
        script = "test -t 0 && stty size; trap 'echo caught; exit 5' INT; echo ready; while :; do sleep 0.1; done"
        out, code = self.on_terminal(["run", "-it", *self.vm(), self.image(), "--", "/bin/sh", "-c", script], b"\x03",
                                     after="ready")
        self.assertIn("33 99\r\n", out)
        self.assertIn("caught", out)
        self.assertEqual(code, 5)


class Ends(Machines):
    def begin(self):
        self.make()
        process = self.start("run", *self.vm(), self.image(), "--", "/bin/sh", "-c", "echo ready; sleep 1000")
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        self.assertEqual(process.stdout.readline(), b"ready\n")
        return process

    def test_interrupt_and_kill(self):
        process = self.begin()
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(60), 130)
        self.assert_nothing_left()
        process = self.begin()
        process.kill()
        process.wait()
        self.assert_nothing_left()

    def test_a_machine_that_dies(self):
        self.make()
        died = self.gbuild("run", *self.vm(), self.image(), "--", "/bin/sh", "-c",
                           "echo c > /proc/sysrq-trigger; sleep 100", code=9)
        self.assertIn("the machine has ended: Kernel panic", died.err)
        self.assert_nothing_left()


class Choice(Machines):
    def test_what_cannot_be_a_vm(self):
        self.make()
        run = ["run", self.image()]
        nothing = {"PATH": "/nowhere"}
        self.assertIn("qemu-system-x86_64 is not installed",
                      self.gbuild(*run, "--engine", "vm", "--", "/bin/sh", "-c", "true", code=8, env=nothing).err)
        said = self.gbuild(*run, "--", "/bin/sh", "-c", "echo ran", env=nothing)
        self.assertEqual(said.out, "ran\n")
        self.assertIn("this is a sandbox, not a virtual machine: qemu-system-x86_64 is not installed", said.err)
        self.assertIn("go together", self.gbuild(*run, "--kernel", "k", "--", "/bin/sh", code=2).err)
        self.assertIn("for a virtual machine",
                      self.gbuild(*run, "--engine", "sandbox", "--runtime", ".", "--", "/bin/sh", code=2).err)
        need_program("qemu-system-x86_64")
        self.assertIn("there is no vmlinuz-virt", self.gbuild(*run, "--runtime", self.dir, "--", "/bin/sh", code=4).err)


class Shell(Machines):
    def test_shell(self):
        self.make()
        piped = self.gbuild("shell", *self.sandbox(), self.image(), stdin=b"pwd; exit 3\n", code=3)
        self.assertEqual(piped.out, "/golem/work\n")
        out, code = self.on_terminal(["shell", *self.sandbox(), self.image()], b"echo T=$TERM; exit 4\n", env={"TERM": "dumb"})
        self.assertIn("T=dumb", out)
        self.assertEqual(code, 4)
