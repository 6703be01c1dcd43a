"""gbuild run: an image as a provider runs it, in a sandbox."""
import os
import re
import signal
import subprocess
import time
from pathlib import Path

from harness import parts
from harness.provider import Running


class Commands(Running):
    def test_what_a_command_finds(self):
        self.make()
        run = self.sh("pwd; cat /opt/own; touch /etc/x && ls /etc/x; ls -A /tmp /golem/input; echo A=$A; umask; id -u; id -G")
        self.assertEqual(run.out, "/golem/work\nown\n/etc/x\n/golem/input:\n\n/tmp:\nbelow\nA=\n0022\n0\n0\n")
        self.assertEqual(self.sh("echo A=$A PATH=$PATH", "--runtime-version", "0.4").out, "A=1 PATH=/bin\n")
        self.assertEqual(self.sh("stat -c %a /tmp; cat /etc/hostname /proc/sys/kernel/hostname; ls /dev/pts | head -1").out,
                         "777\ngolem\nptmx\n")
        self.assertEqual(self.sh("echo once >> /opt/own").out, "")
        self.assertEqual(self.sh("cat /opt/own").out, "own\n")
        self.assert_nothing_left()

    def test_exit_codes_and_what_is_not_started(self):
        self.make()
        self.sh("exit 7", code=7)
        self.sh("kill -9 $$", code=137)
        self.assertIn("No such file", self.run_image("--", "/bin/nope", code=9).err)
        self.assertIn("no PATH is searched", self.run_image("--", "sh", "-c", "true", code=9).err)
        self.assertIn("interpreter", self.run_image("--", "/opt/script", code=9).err)
        self.assertIn("Permission denied", self.run_image("--", "/opt/own", code=9).err)
        self.assertIn("there is nothing to run", self.run_image(code=2).err)
        self.make("WORKDIR /tmp/work", name="masked")
        failed = self.run_image("--", "/bin/busybox", "true", image="masked", code=9).err
        self.assertIn('the working directory "/tmp/work" cannot be entered', failed)

    def test_transfers_and_volumes(self):
        self.make()
        (self.dir / "task").write_text("from here\n")
        self.sh("cat /golem/input/a/task; tr a-z A-Z < /golem/input/a/task > /golem/output/result; echo x > /tmp/below/x",
                "--input", "task:/golem/input/a/task", "--output", "/golem/output/result:result", "--volume",
                f"{self.folder('below')}:/tmp/below")
        self.assertEqual((self.dir / "result").read_text(), "FROM HERE\n")
        self.assertEqual((self.dir / "below/x").read_text(), "x\n")
        refused = self.sh("true", "--input", "task:/etc/task", code=8).err
        self.assertIn("lies in no volume", refused)
        self.assertIn("the volumes are /golem/input, /golem/output, /tmp/below", refused)
        self.assertIn("there is no file", self.sh("true", "--output", "/golem/output/none:none", code=4).err)
        self.sh("ln -s /etc/passwd /golem/output/link", "--output", "/golem/output/link:link", code=4)
        self.assertFalse((self.dir / "link").exists())

    def test_25_volumes(self):
        many = " ".join(f"/v/{number}" for number in range(25))
        context = self.context({"busybox": parts.busybox().read_bytes()}, "context-many")
        (context / "busybox").chmod(0o755)
        self.build(f"FROM scratch\nCOPY busybox /bin/sh\nVOLUME {many}\n", name="many")
        script = f"for v in {many}; do echo $v > $v/f && cat $v/f; done | wc -l"
        self.assertEqual(self.sh(script, image="many").out.strip(), "25")

    def test_entrypoint(self):
        self.make('ENTRYPOINT ["/bin/sh", "-c", "echo $0 $1; echo began > /golem/output/began; exit ${2:-4}"]\nCMD ["a", "b"]')
        self.assertEqual(self.run_image("--entrypoint", code=4).out, "a b\n")
        wait = "while [ ! -e /golem/output/began ]; do sleep 0.05; done; echo ran beside"
        self.assertIn("ran beside\n", self.sh(wait, "--entrypoint").out)
        self.build("FROM scratch\nVOLUME /v\n", name="none")
        self.assertIn("neither ENTRYPOINT nor CMD", self.run_image("--entrypoint", image="none", code=4).err)

    def test_user(self):
        self.make("USER 1000:1001", options=["--vm-user", "image"])
        self.assertEqual(self.sh("id -u; id -g; id -G").out, "1000\n1001\n1001\n")
        refused = self.sh("echo x > /golem/output/x", code=1).err
        self.assertIn("only root can write to volumes", refused)

    def test_a_full_root(self):
        self.make()
        full = self.sh("dd if=/dev/zero of=/big bs=1M", "--memory", "64M", code=1).err
        self.assertIn("no space is left in the root", full)
        self.assertIn("67.1 MB", full)
        self.sh("dd if=/dev/zero of=/golem/output/big bs=1M count=40", "--memory", "64M")

    def test_no_network_unless_asked_for(self):
        self.make()
        self.assertEqual(self.sh("grep -c : /proc/net/dev").out, "1\n")
        self.assertIn("--outbound", self.sh("ping -c 1 192.0.2.1", code=1).err)
        own = len([line for line in Path("/proc/net/dev").read_text().splitlines() if ":" in line])
        self.assertEqual(self.sh("grep -c : /proc/net/dev", "--outbound").out, f"{own}\n")

    def test_standard_input(self):
        self.make()
        data = os.urandom(3 << 20)
        command = self.command("run", "-i", "--engine", "sandbox", self.image(), "--", "/bin/busybox", "md5sum")
        done = subprocess.run(command, input=data, check=True, stdout=subprocess.PIPE, env=self.environment())
        expected = subprocess.run(["md5sum"], input=data, check=True, stdout=subprocess.PIPE).stdout
        self.assertEqual(done.stdout, expected)
        self.assertEqual(self.sh("cat", stdin=b"not passed on").out, "")
        self.assertEqual(self.sh("head -c 3", "-i", stdin=b"x" * (1 << 20)).out, "xxx")

    def test_100_mb_of_output(self):
        self.make()
        command = self.command("run", "--engine", "sandbox", self.image(), "--", "/bin/sh", "-c",
                               "dd if=/dev/zero bs=1M count=100 2> /dev/null")
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=self.environment()) as process:
            size = 0
            while block := process.stdout.read(1 << 20):
                size += len(block)
        self.assertEqual((size, process.returncode), (100 << 20, 0))

    def test_a_reader_that_goes_away(self):
        self.make()
        command = self.command("run", "--engine", "sandbox", self.image(), "--", "/bin/sh", "-c", "yes")
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=self.environment()) as process:
            process.stdout.read(10)
            process.stdout.close()
        self.assertEqual(process.returncode, 141)
        self.assert_nothing_left()

    def test_terminal(self):
        self.make()
        script = "test -t 0 && test -t 1 && stty size && read line && echo got $line && exit 6"
        out, code = self.on_terminal(["run", "-it", "--engine", "sandbox", self.image(), "--", "/bin/sh", "-c", script],
                                     b"hello\n")
        self.assertIn("33 99\r\n", out)
        self.assertIn("got hello\r\n", out)
        self.assertEqual(code, 6)
        # Ctrl-C is for the command, not for gbuild.
        out, code = self.on_terminal(["run", "-it", "--engine", "sandbox", self.image(), "--", "/bin/sh", "-c",
                                      "trap 'echo caught; exit 5' INT; echo ready; while :; do sleep 0.1; done"], b"\x03",
                                     after="ready")
        self.assertIn("caught", out)
        self.assertEqual(code, 5)
        self.assertIn("standard input is none", self.sh("true", "-t", code=2).err)

    def test_terminal_without_input_can_be_interrupted(self):
        self.make()
        out, code = self.on_terminal(["run", "-t", "--engine", "sandbox", self.image(), "--", "/bin/sh", "-c",
                                      "echo ready; while :; do sleep 0.1; done"], b"\x03", after="ready")
        self.assertEqual(code, 130, out)
        self.assert_nothing_left()


class Ends(Running):
    """However it ends, nothing is left."""

    def begin(self, script="echo ready; while :; do echo x >> /golem/output/x; sleep 0.01; done & sleep 1000"):
        self.make()
        process = self.start("run", "--engine", "sandbox", self.image(), "--", "/bin/sh", "-c", script)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        self.assertEqual(process.stdout.readline(), b"ready\n")
        return process

    def test_interrupt(self):
        process = self.begin()
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(60), 130)
        self.assert_nothing_left()

    def test_kill(self):
        process = self.begin()
        process.kill()
        process.wait()
        self.assert_nothing_left()

    def test_a_machine_that_dies(self):
        self.make()
        died = self.sh("kill -9 2; sleep 100", code=9).err
        self.assertIn("the machine has ended", died)
        self.assert_nothing_left()


class Speed(Running):
    def test_warm(self):
        self.make()
        self.sh("true")
        best = min(self.seconds("true") for _ in range(5))
        print(f"sandbox, warm: {best:.3f} s")
        self.assertTrue(re.search("once", self.sh("true").err) is None)

    def seconds(self, script):
        begin = time.monotonic()
        self.sh(script)
        return time.monotonic() - begin
