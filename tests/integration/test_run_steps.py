"""What a command of RUN finds around it: environment, identity, working directory, descriptors, namespaces."""
import json
import os
import re

from harness import gvmi
from harness.bases import box_image
from harness.case import shared_registry
from harness.isolation import every_way, owner
from harness.oci import PATH_ENV, Layout

UNSUPPORTED, STEP_FAILED = 8, 11
PATH = PATH_ENV.removeprefix("PATH=")
PROXIES = {"HTTP_PROXY": "http://someone:secret@proxy.invalid:1", "https_proxy": "http://proxy.invalid:2",
           "NO_PROXY": "localhost,.invalid"}


@every_way
class Environment:
    def found(self, before="", **more):
        """What a program gets: what the shell adds of its own is not in it."""
        lines = self.lines('["/bin/env"]', before, **more)
        return dict(line.split("=", 1) for line in lines)

    def test_exactly_what_the_image_and_the_build_say(self):
        expected = {"PATH": PATH, "TINY": "yes", "HOME": "/root", "SOURCE_DATE_EPOCH": "1000000"}
        self.assertEqual(self.found(options=["--timestamp", "1000000"]), expected)

    def test_nothing_of_the_caller_s(self):
        found = self.found(env={"SECRET": "x", "LD_LIBRARY_PATH": "/x", "GBUILD_COLOR": "1", "USER": "me"})
        self.assertEqual(found.keys(), {"PATH", "TINY", "HOME", "SOURCE_DATE_EPOCH"})

    def test_declared_arguments_are_seen_and_a_later_env_wins(self):
        found = self.found("ARG A=1\nARG B=2\nENV B=env\nARG UNSET\nARG GIVEN\n", options=["--build-arg", "GIVEN=g"])
        self.assertEqual((found["A"], found["B"], found["GIVEN"]), ("1", "env", "g"))
        self.assertNotIn("UNSET", found)

    def test_an_argument_wins_over_what_came_before_and_is_not_stored(self):
        # L-1: TINY=yes is the base's.
        for before, options in [("ARG TINY\n", ["--build-arg", "TINY=arg"]), ("ARG TINY=arg\n", []), ("ENV TINY=env\nARG TINY=arg\n", [])]:
            with self.subTest(before):
                self.assertEqual(self.found(before, options=options)["TINY"], "arg")
                self.assertNotIn("TINY=arg", gvmi.read_trailer(self.image()).config["Env"])
        self.build("ARG TINY=global\nFROM box\nARG TINY\nWORKDIR /$TINY\nRUN <<EOF\necho $TINY >seen\nEOF\n")
        self.assertEqual(self.read("/global/seen"), b"global\n")
        self.assertIn("TINY=yes", gvmi.read_trailer(self.image()).config["Env"])

    def test_arguments_that_come_later_or_elsewhere_are_not_seen(self):
        self.build("ARG GLOBAL=g\nFROM box\nARG EARLY=e\nRUN env >/seen\nARG LATE=l\n")
        text = self.read("/seen").decode()
        self.assertIn("EARLY=e\n", text)
        self.assertNotIn("GLOBAL", text)
        self.assertNotIn("LATE", text)

    def test_arguments_leave_no_trace_in_the_configuration(self):
        self.build("FROM box\nARG TOKEN=t0ken\nRUN test $TOKEN = t0ken\n")
        self.assertNotIn("t0ken", gvmi.read_trailer(self.image()).json_text)

    def test_path_has_a_default(self):
        self.build("FROM scratch\nCOPY --from=box / /\nRUN echo $PATH >/seen\n")
        self.assertEqual(self.read("/seen").decode().strip(), PATH)

    def test_home_is_the_user_s(self):
        for user, home in [("app", "/home/app"), ("1000", "/home/app"), ("root", "/root"), ("777", "/")]:
            with self.subTest(user):
                self.assertEqual(self.found(f"USER {user}\n")["HOME"], home)

    def test_home_of_the_image_s_own_stays(self):
        self.assertEqual(self.found("ENV HOME=/elsewhere\n")["HOME"], "/elsewhere")

    def test_proxies_are_seen(self):
        found = self.found(env=PROXIES)
        self.assertEqual({name: found.get(name) for name in PROXIES}, PROXIES)
        other_case = {name.swapcase(): value for name, value in PROXIES.items()}  # L-4
        self.assertEqual({name: found.get(name) for name in other_case}, other_case)

    def test_proxies_are_neither_in_the_configuration_nor_in_the_image(self):
        tree = self.built("FROM box\nRUN env | grep -q secret && echo done >/done\n", env=PROXIES)
        self.assertNotIn("secret", gvmi.read_trailer(self.image()).json_text)
        self.assertIn(b"done", tree)
        without = self.built("FROM box\nRUN echo done >/done\n", name="without")
        self.assertEqual(without, tree)

    def test_a_proxy_as_an_argument_needs_no_declaration(self):
        for name in ["http_proxy", "HTTP_PROXY"]:
            found = self.found(options=["--build-arg", name + "=http://p.invalid"], env=PROXIES)
            self.assertEqual((found["http_proxy"], found["HTTP_PROXY"]), ("http://p.invalid", "http://p.invalid"))  # L-4

    def test_epoch_is_the_image_s(self):
        self.assertEqual(self.found(env={"SOURCE_DATE_EPOCH": "12345"})["SOURCE_DATE_EPOCH"], "12345")


@every_way
class Command:
    def test_shell_form_takes_the_default_shell(self):
        self.assertEqual(self.lines("echo $0 '$HOME' \"$((1 + 1))\""), ["/bin/sh $HOME 2"])

    def test_exec_form_expands_nothing(self):
        self.assertEqual(self.lines('["echo", "$HOME", "*", "a  b", "\\"q\\""]'), ['$HOME * a  b "q"'])

    def test_exec_form_looks_into_path(self):
        self.assertEqual(self.lines('["hello"]', "COPY --chmod=755 hello /opt/x/hello\nENV PATH=/nowhere:/opt/x:/bin\n",
                                    files={"hello": "#!/bin/sh\necho hello from $0\n"}), ["hello from /opt/x/hello"])

    def test_exec_form_with_a_shell_in_it(self):
        self.assertEqual(self.lines('["/bin/sh","-c","echo $HOME; echo two"]'), ["/root", "two"])

    def test_shell_is_the_one_that_was_set(self):
        self.assertEqual(self.lines("false; echo not reached || true",
                                    'SHELL ["/bin/sh", "-c", "echo shell: \\"$0\\"", "first"]\n'), ["shell: first"])

    def test_shell_that_stops_at_the_first_error(self):
        result = self.build('FROM box\nSHELL ["/bin/ash", "-ec"]\nRUN false; true\n', code=STEP_FAILED)
        self.assert_error(result, "Dockerfile:3", '"/bin/ash -ec false; true" failed with exit code 1')

    def test_lines_are_joined_and_comments_are_none(self):
        self.assertEqual(self.lines("echo a && \\\n  # a comment\n  echo b \\\n  c"), ["a", "b c"])

    def test_heredoc_is_a_script_for_the_shell(self):
        self.assertEqual(self.lines("<<EOF\nx=1\necho \"x is $x\"\n\tcd /usr\npwd\nEOF\n"), ["x is 1", "/usr"])

    def test_heredoc_with_tabs_taken_away(self):
        self.assertEqual(self.lines("<<-EOF\n\tcat <<-X\n\t\tdeep\n\tX\n\tEOF\n"), ["deep"])

    def test_heredoc_is_not_expanded_by_the_builder(self):
        self.assertEqual(self.lines("<<EOF\nA=mine; echo $A\nEOF\n", "ARG A=theirs\n"), ["mine"])

    def test_heredoc_with_blanks_before_its_name(self):
        for operator in ["<< EOF", "<<  EOF", "<<- EOF", "<< \"EOF\""]:
            with self.subTest(operator):  # L-2
                self.assertEqual(self.lines(f"cat {operator} | tr a-z A-Z\none\nEOF\n"), ["ONE"])
                self.assertEqual(self.lines(f"{operator}\necho $((1 << 2))\nEOF\n"), ["4"])
        self.assertEqual(self.lines("cat << -EOF\none\n-EOF\n"), ["one"])
        self.assertEqual(self.lines("echo $((1 << 2))"), ["4"])

    def test_heredoc_of_any_length(self):
        filler = ("#" * 99 + "\n") * 3000
        self.assertEqual(self.lines(f"<<EOF\n{filler}echo $0 $HOME\nEOF\n"), ["/bin/sh /root"])  # S-13
        self.assertEqual(self.lines(f"wc -c <<'EOF'\n{filler}EOF\n"), ["300000"])
        result = self.build(f"FROM box\nSHELL [\"/bin/ash\", \"-ec\"]\nRUN <<EOF\n{filler}false\necho reached\nEOF\n", code=STEP_FAILED)
        self.assertNotIn("reached", result.out)
        tree = self.built(f"FROM box\nUSER app\nRUN <<EOF\n{filler}id -u >/tmp/seen\nEOF\n")
        self.assertEqual(self.read("/tmp/seen"), b"1000\n")
        self.assertNotIn(b"dev/pipes", tree)

    def test_host_s_name_of_an_argument(self):
        self.only_with_namespaces()
        option = ["--build-arg", "BUILDKIT_SANDBOX_HOSTNAME=other.example"]  # L-14
        self.assertEqual(self.lines("hostname && grep -c other.example /etc/hosts", options=option), ["other.example", "1"])
        self.assertEqual(self.lines("hostname"), ["gbuild"])

    def test_a_user_is_looked_up_where_it_is_used(self):
        self.build("FROM box\nUSER later\nENV A=1\nUSER root\nRUN echo later:x:77:78::/:/bin/sh >>/etc/passwd\nUSER later\nRUN id -u >/tmp/seen\n")  # L-17
        self.assertEqual(self.read("/tmp/seen"), b"77\n")
        result = self.build("FROM box\nUSER later\nRUN true\n", code=3)
        self.assertIn("RUN useradd later", result.err)  # U-18

    def test_heredoc_with_an_interpreter_is_run_as_a_program(self):
        lines = self.lines("<<EOF\n#!/bin/awk -f\nBEGIN { print \"awk \" 6 * 7 }\nEOF\n")
        self.assertEqual(lines, ["awk 42"])

    def test_heredoc_program_knows_its_name_and_leaves_no_trace(self):
        tree = self.built("FROM box\nRUN <<script\n#!/bin/sh\necho $0 >/name\nscript\n")
        self.assertEqual(self.read("/name"), b"/dev/pipes/script\n")
        self.assertEqual(self.added(tree).keys(), {b"name", b"."})

    def test_heredoc_as_a_command_s_input(self):
        self.assertEqual(self.lines("cat <<ONE - && tr a-z A-Z <<TWO\none $HOME\nONE\ntwo\nTWO\n"), ["one /root", "TWO"])

    def test_quoted_heredoc_as_a_command_s_input(self):
        self.assertEqual(self.lines("cat <<'ONE'\n$HOME\nONE\n"), ["$HOME"])

    def test_heredoc_for_another_program(self):
        self.assertEqual(self.lines("busybox sh -s x <<'EOF'\necho \"$1\"\nEOF\n"), ["x"])


@every_way
class Identity:
    def test_root_is_the_default(self):
        self.assertEqual(self.lines("id -u; id -g"), ["0", "0"])

    def test_user_by_name_has_its_group_and_further_groups(self):
        self.assertEqual(self.lines("id -u; id -g; id -G", "USER app\n"), ["1000", "1001", "1001 50"])

    def test_user_with_a_group_has_that_alone(self):
        self.assertEqual(self.lines("id -u; id -g; id -G", "USER app:staff\n"), ["1000", "50", "50"])

    def test_user_by_number(self):
        self.assertEqual(self.lines("id -u; id -g", "USER 12:34\n"), ["12", "34"])

    def test_groups_hold_the_user_s_own(self):
        # What checks the groups alone must not take the user for somebody outside of it. The kernel shows them sorted.
        for user, groups in [("root", "0(root)"), ("app", "50(staff),1001(app)"), ("1000", "50(staff),1001(app)"),
                             ("app:staff", "50(staff)"), ("12:34", "34"), ("777", "0(root)")]:
            with self.subTest(user):
                self.assertEqual(self.lines("id", f"USER {user}\n")[0].rpartition("groups=")[2], groups)

    def test_user_that_the_image_does_not_know(self):
        self.assertEqual(self.lines("id -u; id -g", "USER 777\n"), ["777", "0"])

    def test_process_status_agrees(self):
        if self.way.isolation == "single":
            self.skipTest("/proc shows the one real id; what the calls say is emulated")
        self.only_with_namespaces()
        lines = self.lines("grep -E '^(Uid|Gid|Groups)' /proc/self/status", "USER app\n")
        self.assertEqual([line.split()[1:] for line in lines[:2]], [["1000"] * 4, ["1001"] * 4])
        self.assertEqual(set(lines[2].split()[1:]) | {"1001"}, {"50", "1001"})

    def test_files_belong_to_the_user(self):
        tree = self.built("FROM box\nUSER app\nWORKDIR /home/app\nRUN echo x >file; mkdir dir; ln -s x link; mkfifo pipe\n")
        for name in [b"file", b"dir", b"link", b"pipe"]:
            self.assertEqual(owner(tree[b"home/app/" + name]), (1000, 1001), name)

    def test_user_may_not_write_where_only_root_may(self):
        result = self.build("FROM box\nUSER app\nRUN echo x >/etc/new\n", code=STEP_FAILED)
        self.assertIn("denied", result.err)

    def test_user_may_not_read_what_only_root_may(self):
        result = self.build("FROM box\nUSER app\nRUN cat /etc/shadow\n", code=STEP_FAILED)
        self.assertIn("denied", result.err)

    def test_user_may_write_where_its_group_may(self):
        tree = self.built("FROM box\nRUN mkdir /g && chown 0:50 /g && chmod 775 /g\nUSER app\nRUN echo x >/g/f\n")
        self.assertEqual(owner(tree[b"g/f"]), (1000, 1001))

    def test_user_may_not_give_files_away(self):
        self.assertEqual(self.lines("touch f; chown 0 f 2>/dev/null || echo refused", "USER app\nWORKDIR /home/app\n"),
                         ["refused"])

    def test_root_after_user(self):
        self.assertEqual(self.lines("id -u", "USER app\nRUN id -u\nUSER root\n"), ["0"])


@every_way
class Surroundings:
    def test_working_directory(self):
        self.assertEqual(self.lines("pwd", "WORKDIR /made/for\nWORKDIR it\n"), ["/made/for/it"])

    def test_working_directory_that_the_base_names_but_does_not_have_is_made(self):
        layout = Layout(self.folder("layout"))
        layout.add_image(box_image(WorkingDir="/not/there"), "named")
        tree = self.built("FROM named\nRUN pwd >/seen\n", options=["--build-context", f"named=oci-layout://{layout.path}:named"])
        self.assertEqual(self.read("/seen"), b"/not/there\n")
        self.assertIn(b"not/there", tree)

    def test_umask(self):
        tree = self.built("FROM box\nRUN umask >/seen; touch /f; mkdir /d\n", umask=0o077)
        self.assertEqual((self.read("/seen"), tree[b"f"].mode, tree[b"d"].mode), (b"0022\n", 0o644, 0o755))

    def test_host_name(self):
        self.only_with_namespaces()
        self.assertEqual(self.lines("hostname; cat /proc/sys/kernel/hostname"), ["gbuild", "gbuild"])

    def test_host_name_resolves(self):
        self.assertEqual(self.lines("grep -w gbuild /etc/hosts | cut -f1 -d' '; grep -qw localhost /etc/hosts && echo local"),
                         ["127.0.1.1", "local"])

    def test_standard_input_is_empty(self):
        self.assertEqual(self.lines("wc -c; readlink /proc/self/fd/0 2>/dev/null || echo /dev/null", stdin=b"secret"),
                         ["0", "/dev/null"])

    def test_standard_input_is_empty_for_dockerfiles_from_it(self):
        context = self.context({"f": "x"})
        self.gbuild("build", *self.options(), "--registry-mirror", shared_registry().host, "-o", self.image(), "-f", "-", context,
                    stdin=b"FROM box\nRUN cat >/seen\n")
        self.assertEqual(self.read("/seen"), b"")

    def test_no_descriptor_but_the_three(self):
        self.only_with_namespaces()
        # One more is the directory that ls reads.
        self.assertEqual(self.lines('["ls", "/proc/self/fd"]'), ["0", "1", "2", "3"])

    def test_no_controlling_terminal(self):
        self.assertEqual(self.lines("(: </dev/tty) 2>/dev/null && echo terminal || echo none"), ["none"])

    def test_own_session(self):
        self.only_with_namespaces()
        session, shell = self.lines("cut -d' ' -f6 /proc/self/stat; echo $$")
        self.assertEqual(session, shell)

    def test_sees_its_own_processes_alone(self):
        self.only_with_namespaces()
        count = int(self.lines("ls /proc | grep -c '^[0-9]'")[0])
        self.assertLessEqual(count, 5)

    def test_own_mounts(self):
        self.only_with_namespaces()
        text = "\n".join(self.lines("cut -d' ' -f2 /proc/self/mounts"))
        self.assertNotIn(str(self.dir), text)

    def test_devices(self):
        self.assertEqual(self.lines("echo x >/dev/null; head -c3 /dev/zero | wc -c; head -c3 /dev/urandom | wc -c; "
                                    "head -c3 /dev/random | wc -c; (echo x >/dev/full) 2>/dev/null || echo full"),
                         ["3", "3", "3", "full"])

    def test_device_directory_holds_what_docker_s_holds(self):
        self.only_with_namespaces()
        self.assertLessEqual({"null", "zero", "full", "random", "urandom", "tty", "fd", "stdin", "stdout", "stderr", "ptmx",
                              "pts", "shm"}, set(self.lines("ls /dev")))

    def test_standard_output_by_name(self):
        self.only_with_namespaces()
        self.assertEqual(self.lines("echo 1 >/dev/stdout; echo 2 >/dev/stderr; echo 3 >/proc/self/fd/1; echo 4 >/dev/fd/2; "
                                    "echo 5 | cat /dev/stdin; echo 6 | tee /dev/stderr >/dev/null"), list("123456"))

    def test_standard_output_by_name_for_users(self):
        self.only_with_namespaces()
        self.assertEqual(self.lines("echo 1 >/dev/stdout; echo 2 >/dev/stderr", "USER app\n"), ["1", "2"])

    def test_shared_memory_and_terminals_can_be_used(self):
        self.only_with_namespaces()
        self.assertEqual(self.lines("echo x >/dev/shm/f && cat /dev/shm/f; stat -c %a /dev/shm; test -c /dev/ptmx && echo pty"),
                         ["x", "1777", "pty"])

    def test_terminal_can_be_opened(self):
        self.only_with_namespaces()
        self.assertEqual(self.lines("exec 5<>/dev/ptmx && ls /dev/pts | grep -c '^0$'"), ["1"])

    def test_sys_is_read_only(self):
        self.only_with_namespaces()
        self.assertEqual(self.lines("ls /sys | grep -x kernel; mkdir /sys/fs/cgroup/x 2>/dev/null || echo refused; "
                                    "(echo 1 >/sys/kernel/profiling) 2>/dev/null || echo refused"), ["kernel", "refused", "refused"])

    def test_kernel_settings_cannot_be_changed(self):
        self.only_with_namespaces()
        before = open("/proc/sys/vm/swappiness", encoding="ascii").read()
        self.assertEqual(self.lines("(echo 7 >/proc/sys/vm/swappiness) 2>/dev/null || echo refused"), ["refused"])
        self.assertEqual(open("/proc/sys/vm/swappiness", encoding="ascii").read(), before)

    def test_no_mounting(self):
        self.assertEqual(self.lines("mount -t tmpfs x /srv 2>/dev/null || echo refused"), ["refused"])

    def test_resolver_configuration_is_the_machine_s(self):
        if not os.path.exists("/etc/resolv.conf") or "127.0.0.53" in open("/etc/resolv.conf", encoding="utf8").read():
            self.skipTest("this machine's resolver configuration is not the one that steps get")
        expected = open("/etc/resolv.conf", encoding="utf8").read()
        self.assertEqual(self.lines("cat /etc/resolv.conf"), expected.splitlines())

    def test_host_s_network_is_the_default(self):
        self.assertEqual(self.interfaces(), self.host_interfaces())
        self.assertEqual(self.interfaces(options=["--network", "host"]), self.host_interfaces())

    def test_network_none_has_only_a_loopback_that_is_up(self):
        self.only_with_namespaces()
        self.assertEqual(self.interfaces(options=["--network", "none"]), {"lo"})
        self.assertEqual(self.lines("ping -c 1 -W 5 127.0.0.1 | grep -c '1 packets received'", options=["--network", "none"]),
                         ["1"])

    def test_network_none_for_one_step(self):
        self.only_with_namespaces()
        self.assertEqual(self.names(self.lines("--network=none cat /proc/net/dev")), {"lo"})
        self.assertEqual(self.names(self.lines("--network=host cat /proc/net/dev", options=["--network", "none"])),
                         self.host_interfaces())

    def interfaces(self, **more):
        return {line.split(":")[1].strip() for line in self.lines("ip -o link", **more)}

    @staticmethod
    def names(lines):
        return {line.split(":")[0].strip() for line in lines if ":" in line}

    @staticmethod
    def host_interfaces():
        return set(os.listdir("/sys/class/net")) - {"bonding_masters"}

    def test_capabilities_are_those_that_docker_leaves(self):
        if not self.has_namespaces:
            self.skipTest("/proc is not there")
        line = self.lines("grep CapBnd /proc/self/status")[0]
        self.assertEqual(int(line.split()[1], 16), 0xA80425FB)


@every_way
class Reporting:
    def plain(self, dockerfile):
        return self.build(dockerfile, options=["--progress", "plain"]).err

    def test_plain_output_carries_the_step_s_number(self):
        text = self.plain("FROM box\nRUN echo first\nRUN echo second; echo third >&2\n")
        for line in ["#2 first", "#3 second", "#3 third"]:
            self.assertRegex(text, rf"\n *\d+\.\ds {line}\n")

    def test_isolation_is_named(self):
        self.assertIn(f"RUN steps are isolated by {self.way.isolation} (", self.plain("FROM box\nRUN true\n"))

    def test_isolation_is_not_named_without_run(self):
        self.assertNotIn("isolated by", self.plain("FROM box\n"))

    def test_json_events(self):
        result = self.build("FROM box\nRUN echo one; echo 'two \"q\" \\'\n", options=["--progress", "json"])
        events = [json.loads(line) for line in result.err.splitlines()]
        self.assertEqual([event["line"] for event in events if event["event"] == "step-output"], ["one", 'two "q" \\'])

    def test_quiet_shows_nothing(self):
        result = self.build("FROM box\nRUN echo shown; echo shown >&2\n", options=["-q"])
        self.assertEqual(result.err, "")

    def test_control_characters_do_not_reach_the_terminal(self):
        text = self.plain("FROM box\nRUN printf 'a\\033[31mb\\007\\n'; printf '10%%\\r20%%\\r\\n'\n")
        self.assertNotIn("\x1b", text)
        self.assertNotIn("\x07", text)
        self.assertIn("#2 20%\n", text)

    def test_output_that_is_no_text(self):
        self.plain("FROM box\nRUN head -c 100000 /dev/urandom; printf '\\377\\376\\n'\n")

    def test_line_without_an_end(self):
        self.assertEqual(self.lines("printf 'no end'"), ["no end"])

    def test_failure_says_what_where_and_shows_the_last_lines(self):
        result = self.build("FROM box\n\nRUN seq 1 500; false\n", code=STEP_FAILED, options=["-q"])
        self.assert_error(result, "Dockerfile:3:", '"/bin/sh -c seq 1 500; false" failed with exit code 1', "500")
        self.assertNotIn("\n1\n", result.err)
        self.assertEqual(result.err.count("error:"), 1)

    def test_failure_as_json(self):
        result = self.build("FROM box\nRUN echo last; exit 42\n", code=STEP_FAILED, options=["--progress", "json"])
        error, end = map(json.loads, result.err.splitlines()[-2:])
        self.assertEqual((error["event"], error["exitCode"], error["line"], error["output"]), ("error", 11, 2, ["last"]))
        self.assertIn("failed with exit code 42", error["message"])
        self.assertEqual((end["event"], end["success"], end["exitCode"]), ("result", False, 11))

    def test_failure_shows_the_last_lines_once(self):  # U-5
        failing = "RUN echo its last words; exit 42\n"
        for options, count in [(["--progress", "plain"], 1), (["--progress", "tty"], 1), (["-q"], 1)]:
            with self.subTest(options):
                result = self.build(f"FROM box\n{failing}", code=STEP_FAILED, options=options)
                self.assertEqual(len(re.findall(r"(?:#2|\|) its last words$", result.err, re.MULTILINE)), count, result.err)

    def test_command_that_is_killed(self):
        result = self.build("FROM box\nRUN kill -SEGV $$\n", code=STEP_FAILED)
        self.assert_error(result, "was killed by SIGSEGV", "Dockerfile:2")

    def test_program_that_is_not_there(self):
        result = self.build('FROM box\nRUN ["no-such-program", "x"]\n', code=STEP_FAILED)
        self.assert_error(result, "could not be started", "no-such-program", "Dockerfile:2", "hint:")

    def test_program_that_is_not_executable(self):
        result = self.build('FROM box\nRUN ["/etc/passwd"]\n', code=STEP_FAILED)
        self.assert_error(result, "could not be started", "/etc/passwd", "Dockerfile:2")

    def test_image_without_a_shell_is_told(self):
        result = self.build("FROM scratch\nCOPY Dockerfile /\nRUN echo x\n", code=STEP_FAILED)
        self.assert_error(result, "could not be started", "/bin/sh", "Dockerfile:3", "hint:", "exec form")

    def test_image_without_a_shell_runs_the_exec_form(self):
        tree = self.built('FROM scratch\nCOPY --from=box /bin/busybox /busybox\nRUN ["/busybox", "touch", "/made"]\n')
        self.assertIn(b"made", tree)

    def test_unknown_user_is_told_before_anything_runs(self):
        result = self.build("FROM box\nUSER nobody-here\nRUN echo x\n", code=None)
        self.assert_error(result, "nobody-here")


@every_way
class Insecure:
    def test_insecure_that_is_allowed_has_all_capabilities(self):
        self.only_with_namespaces()
        lines = self.lines("--security=insecure grep -E 'Cap(Bnd|Eff)' /proc/self/status; mount -t tmpfs x /srv && echo mounted",
                           options=["--allow", "security.insecure"])
        self.assertEqual(lines[2:], ["mounted"])

    def test_insecure_is_refused_without_being_allowed(self):
        result = self.build("FROM box\nRUN --security=insecure true\n", code=UNSUPPORTED)
        self.assert_error(result, "Dockerfile:2:", "--security=insecure", "--allow security.insecure")

    def test_sandbox_is_what_there_is_without(self):
        self.assertEqual(self.lines("--security=sandbox mount -t tmpfs x /srv 2>/dev/null || echo refused"), ["refused"])
