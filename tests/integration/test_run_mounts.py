"""RUN --mount, and what the command line gives to it: --secret, --ssh, --add-host, --ulimit, --shm-size."""
import contextlib
import os
import pwd
import re
import shutil
import socket
import subprocess
from pathlib import Path

from harness import gvmi, isolation
from harness.case import Case, scratch_folder, shared_registry
from harness.isolation import Marked, RunCase, every_way, owner

DOCKERFILE, NOT_FOUND, UNSUPPORTED, STEP_FAILED = 3, 4, 8, 11
USAGE = 2
FILES = {"a": "text of a\n", "sub/b": "text of b\n", "sub/run.sh": "#!/bin/sh\necho ran\n", "hidden/x": "x", ".dockerignore": "hidden\n"}


WITH_CLIENT = "COPY --chmod=755 ssh /\n"


def has_name(uid):
    try:
        return bool(pwd.getpwuid(uid))
    except KeyError:
        return False


@contextlib.contextmanager
def ssh_agent(folder, user=None):
    """The socket of an agent with one key. It answers nobody but who runs it. `folder` has a short name."""
    path = folder / "agent.sock"
    key = folder / "key"
    # It wants a user who has a name.
    named = [] if has_name(os.geteuid()) else ["unshare", "--map-root-user"]
    subprocess.run([*named, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "key of the test", "-f", str(key)], check=True)
    become = ["setpriv", "--reuid", str(user), "--regid", str(user), "--clear-groups"] if user else []
    agent = subprocess.Popen([*become, "ssh-agent", "-D", "-a", str(path)], stdout=subprocess.DEVNULL)
    try:
        while subprocess.run(["ssh-add", "-q", str(key)], env={**os.environ, "SSH_AUTH_SOCK": str(path)}, check=False,
                             stderr=subprocess.DEVNULL).returncode != 0:
            if agent.poll() is not None:
                raise RuntimeError("ssh-agent does not start")
        yield path
    finally:
        agent.terminate()
        agent.wait()


def client():
    """{path: bytes} of ssh-add and the libraries it takes."""
    program = shutil.which("ssh-add")
    libraries = re.findall(r"(/\S+) \(0x", subprocess.run(["ldd", program], check=True, stdout=subprocess.PIPE, text=True).stdout)
    return {"ssh" + path: Path(path).read_bytes() for path in [program, *libraries]}


@every_way
class Bind:
    def test_context_is_shown_without_what_is_ignored(self):
        self.assertEqual(self.lines("--mount=target=/src cd /src; find . | sort; cat a sub/b", files=FILES),
                         [".", "./.dockerignore", "./Dockerfile", "./a", "./sub", "./sub/b", "./sub/run.sh",
                          "text of a", "text of b"])

    def test_files_are_root_s_and_as_old_as_the_image(self):
        lines = self.lines("--mount=target=/src stat -c '%u:%g %Y %n' /src /src/a /src/sub", files=FILES,
                           options=["--timestamp", "1000000"])
        self.assertEqual(lines, ["0:0 1000000 /src", "0:0 1000000 /src/a", "0:0 1000000 /src/sub"])

    def test_part_of_the_context_and_a_single_file(self):
        self.assertEqual(self.lines("--mount=source=sub,target=/s --mount=source=/a,target=/etc/one cat /s/b /etc/one",
                                    files=FILES), ["text of b", "text of a"])

    def test_target_is_relative_to_the_working_directory(self):
        self.assertEqual(self.lines("--mount=source=sub,target=. cat b; pwd", "WORKDIR /w\n", files=FILES), ["text of b", "/w"])

    def test_variables_are_expanded(self):
        self.assertEqual(self.lines("--mount=source=$D,target=/$T cat /t/b", "ARG D=sub\nENV T=t\n", files=FILES), ["text of b"])

    def test_cannot_be_written_to(self):
        self.only_with_namespaces()
        self.assertEqual(self.lines("--mount=target=/src { echo x >/src/new; } 2>/dev/null || { echo x >/src/a; } 2>/dev/null || "
                                    "rm -f /src/a 2>/dev/null || echo refused", files=FILES), ["refused"])

    def test_what_is_written_with_rw_is_discarded(self):
        context = "RUN --mount=target=/src,rw cd /src && echo new >new && echo y >>a && rm sub/b && chown 7:8 sub && cat a new\n"
        tree = self.built(f"FROM box\n{context}RUN --mount=target=/src,rw cat /src/a; ls /src; stat -c %u /src/sub >/seen; test -e /src/sub/b\n", FILES)
        self.assertEqual(self.added(tree).keys(), {b"seen", b"."})
        self.assertEqual(self.read("/seen"), b"0\n")
        self.assertEqual((self.dir / "context-image" / "a").read_text(), FILES["a"])
        self.assertFalse((self.dir / "context-image" / "new").exists())

    def test_leaves_no_trace(self):
        tree = self.built("FROM box\nRUN --mount=target=/not/there/yet --mount=target=/etc/x,source=a --mount=target=/srv "
                          "test -e /srv/a && test -s /etc/x && test -e /not/there/yet/a\n", FILES)
        self.assertEqual(self.added(tree), {})

    def test_stage_with_all_owners(self):
        self.build("FROM box AS made\nRUN mkdir -p /out/d; echo x >/out/f; chown 5:6 /out/f; ln -s f /out/l; chown -h 7:8 /out/l; "
                   "mkfifo /out/p; chown 9:10 /out/p; chmod 750 /out/d; chown 11:12 /out/d\n"
                   "FROM box\nRUN --mount=from=made,source=/out,target=/in cd /in; stat -c '%n %u:%g %a' * >/seen\n")
        self.assertEqual(self.read("/seen").decode().split("\n"),
                         ["d 11:12 750", "f 5:6 644", "l 7:8 777", "p 9:10 644", ""])

    def test_whole_stage_with_what_it_removed(self):
        self.build("FROM box AS made\nRUN rm -r /old; echo new >/new\nCOPY a /a\n"
                   "FROM box\nRUN --mount=from=made,target=/in test ! -e /in/old && cat /in/new /in/a >/seen && test -e /old/a\n", FILES)
        self.assertEqual(self.read("/seen"), b"new\ntext of a\n")

    def test_stage_with_rw_stays_as_it_was(self):
        self.build("FROM box AS made\nRUN echo x >/f\nFROM box\n"
                   "RUN --mount=from=made,target=/in,rw echo y >/in/f; rm /in/old/a; cat /in/f >/seen\n"
                   "RUN --mount=from=made,target=/in cat /in/f /in/old/a >>/seen\n")
        self.assertEqual(self.read("/seen"), b"y\nx\na\n")

    def test_image(self):
        self.assertEqual(self.lines("--mount=from=tiny,source=/etc/issue,target=/i cat /i; test -e /old && echo box"),
                         ["tiny \\n", "box"])

    def test_image_can_be_run(self):
        self.assertEqual(self.lines("--mount=from=box,target=/other chroot /other /bin/cat /old/a"), ["a"])

    def test_named_contexts(self):
        named = self.context({"n": "named\n"}, "named")
        self.way.hand_over(named)
        self.assertEqual(self.lines("--mount=from=more,target=/m cat /m/n", options=["--build-context", f"more={named}"]), ["named"])

    def test_from_a_stage_of_nothing(self):
        self.build("FROM scratch AS made\nCOPY sub /d\nFROM box\nRUN --mount=from=made,target=/in ls /in/d >/seen\n", FILES)
        self.assertEqual(self.read("/seen"), b"b\nrun.sh\n")

    def test_devices_of_an_image(self):
        self.assertEqual(self.lines("--mount=from=edge-in-range,source=/dev,target=/d stat -c '%F %t:%T' /d/zero"),
                         ["character special file 1:5"])

    def test_source_that_is_not_there(self):
        result = self.build("FROM box\n\nRUN --mount=source=nothing,target=/s true\n", code=DOCKERFILE)
        self.assert_error(result, "Dockerfile:3:", "nothing", "is not in the build context")
        result = self.build("FROM box\nRUN --mount=source=hidden,target=/s true\n", FILES, code=DOCKERFILE)
        self.assert_error(result, "Dockerfile:2:", "excluded", ".dockerignore")
        result = self.build("FROM box\nRUN --mount=from=tiny,source=/nothing,target=/s true\n", code=DOCKERFILE)
        self.assert_error(result, "Dockerfile:2:", '"/nothing"', "tiny", "hint:")

    def test_directory_over_a_file(self):
        result = self.build("FROM box\nRUN --mount=source=sub,target=/etc/passwd true\n", FILES, code=STEP_FAILED)
        self.assert_error(result, "Dockerfile:2", "cannot mount on /etc/passwd")

    def test_mounts_in_mounts(self):
        self.assertEqual(self.lines("--mount=type=tmpfs,target=/src/sub/t --mount=target=/src,rw echo x >/src/sub/t/f; "
                                    "cat /src/sub/t/f /src/a", files=FILES), ["x", "text of a"])

    def test_user_sees_what_permissions_allow(self):
        files = {**FILES, "closed": "closed\n"}
        context = self.context({"Dockerfile": "", **files}, "context-image")
        (context / "closed").chmod(0o600)
        self.way.hand_over(context / "closed")
        self.assertEqual(self.lines("--mount=target=/src cat /src/a; cat /src/closed 2>/dev/null || echo refused", "USER app\n"),
                         ["text of a", "refused"])


@every_way
class Caches(Marked):
    cached = True

    def caches(self):
        return sorted(path.name for path in (self.store / "caches").iterdir())

    def test_outlives_the_build_and_is_not_in_the_image(self):
        for number, expected in enumerate(["", "x\n", "x\nx\n"]):
            tree = self.built(f"FROM box\nARG N={number}\nRUN --mount=type=cache,target=/c cat /c/f >/seen; echo x >>/c/f; true\n")
            self.assertEqual(self.read("/seen").decode(), expected)
            self.assertEqual(self.added(tree).keys(), {b"seen", b"."})

    def test_begins_anew_without_the_cache(self):
        for sharing in ["shared", "locked", "private"]:
            mount = f"RUN --mount=type=cache,id={sharing},target=/c,sharing={sharing},mode=0711 "
            dockerfile = f"FROM box\n{mount}ls -A /c >/one; mkdir -p /c/d; echo x >/c/d/f; chmod 700 /c\n{mount}stat -c %a /c >/two; cat /c/d/f >>/two\n"
            for options in [[], ["--no-cache"], ["--no-cache"]]:  # L-18
                self.build(dockerfile, options=options)
                self.assertEqual((self.read("/one"), self.read("/two")), (b"", b"700\nx\n"), sharing)
            self.build(f"FROM box\n{mount}ls -A /c >/one\n")
            self.assertEqual(self.read("/one"), b"d\n")

    def test_known_by_its_id(self):
        self.build("FROM box\nRUN --mount=type=cache,id=one,target=/a echo 1 >/a/f\n"
                   "RUN --mount=type=cache,id=one,target=/b --mount=type=cache,target=/c cp /b/f /seen; test ! -e /c/f\n")
        self.assertEqual(self.read("/seen"), b"1\n")
        self.assertEqual(len(self.caches()), 2)

    def test_mode_and_owner(self):
        tree = self.built("FROM box\nUSER app\nRUN --mount=type=cache,target=/c,uid=1000,gid=1001,mode=0700 "
                          "stat -c '%u:%g %a' /c >/tmp/seen && echo x >/c/mine\n"
                          "RUN --mount=type=cache,target=/c,uid=1000,gid=1001,mode=0700 stat -c %u:%g /c/mine >>/tmp/seen\n")
        self.assertEqual(self.read("/tmp/seen"), b"1000:1001 700\n1000:1001\n")
        self.assertIn(b"tmp/seen", tree)

    def test_default_is_root_s(self):
        self.assertEqual(self.lines("--mount=type=cache,target=/c stat -c '%u:%g %a' /c; touch /c/x 2>/dev/null || echo refused",
                                    "USER app\n"), ["0:0 755", "refused"])

    def test_begins_with_what_it_is_from(self):
        dockerfile = ("FROM box AS seed\nRUN mkdir /s; echo {} >/s/f; chown 5:6 /s/f; chmod 711 /s\nFROM box\n"
                      "RUN --mount=type=cache,from=seed,source=/s,target=/c stat -c %u:%g /c/f >/seen; cat /c/f >>/seen; "
                      "stat -c %a /c >>/seen; echo more >>/c/f\n")
        self.build(dockerfile.format("one"))
        self.assertEqual(self.read("/seen"), b"5:6\none\n711\n")
        self.build(dockerfile.format("one").replace("echo more", ": again; echo more"))
        self.assertEqual(self.read("/seen"), b"5:6\none\nmore\n711\n")
        self.build(dockerfile.format("two"))
        self.assertEqual(self.read("/seen"), b"5:6\ntwo\n711\n")

    def test_read_only(self):
        self.only_with_namespaces()
        self.assertEqual(self.lines("--mount=type=cache,target=/c,ro touch /c/x 2>/dev/null || echo refused"), ["refused"])

    def test_two_mounts_of_one_cache_in_a_step(self):
        self.only_with_namespaces()
        self.assertEqual(self.lines("--mount=type=cache,id=x,target=/a,sharing=locked --mount=type=cache,id=x,target=/b "
                                    "echo one >/a/f; cat /b/f"), ["one"])

    def both(self, sharing, command):
        """Two builds at once of which the second starts while the first is in its step; what the second printed."""
        dockerfile = f"FROM box\nRUN --mount=type=cache,target=/c,sharing={sharing} touch /c/first; sleep {self.mark}\n"
        first = self.start_build(dockerfile, name="first")
        self.wait_for_processes(first)
        try:
            context = self.context({"Dockerfile": f"FROM box\nRUN --mount=type=cache,target=/c,sharing={sharing} {command}\n"}, "context-second")
            second = self.start("build", "--registry-mirror", shared_registry().host, "-t", "second", "-o", self.image("second"),
                                *self.options("--progress", "plain"), context)
            err = b""
            while b"waiting for the cache" not in err:
                line = second.stderr.readline()
                if not line:
                    break
                err += line
            waited = b"waiting for the cache" in err
            if waited:
                self.assertIsNone(second.poll())
        finally:
            first.terminate()
            first.communicate()
        rest = second.communicate()[1]
        self.assertEqual(second.returncode, 0, err + rest)
        return waited, (err + rest).decode()

    def test_shared_is_used_at_once(self):
        self.only_with_namespaces()
        waited, text = self.both("shared", "ls /c")
        self.assertFalse(waited)
        self.assertIn("s #2 first\n", text)

    def test_locked_waits(self):
        if not self.has_namespaces:
            self.skipTest("in chroot, a step that is killed takes its caches with it")
        waited, text = self.both("locked", "ls /c")
        self.assertTrue(waited)
        self.assertIn("s #2 first\n", text)

    def test_private_gets_its_own(self):
        waited, text = self.both("private", "ls -A /c | wc -l")
        self.assertFalse(waited)
        self.assertIn("s #2 0\n", text)
        self.assertEqual(len(self.caches()), 2)


@every_way
class Memory:
    def test_tmpfs_is_empty_and_open_to_all_and_leaves_nothing(self):
        tree = self.built("FROM box\nUSER app\nRUN --mount=type=tmpfs,target=/old ls -A /old >/tmp/seen; echo x >/old/f; "
                          "stat -c %a /old >>/tmp/seen\n")
        self.assertEqual(self.read("/tmp/seen"), b"1777\n")
        self.assertLessEqual(self.added(tree).keys(), {b"tmp/seen", b"tmp"})
        self.assertIn(b"old/a", tree)

    def test_size_is_a_limit(self):
        self.only_with_namespaces()
        self.assertEqual(self.lines("--mount=type=tmpfs,target=/t,size=64k dd if=/dev/zero of=/t/f bs=1k count=100 2>/dev/null || "
                                    "stat -c %s /t/f"), ["65536"])

    def test_shared_memory(self):
        self.only_with_namespaces()
        fill = "dd if=/dev/zero of=/dev/shm/f bs=1k count={} 2>/dev/null || stat -c %s /dev/shm/f"
        self.assertEqual(self.lines(fill.format(100), options=["--shm-size", "64K"]), ["65536"])
        self.assertEqual(self.lines("df -k /dev/shm | tail -n 1 | tr -s ' ' | cut -d' ' -f2"), ["65536"])


@every_way
class Secrets:
    SECRET = "s3cret value\n"

    def setUp(self):
        super().setUp()
        self.file = self.dir / "token"
        self.file.write_text(self.SECRET)
        self.way.hand_over(self.file)

    def given(self):
        return ["--secret", f"id=token,src={self.file}"]

    def test_file(self):
        self.only_with_namespaces()
        tree = self.built("FROM box\nRUN --mount=type=secret,id=token cp /run/secrets/token /copy; "
                          "stat -c '%u:%g %a' /run/secrets/token >/seen\n", options=self.given())
        self.assertEqual(self.read("/copy").decode(), self.SECRET)
        self.assertEqual(self.read("/seen"), b"0:0 400\n")
        self.assertEqual(self.added(tree).keys(), {b"copy", b"seen", b"."})

    def test_place_mode_and_owner(self):
        self.only_with_namespaces()
        self.assertEqual(self.lines("--mount=type=secret,id=token,target=/home/app/.t,uid=1000,gid=1001,mode=0440 "
                                    "stat -c '%u:%g %a' /home/app/.t; cat /home/app/.t", "USER app\n", options=self.given()),
                         ["1000:1001 440", "s3cret value"])

    def test_is_not_for_other_users(self):
        self.only_with_namespaces()
        self.assertEqual(self.lines("--mount=type=secret,id=token cat /run/secrets/token 2>/dev/null || echo refused",
                                    "USER app\n", options=self.given()), ["refused"])

    def test_cannot_be_written_to(self):
        self.only_with_namespaces()
        self.assertEqual(self.lines("--mount=type=secret,id=token { echo x >/run/secrets/token; } 2>/dev/null || echo refused",
                                    options=self.given()), ["refused"])

    def test_variable(self):
        self.assertEqual(self.lines("--mount=type=secret,id=token,env=TOKEN echo \"<$TOKEN>\"; ls /run 2>/dev/null; echo done",
                                    "ENV TOKEN=other\n", options=["--secret", "id=token,env=MINE"], env={"MINE": "m"}),
                         ["<m>", "done"])

    def test_variable_and_file(self):
        self.only_with_namespaces()
        self.assertEqual(self.lines("--mount=type=secret,id=token,env=T,target=/t echo $T; cat /t", options=self.given()),
                         ["s3cret value", "s3cret value"])

    def test_given_by_its_name_alone(self):
        self.assertEqual(self.lines("--mount=type=secret,id=MINE,env=T echo $T", options=["--secret", "id=MINE"], env={"MINE": "m"}),
                         ["m"])

    def test_left_out_when_not_given(self):
        lines = self.lines("--mount=type=secret,id=other,env=T echo \"<$T>\"")
        self.assertEqual(lines, ["<>"])
        self.only_with_namespaces()
        self.assertEqual(self.lines("--mount=type=secret,id=other ls /run 2>/dev/null; echo done", options=self.given()), ["done"])

    def test_required_and_not_given(self):
        result = self.build("FROM box\n\nRUN --mount=type=secret,id=token,env=T,required true\n", code=NOT_FOUND)
        self.assert_error(result, "Dockerfile:3:", 'the secret "token" was not given', "--secret id=token,src=FILE")

    def test_chroot_has_no_memory_for_them(self):
        if self.has_namespaces:
            self.skipTest("here mounts can be made")
        for mount in ["type=secret,id=token", "type=tmpfs,target=/t,size=1m"]:
            result = self.build(f"FROM box\nRUN --mount={mount} true\n", options=self.given(), code=UNSUPPORTED)
            self.assert_error(result, "Dockerfile:2:", "chroot", "hint:", "CAP_SYS_ADMIN")


@every_way
class Agents:
    def socket_folder(self):
        """The name of a socket has at most 108 bytes, which those of the tests' folders can be longer than."""
        folder = scratch_folder("a")
        self.way.hand_over(folder)
        return folder

    def test_agent_answers(self):
        with ssh_agent(self.socket_folder(), self.way.user) as path:
            lines = self.lines("--mount=type=ssh echo $SSH_AUTH_SOCK; stat -c '%u:%g %a' $SSH_AUTH_SOCK", options=["--ssh", "default"],
                               env={"SSH_AUTH_SOCK": path})
            self.assertEqual(lines, ["/run/buildkit/ssh_agent.0", "0:0 600"])
            files = client()
            lines = self.lines(f"--mount=type=ssh,id=two {shutil.which('ssh-add')} -l", WITH_CLIENT, files=files,
                               options=["--ssh", f"two={path}"])
            self.assertEqual(len(lines), 1, lines)
            self.assertIn("key of the test (ED25519)", lines[0])

    def test_socket_for_a_user(self):
        with socket.socket(socket.AF_UNIX) as server:
            path = self.socket_folder() / "server.sock"
            server.bind(str(path))
            server.listen()
            self.way.hand_over(path)
            self.assertEqual(self.lines("--mount=type=ssh,target=/s,uid=1000,gid=1001,mode=0660 stat -c '%u:%g %a' /s; echo $SSH_AUTH_SOCK",
                                        "USER app\n", options=["--ssh", f"default={path}"]), ["1000:1001 660", "/s"])

    def test_left_out_when_not_given(self):
        self.assertEqual(self.lines("--mount=type=ssh echo \"<$SSH_AUTH_SOCK>\"; test -e /run/buildkit || echo none"), ["<>", "none"])

    def test_required_and_not_given(self):
        result = self.build("FROM box\nRUN --mount=type=ssh,required true\n", code=NOT_FOUND)
        self.assert_error(result, "Dockerfile:2:", 'the ssh agent "default" was not given', "--ssh default")

    def test_agent_that_is_gone_is_no_hang(self):
        path = self.socket_folder() / "gone.sock"
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(path))
        self.way.hand_over(path)
        lines = self.lines(f"--mount=type=ssh {shutil.which('ssh-add')} -l; echo ended $?", WITH_CLIENT, files=client(),
                           options=["--ssh", f"default={path}"])
        self.assertRegex(lines[-1], "^ended [1-9]")


@every_way
class Settings:
    def test_hosts(self):
        self.assertEqual(self.lines("grep -w one /etc/hosts; grep -w two.example /etc/hosts",
                                    options=["--add-host", "one=10.1.2.3", "--add-host", "two.example:fe80::1"]),
                         ["10.1.2.3\tone", "fe80::1\ttwo.example"])

    def test_host_gateway_is_refused(self):
        result = self.build("FROM box\nRUN true\n", options=["--add-host", "h=host-gateway"], code=UNSUPPORTED)
        self.assert_error(result, "host-gateway", "127.0.0.1")

    def test_limits(self):
        self.assertEqual(self.lines("ulimit -n; ulimit -Hn; ulimit -c", options=["--ulimit", "nofile=100:200", "--ulimit", "core=0"]),
                         ["100", "200", "0"])

    def test_limit_that_is_unknown(self):
        result = self.build("FROM box\nRUN true\n", options=["--ulimit", "rttime=5"], code=USAGE)
        self.assert_error(result, "--ulimit", "nofile")


class KnownResults(RunCase):
    """What is executed again."""
    cached = True

    def test_after_a_change_of_what_is_mounted(self):
        def run(**changes):
            return self.lines("--mount=source=sub,target=/s cat /s/b", files={**FILES, **changes})
        self.assertEqual(run(), ["text of b"])
        self.assertEqual(run(), [])
        self.assertEqual(run(a="not mounted"), [])
        self.assertEqual(run(**{"sub/b": "changed\n"}), ["changed"])
        self.assertEqual(run(**{"sub/new": "new\n"}), ["text of b"])

    def test_after_a_change_of_the_stage(self):
        def run(text):
            result = self.build(f"FROM box AS made\nRUN echo {text} >/f\nFROM box\n"
                                "RUN --mount=from=made,source=/f,target=/f cat /f\n", options=["--progress", "plain"])
            return [line for line in result.err.splitlines() if line.endswith((" one", " two")) and "s #" in line]
        self.assertEqual(len(run("one")), 1)
        self.assertEqual(run("one"), [])
        self.assertEqual(len(run("two")), 1)

    def test_values_of_secrets_do_not_count(self):
        def run(value, mount="id=T,env=T"):
            return self.lines(f"--mount=type=secret,{mount} echo $T", options=["--secret", "id=T"], env={"T": value})
        self.assertEqual(run("1"), ["1"])
        self.assertEqual(run("2"), [])
        self.assertEqual(run("2", "id=T,env=T,required"), ["2"])

    def test_what_caches_hold_does_not_count(self):
        def run(mount="target=/c"):
            return self.lines(f"--mount=type=cache,{mount} echo x >>/c/f; wc -l </c/f")
        self.assertEqual(run(), ["1"])
        self.assertEqual(run(), [])
        self.assertEqual(run("target=/c,sharing=locked"), [])
        self.assertEqual(run("target=/c,id=other"), ["1"])

    def test_hosts_and_limits_count(self):
        def run(*options):
            return self.lines("echo ran", options=options)
        for options in [(), ("--add-host", "a=1.2.3.4"), ("--ulimit", "nofile=100"), ("--shm-size", "1M")]:
            self.assertEqual((run(*options), run(*options)), (["ran"], []))


class SameImage(Case):
    """Mounts and all, whatever isolates the steps."""
    DOCKERFILE = """FROM box AS made
RUN mkdir /out && echo x >/out/f && chown 5:6 /out/f && ln -s f /out/l && chown -h 7:8 /out/l
FROM box
RUN --mount=from=made,source=/out,target=/in cp -a /in /copied
RUN --mount=target=/src,rw cp -a /src/sub /sub && rm /src/a
RUN --mount=type=cache,target=/c,uid=1000 stat -c %u /c >/owner && touch /c/x && cp -a /c/x /x
RUN --mount=type=secret,id=s,uid=1000,target=/new/place cp -p /new/place /copied/secret
RUN --mount=type=tmpfs,target=/old cp /etc/passwd /old && ln -s x /old/l && chown -h 9:9 /old/l && mv /old/l /l
USER app
RUN --mount=type=secret,id=s,uid=1000 cat /run/secrets/s >/tmp/read
"""

    def build_every_way(self, ways, dockerfile):
        """The tree, which is the same for all ways."""
        digests = {}
        for way in ways:
            case = type("Build", (RunCase,), {"way": way, "runTest": lambda _: None})()
            case.setUp()
            self.addCleanup(case.doCleanups)
            secret = case.dir / "s"
            secret.write_text("value\n")
            way.hand_over(secret)
            tree = case.built(dockerfile, FILES, ["--timestamp", "1700000000", "--secret", f"id=s,src={secret}"])
            digests[f"{way.isolation}{' as somebody' if way.user else ''}"] = gvmi.sha256(case.image())
        self.assertEqual(len(set(digests.values())), 1, digests)
        return tree

    def test_with_mounts(self):
        tree = self.build_every_way([way for way in isolation.all_ways() if way.isolation != "chroot"], self.DOCKERFILE)
        self.assertEqual([owner(tree[name]) for name in [b"copied/f", b"copied/l", b"copied/secret", b"l", b"tmp/read"]],
                         [(5, 6), (7, 8), (1000, 0), (9, 9), (1000, 1001)])

    def test_without_secrets(self):
        lines = [line for line in self.DOCKERFILE.splitlines(True) if "type=secret" not in line]
        tree = self.build_every_way(isolation.all_ways(), "".join(lines))
        self.assertEqual([owner(tree[name]) for name in [b"copied/f", b"copied/l", b"l"]], [(5, 6), (7, 8), (9, 9)])


class NoTrace(RunCase):
    """Values that nobody is to find are nowhere but where commands put them."""
    PLANTED = {"file": b"planted-in-a-file-81e2", "variable": b"planted-in-a-variable-42af", "agent": b"planted-agent-name-77d0",
               "proxy": b"planted-proxy-5c13", "argument": b"planted-proxy-argument-90ab"}

    def setUp(self):
        super().setUp()
        self.only_with_namespaces()
        planted = {name: value.decode() for name, value in self.PLANTED.items()}
        secrets = scratch_folder("given")  # a socket's path has to be short
        (secrets / "token").write_text(planted["file"])
        self.server = socket.socket(socket.AF_UNIX)
        self.addCleanup(self.server.close)
        agent = secrets / f"{planted['agent']}.sock"
        self.server.bind(str(agent))
        self.server.listen()
        self.way.hand_over(secrets, secrets / "token", agent)
        self.given = ["--secret", f"id=file,src={secrets / 'token'}", "--secret", "id=variable,env=PLANTED", "--ssh", f"default={agent}",
                      "--build-arg", f"https_proxy=http://u:{planted['argument']}@p.invalid"]
        self.variables = {"PLANTED": planted["variable"], "http_proxy": f"http://u:{planted['proxy']}@p.invalid"}

    STEPS = """FROM box
RUN --mount=type=secret,id=file,required test -s /run/secrets/file && wc -c </run/secrets/file >/size
RUN --mount=type=secret,id=variable,env=V,required test -n "$V" && test -n "$http_proxy" && test -n "$https_proxy"
RUN --mount=type=ssh,required --mount=type=cache,target=/c test -S $SSH_AUTH_SOCK && env >/dev/null && touch /c/x
RUN --mount=type=secret,id=file,env=F --mount=type=secret,id=variable,target=/v test -n "$F" && test -s /v && echo done >/done
"""

    def assert_nowhere(self, folder):
        looked_at = 0
        for path in folder.rglob("*"):
            for name, value in self.PLANTED.items():
                self.assertNotIn(value, os.fsencode(path), name)
            if path.is_file() and not path.is_symlink():
                data = path.read_bytes()
                looked_at += 1
                for name, value in self.PLANTED.items():
                    self.assertNotIn(value, data, f"{name} is in {path}")
        return looked_at

    def assert_not_in(self, text):
        for name, value in self.PLANTED.items():
            self.assertNotIn(value.decode(), text, name)

    def test_nowhere_in_store_image_and_output(self):
        for progress in ["plain", "json"]:
            result = self.build(self.STEPS, options=[*self.given, "--progress", progress, "--metadata-file", self.dir / "metadata.json",
                                                     "--iidfile", self.dir / "iid"], env=self.variables)
            self.assert_not_in(result.out + result.err)
        self.assertGreater(self.assert_nowhere(self.store), 5)
        unpacked = self.dir / "unpacked"
        subprocess.run(["unsquashfs", "-q", "-n", "-no-xattrs", "-d", str(unpacked), str(self.image())], check=False, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        self.assertGreater(self.assert_nowhere(unpacked), 3)
        self.assertEqual(self.read("/done"), b"done\n")
        self.assert_not_in(gvmi.read_trailer(self.image()).json_text)
        for path in [self.image(), self.dir / "metadata.json", self.dir / "iid"]:
            for name, value in self.PLANTED.items():
                self.assertNotIn(value, path.read_bytes(), f"{name} is in {path}")

    def test_nowhere_in_plans_and_inspection(self):
        context = self.context({"Dockerfile": self.STEPS})
        for form in ["text", "json"]:
            result = self.gbuild("plan", "--registry-mirror", shared_registry().host, "--format", form, "--build-arg",
                                 f"https_proxy=http://u:{self.PLANTED['argument'].decode()}@p.invalid", context, env=self.variables)
            self.assert_not_in(result.out + result.err)
        self.build(self.STEPS, options=self.given, env=self.variables)
        result = self.gbuild("inspect", "--format", "json", self.image())
        self.assert_not_in(result.out)

    def test_nowhere_in_errors_and_what_they_leave(self):
        for command in ["false", "--security=insecure true", "--mount=type=secret,id=other,required true", "no-such-program"]:
            result = self.build(self.STEPS + f"RUN --mount=type=secret,id=file --mount=type=ssh {command}\n", options=self.given,
                                env=self.variables, code=None)
            self.assertNotEqual(result.code, 0)
            self.assert_not_in(result.out + result.err)
        self.assert_nowhere(self.store)
        self.assert_nothing_staged()

    def test_nowhere_after_a_kill(self):
        marked = type("Build", (Marked, RunCase), {"way": self.way, "runTest": lambda _: None})()
        marked.setUp()
        self.addCleanup(marked.doCleanups)
        context = marked.context({"Dockerfile": "FROM box\nRUN --mount=type=secret,id=file --mount=type=secret,id=variable,env=V "
                                                f"--mount=type=ssh sleep {marked.mark}\n"})
        process = marked.start("build", "--registry-mirror", shared_registry().host, "-o", marked.image(), *marked.options(*self.given),
                               context, env=self.variables)
        marked.wait_for_processes(process)
        process.kill()
        process.communicate()
        marked.assert_no_process_left(patience=30)
        self.assert_nowhere(marked.store)
