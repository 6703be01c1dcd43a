"""Steps that fail, hang, are killed, flood, or leave something running: no process, mount, directory or output is left."""
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from harness import gvmi
from harness.case import shared_registry
from harness.isolation import Marked, RunCase, Way, every_way, mounted_tmpfs, processes_with, staged
from harness.process import only_as_root
from harness.tars import Tar

UNSUPPORTED, LOCAL, STEP_FAILED, INTERRUPTED = 8, 9, 11, 130

# Runs a command, and prints its exit code and ru_maxrss.
MEASURE = """import resource, subprocess, sys
null = subprocess.DEVNULL
code = subprocess.run(sys.argv[1:], stdin=null, stdout=null, stderr=null).returncode
print(code, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"""


def deep(count):
    """Makes that many times 50 directories one in the other, without ever naming them all."""
    return ("cd /srv; chain=$(printf 'd/%.0s' $(seq 50)); mkdir -p $chain; "
            f"for n in $(seq {count - 1}); do mv d x; mkdir -p $chain; mv x/d $chain; rmdir x; done")


def mounts():
    return Path("/proc/self/mounts").read_text(encoding="utf8")


class Robust(Marked):
    def assert_next_build_works(self):
        self.build("FROM box\nRUN echo fine >/seen\n", name="next")
        self.assertEqual(self.read("/seen", "next"), b"fine\n")
        self.assert_nothing_staged()
        self.assertNotIn(str(self.dir), mounts())


@every_way
class Failing(Robust):
    def test_nothing_is_left(self):
        result = self.build(f"FROM box\nRUN mkdir -m 0 /closed; chown 5 /closed; sleep {self.mark} & false\n", code=STEP_FAILED)
        self.assert_error(result, "Dockerfile:2:", "failed with exit code 1")
        self.assert_no_process_left()
        self.assert_nothing_staged()

    def test_image_that_was_there_is_kept(self):
        self.build("FROM box\nRUN echo first >/f\n")
        before = gvmi.sha256(self.image())
        self.build("FROM box\nRUN echo second >/f; false\n", code=STEP_FAILED)
        self.assertEqual(gvmi.sha256(self.image()), before)

    def test_step_that_failed_is_run_again(self):
        self.build("FROM box\nCOPY f /f\nRUN test $(cat /f) = good\n", {"f": "bad"}, code=STEP_FAILED)
        self.build("FROM box\nCOPY f /f\nRUN test $(cat /f) = good\n", {"f": "good"})
        self.assertEqual(self.read("/f"), b"good")

    def test_processes_left_in_the_background_end_with_the_step(self):
        self.build(f"FROM box\nRUN (setsid sleep {self.mark} </dev/null >/dev/null 2>&1 &); sleep {self.mark} & true\n")
        self.assert_no_process_left()

    def test_background_process_that_holds_the_output_open(self):
        self.build(f"FROM box\nRUN sleep {self.mark} & echo done\nRUN true\n")
        self.assert_no_process_left()

    def test_background_process_that_ignores_signals(self):
        self.build(f"FROM box\nRUN mkfifo /p; (trap '' TERM HUP INT; echo >/p; exec sleep {self.mark}) & cat /p\n")
        self.assert_no_process_left()

    def test_background_process_of_a_user(self):
        self.build(f"FROM box\nUSER app\nRUN sleep {self.mark} & echo done\n")
        self.assert_no_process_left()

    def test_background_process_does_not_live_on_in_the_next_step(self):
        self.only_with_namespaces()
        self.assertEqual(self.lines("pidof sleep || echo none", f"RUN sleep {self.mark} & true\n"), ["none"])

    def test_output_closed(self):
        self.build("FROM box\nRUN exec >&- 2>&-; touch /made\n")
        self.assertIn(b"made", self.tree(self.image()))

    def test_kills_all_it_can_see(self):
        self.only_with_namespaces()
        result = self.build("FROM box\nRUN kill -9 -1; kill -9 1; true\n", code=None)
        self.assertIn(result.code, (0, STEP_FAILED), result)
        self.assert_next_build_works()

    def test_deep_directories(self):
        tree = self.built(f"FROM box\nRUN {deep(40)}\nRUN mv /srv/d /srv/e\nRUN mkdir /srv/f && mv /srv/e /srv/f\n")
        self.assertGreater(max(path.count(b"/") for path in tree), 1900)
        self.assert_nothing_staged()

    def test_deep_directories_whose_path_no_call_takes_are_refused(self):
        result = self.build(f"FROM box\nRUN {deep(60)}\n", code=UNSUPPORTED)
        self.assert_error(result, "Dockerfile:2:", "srv/d/d")
        self.assert_nothing_staged()

    def test_deep_directories_that_are_left_behind_by_a_failure(self):
        self.build(f"FROM box\nRUN {deep(60)}; chmod 0 /srv/d/d; false\n", code=STEP_FAILED)
        self.assert_nothing_staged()

    def test_undeletable_modes_are_deleted(self):
        self.build("FROM box\nRUN mkdir -p /a/b/c && touch /a/b/c/f && chown -R 5:6 /a && chmod 0 /a/b/c/f /a/b/c /a/b /a; chmod 0 /\n"
                   "RUN true\nRUN false\n", code=STEP_FAILED)
        self.assert_nothing_staged()

    def test_many_processes_at_once(self):
        self.assertEqual(self.lines("for n in $(seq 300); do (echo $n >/srv/$n) & done; wait; ls /srv | wc -l"), ["300"])


@every_way
class ManyFiles(Robust):
    """E-10: what steps leave on disk is neither written out nor removed before the result."""
    DOCKERFILE = "FROM box\nRUN for d in $(seq 50); do mkdir /srv/$d; for n in $(seq 100); do echo $n >/srv/$d/$n; done; done\n"

    def test_are_removed_once_the_build_is_done(self):
        self.build(self.DOCKERFILE)
        self.assert_nothing_staged()
        self.assertEqual(self.read("/srv/50/100"), b"100\n")

    def test_are_gone_after_prune(self):
        self.build(self.DOCKERFILE)
        self.gbuild("prune", "--all")
        self.assertEqual(list((self.store / "tmp").iterdir()), [])

    def test_of_a_killed_build(self):
        process = self.start_build(self.DOCKERFILE + f"RUN sleep {self.mark}\n")
        self.wait_for_processes(process)
        process.kill()
        process.communicate()
        self.assert_no_process_left(patience=30)
        self.assert_next_build_works()

    def test_overlays_are_not_synced(self):
        options = self.lines("grep ' / overlay ' /proc/mounts 2>/dev/null || true")
        if not options:
            self.skipTest("no overlayfs here")
        if tuple(int(part) for part in os.uname().release.split(".")[:2]) < (5, 10):
            self.skipTest("overlayfs is volatile from Linux 5.10 on")
        self.assertIn("volatile", options[0])


@every_way
class Stopped(Robust):
    def stopped(self, number):
        process = self.start_build(f"FROM box\nRUN mkdir -m 0 /x; echo begun; sleep {self.mark} & sleep {self.mark}\n")
        self.wait_for_processes(process, 2)
        process.send_signal(number)
        out, err = process.communicate()
        return process.returncode, out.decode(), err.decode()

    def test_ctrl_c(self):
        code, out, err = self.stopped(signal.SIGINT)
        self.assertEqual(code, INTERRUPTED, err)
        self.assertEqual(out, "")
        self.assert_no_process_left()
        self.assert_no_output()
        self.assert_nothing_staged()
        self.assert_next_build_works()

    def test_termination(self):
        code, _, err = self.stopped(signal.SIGTERM)
        self.assertEqual(code, INTERRUPTED, err)
        self.assert_no_process_left()
        self.assert_no_output()
        self.assert_next_build_works()

    def test_killed(self):
        code, _, _ = self.stopped(signal.SIGKILL)
        self.assertEqual(code, -signal.SIGKILL)
        self.assert_no_process_left(patience=30)
        self.assertFalse(self.image().exists())
        self.assertNotIn(str(self.dir), mounts())
        self.assert_next_build_works()

    def test_killed_while_files_are_being_made(self):
        process = self.start_build(f"FROM box\nRUN sleep {self.mark} & n=0; while :; do n=$((n + 1)); mkdir -p /srv/$n/a; chown -R 5:6 /srv/$n; "
                                   "chmod 0 /srv/$n/a /srv/$n; done\n")
        self.wait_for_processes(process)
        process.kill()
        process.communicate()
        self.assert_no_process_left(patience=30)
        self.assert_next_build_works()

    def test_killed_at_any_instant(self):
        dockerfile = "FROM box\n" + "".join(f"RUN mkdir /srv/{n} && chown {n} /srv/{n} && rm -rf /srv/{n - 1}\n" for n in range(12))
        self.build(dockerfile, name="good")
        for tenths in range(8):
            self.interrupt(self.start_build(dockerfile), 0.02 + tenths / 10)
            self.assertFalse(self.image().exists() and gvmi.sha256(self.image()) != gvmi.sha256(self.image("good")), "half an image")
            self.image().unlink(missing_ok=True)
        self.assert_next_build_works()

    def test_timeout(self):
        begun = time.monotonic()
        result = self.build(f"FROM box\n\nRUN echo begun; sleep {self.mark} & sleep {self.mark}\n", options=["--timeout", "1"], code=STEP_FAILED)
        self.assert_error(result, "Dockerfile:3:", "did not end within 1 s", "begun", "hint:", "--timeout")
        self.assertLess(time.monotonic() - begun, 300)
        self.assert_no_process_left()
        self.assert_next_build_works()

    def test_timeout_is_for_each_step(self):
        self.build("FROM box\n" + "RUN sleep 0.4\n" * 4, options=["--timeout", "30s"])

    def test_two_builds_on_one_store(self):
        first = self.start_build(f"FROM box\nRUN sleep {self.mark}\n", name="first")
        self.wait_for_processes(first)
        self.build("FROM box\nRUN echo fine >/seen\n", name="second")
        self.assertEqual(len(processes_with(self.mark)), 1, "the other build's step is gone")
        first.send_signal(signal.SIGINT)
        first.communicate()
        self.assert_no_process_left()
        self.assert_nothing_staged()


@every_way
class Flood(Robust):
    LIMIT = 96 << 20

    def peak(self, dockerfile, *options):
        """Exit code and the most memory that gbuild had; steps' own processes are not counted, being no children that it waits for."""
        context = self.context({"Dockerfile": dockerfile})
        command = self.command("build", "--registry-mirror", shared_registry().host, "-o", self.image(), *self.options(*options), context)
        # A process starts with the peak of the one that forked it, so that has to be a small one.
        done = subprocess.run([sys.executable, "-c", MEASURE, *command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True,
                              env=self.environment(), cwd=self.dir)
        code, kilobytes = map(int, done.stdout.split())
        return code, kilobytes * 1024

    def test_much_output_needs_little_memory(self):
        code, peak = self.peak("FROM box\nRUN yes | head -c 4000000; yes $(seq 1 2000 | tr -d '\\n') | head -c 50000000\n", "--progress", "plain")
        self.assertEqual(code, 0)
        self.assertLess(peak, self.LIMIT)

    def test_one_endless_line_needs_little_memory(self):
        code, peak = self.peak("FROM box\nRUN head -c 50000000 /dev/zero | tr '\\\\0' x\n", "--progress", "json")
        self.assertEqual(code, 0)
        self.assertLess(peak, self.LIMIT)

    def test_all_lines_arrive(self):
        lines = self.lines("seq 1 20000")
        self.assertEqual(lines, [str(number) for number in range(1, 20001)])

    def test_large_files_need_little_memory(self):
        code, peak = self.peak("FROM box\nRUN head -c 80000000 /dev/urandom >/big; truncate -s 1G /hole\n", "--progress", "plain")
        self.assertEqual(code, 0)
        self.assertLess(peak, 2 * self.LIMIT)

    def test_reader_that_is_slow(self):
        process = self.start_build("FROM box\nRUN seq 1 50000\n")
        timer = threading.Event()
        timer.wait(0.5)  # for the pipes to fill
        _, err = process.communicate()
        self.assertEqual(process.returncode, 0)
        self.assertIn(b"#2 50000\n", err)

    def test_output_that_nobody_reads(self):
        process = self.start_build(f"FROM box\nRUN sleep {self.mark} & seq 1 100000; sleep {self.mark}\n")
        self.wait_for_processes(process, 1)
        process.stderr.close()
        process.stdout.close()
        process.send_signal(signal.SIGINT)
        process.wait()
        self.assert_no_process_left()


@every_way
class Limits(Robust):
    def test_are_kept_or_said_to_have_no_effect(self):
        result = self.build("FROM box\nRUN for n in $(seq 50); do sleep 0.2 & done; wait\n", options=["--pids", "10"], code=None)
        if result.code == 0:
            self.assertRegex(result.err, "--(memory|pids) has no effect here")
        else:
            self.assertEqual(result.code, STEP_FAILED, result)
            self.assertNotIn("no effect", result.err)

    def test_memory(self):
        result = self.build("FROM box\nRUN dd if=/dev/zero of=/dev/null bs=200M count=1\n", options=["--memory", "32M"], code=None)
        if result.code == 0:
            self.assertRegex(result.err, "--(memory|pids) has no effect here")
        else:
            self.assertEqual(result.code, STEP_FAILED, result)
            self.assertIn("--memory", result.err)

    def test_generous_ones_do_no_harm(self):
        self.build("FROM box\nRUN echo fine\n", options=["--memory", "1G", "--pids", "1000"])


class Surroundings(Robust, RunCase):
    """What gbuild inherits from whoever starts it, or finds in an image."""

    def begin_with(self, shell):
        self.way = Way(self.way.isolation, (*self.way.prefix, "sh", "-c", shell + '; exec "$@"', "sh"), self.way.user)

    def test_ignored_signals(self):
        """X-7"""
        self.begin_with("trap '' CHLD TERM PIPE USR1 ALRM")
        self.assertEqual(self.lines("sh -c 'kill -TERM $$'; echo $?; sh -c 'kill -USR1 $$'; echo $?; sleep 0 & wait; echo waited"),
                         ["Terminated", "143", "User defined signal 1", "138", "waited"])

    def test_file_that_is_larger_than_allowed(self):
        """X-12"""
        self.begin_with("ulimit -f 20000")
        result = self.build("FROM box\nRUN head -c 30000000 /dev/zero >/big\n", code=STEP_FAILED)
        self.assert_error(result, "Dockerfile:2:", "hint:", "ulimit -f", "--ulimit fsize")

    def test_file_of_gbuild_s_own_that_is_larger_than_allowed(self):
        self.begin_with("ulimit -f 200")
        result = self.build("FROM box\nRUN true\n", code=LOCAL)
        self.assert_error(result, "File too large", "hint:", "ulimit -f")

    def begun_with(self, limit):
        """The Run of a small build below the limit; no signal may have ended it."""
        way = self.way
        self.begin_with("ulimit -" + limit)
        result = self.build("FROM box\nCOPY a /\nRUN cat a >b\n", {"a": limit}, ["--no-cache"], code=None)
        self.way = way
        self.image().unlink(missing_ok=True)
        self.assertGreaterEqual(result.code, 0, result)
        self.assertNotIn("terminate called", result.err)
        return result

    def test_memory_that_does_not_suffice(self):
        """X-12"""
        for kilobytes in (100000, 120000, 150000, 180000, 220000, 270000, 350000):
            with self.subTest(kilobytes):
                self.begun_with(f"v {kilobytes}")

    def test_descriptors_that_do_not_suffice(self):
        """X-12: whatever it is that cannot be opened any more, the remedy is named."""
        results = {count: self.begun_with(f"n {count}") for count in (6, 9, 13, 18, 24)}
        for count, result in results.items():
            with self.subTest(count):
                if result.code != 0:
                    self.assert_error(result, "hint:", "(ulimit -n)")
        self.assertNotEqual(results[6].code, 0)

    def test_links_in_place_of_directories_that_every_step_needs(self):
        """X-12: it is the image that is at fault."""
        self.only_with_namespaces()
        for name in ["proc", "sys", "dev"]:
            with self.subTest(name):
                tar = Tar().symlink(name, "tmp").bytes()
                result = self.build("FROM box\nADD links.tar /\nRUN true\n", {"links.tar": tar}, code=STEP_FAILED)
                self.assert_error(result, "Dockerfile:3:", f"the image has a symbolic link or a file at /{name}")


@every_way
class FullDisk(Robust):
    def full(self, size, dockerfile):
        point = self.folder("small")
        with mounted_tmpfs(point, size):
            result = self.build(dockerfile, options=["--root", point / "store"], code=None)
            self.assertIn(result.code, (STEP_FAILED, LOCAL), result)
            self.assert_error(result, "No space left")
            self.assertEqual([str(path) for path in staged(point / "store")], [])
            self.assertNotIn(str(point), mounts().replace(f"tmpfs {point} ", ""))
        return result

    @only_as_root("mounts a small file system")
    def test_step_that_fills_it(self):
        result = self.full("24m", "FROM box\nRUN cat /dev/zero >/big\n")
        self.assertIn("Dockerfile:2:", result.err)

    @only_as_root("mounts a small file system")
    def test_base_that_does_not_fit(self):
        self.full("3m", "FROM box\nRUN true\n")

    @only_as_root("mounts a small file system")
    def test_next_build_works(self):
        point = self.folder("small")
        with mounted_tmpfs(point, "24m"):
            options = ["--root", point / "store"]
            self.build("FROM box\nRUN cat /dev/zero >/big\n", options=options, code=None)
            self.build("FROM box\nRUN echo fine >/seen\n", options=options)
            self.assertEqual(self.read("/seen"), b"fine\n")
