"""The Golem registry's client: login, push, resolve, pull, against a registry that fails in every way that is known."""
import base64
import json
import os
import pty
import random
import signal
import stat
import subprocess
import sys
import threading

from harness import gvmi
from harness.case import Case, made_once, scratch_folder
from harness.golem_registry import GolemRegistry, cut, refuse_unread, send, send_json, silence, status

TOKEN = "pat-5f3c9a1e77d04b6c"
CHUNK = 16 * 1024
USAGE, NOT_FOUND, UNAUTHORIZED, NETWORK, INTEGRITY, LIMIT, CONFLICT, INTERRUPTED = 2, 4, 5, 6, 7, 8, 10, 130

# Runs a command, and prints its exit code and ru_maxrss: of a process of its own, since a child's figure is never below that of
# who started it.
PEAK = """import resource, subprocess, sys
code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode
print(code, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"""


@made_once
def image_file():
    """A real image of some 400 KB that does not compress, made without gbuild's help but for the program itself."""
    folder = scratch_folder("published")
    case = Case()
    case.dir, case.home, case.store = folder, folder, folder / "store"
    context = case.context({"Dockerfile": "FROM scratch\nCOPY noise /noise\nVOLUME /v\n",
                            "noise": random.Random(1).randbytes(400_000)})
    case.gbuild("build", "-o", folder / "image.gvmi", context)
    return folder / "image.gvmi"


class Publishing(Case):
    def setUp(self):
        super().setUp()
        self.server = GolemRegistry(self.dir / "registry", {"alice": TOKEN}, {("alice", "app"), ("bob", "app")})
        self.addCleanup(self.server.stop)
        self.file = image_file()
        self.hash = gvmi.sha3_224(self.file)

    def environment(self, **changes):
        return super().environment(**{"REGISTRY_URL": self.server.url, "REGISTRY_USER": "alice", "REGISTRY_TOKEN": TOKEN,
                                      **changes})

    def gbuild(self, *arguments, **more):
        """And no output ever shows the token."""
        result = super().gbuild(*arguments, **more)
        self.assertNotIn(TOKEN, result.out + result.err)
        return result

    def push(self, *words, code=0, **more):
        return self.gbuild("push", "--chunk-size", CHUNK, "--progress", "plain", self.file, *(words or ["alice/app:1"]),
                           code=code, **more)

    def pushed(self):
        """The only upload that the server knows, and its chunks."""
        made, = self.server.descriptors.values()
        return made

    def assert_published(self, *names):
        made = self.pushed()
        self.assertEqual(self.server.image(made.id), self.file.read_bytes())
        for name in names:
            self.assertEqual(self.server.tags.get(name), made.id)
        self.assertEqual({number: count for (_, number), count in self.server.accepted.items() if count != 1}, {},
                         "chunks that were accepted more than once")
        self.assertEqual(len(self.server.accepted), len(made.hashes))


class Push(Publishing):
    def test_image_gets_its_names_and_is_never_sent_twice(self):
        result = self.push("alice/app:1", "alice/app", "bob/app:x", code=UNAUTHORIZED)
        self.assertIn("may not write to repositories of bob", result.err)
        self.assertEqual(self.server.seen("push/chunk"), [], "names are asked for before anything is sent")
        result = self.push("alice/app:1", "alice/app")
        self.assert_published("alice/app:1", "alice/app:latest")
        for text in ["Pushed alice/app:1", "Pushed alice/app:latest", self.hash, f"{self.server.url}/download/"]:
            self.assertIn(text, result.out)
        self.assertEqual(len(self.server.seen("info")), 2)
        result = self.push("alice/app:2")
        self.assertIn("Sent: nothing", result.out)
        self.assert_published("alice/app:2")

    def test_json_tells_what_a_script_needs(self):
        told = json.loads(self.push("alice/app:1", "--format", "json").out)
        made = self.pushed()
        self.assertEqual((told["sha3"], told["descriptor"], told["chunks"], told["chunksSent"], told["bytesSent"]),
                         (self.hash, made.id, len(made.hashes), len(made.hashes), self.file.stat().st_size))
        name, = told["names"]
        self.assertEqual((name["user"], name["repository"], name["tag"]), ("alice", "app", "1"))
        self.assertEqual(name["taskPackage"], f"hash:sha3:{self.hash}:{name['http']}")
        again = json.loads(self.push("alice/app:1", "--format", "json").out)
        self.assertEqual((again["chunksThere"], again["chunksSent"]), (len(made.hashes), 0))

    def test_dry_run_sends_no_chunk_and_no_tag(self):
        result = self.push("alice/app:1", "--dry-run")
        self.assertIn("alice/app:1 may be written", result.out)
        self.assertEqual((self.server.accepted, self.server.tags), ({}, {}))
        self.assertIn("not found", self.push("alice/none:1", "--dry-run", code=NOT_FOUND).err)
        self.push("--anonymous", "--dry-run")
        self.assertEqual(self.server.accepted, {})

    def test_anonymous_push_logs_nobody_in(self):
        result = self.push("--anonymous", env={"REGISTRY_USER": None, "REGISTRY_TOKEN": None})
        self.assert_published()
        self.assertIn(self.hash, result.out)
        self.assertEqual(self.server.seen("login|attach"), [])
        self.push("--anonymous", "alice/app:1", code=USAGE)

    def test_image_by_its_tag_here(self):
        context = self.context({"Dockerfile": "FROM scratch\nVOLUME /v\n"})
        super().gbuild("build", "-t", "alice/app:1.0", "-o", self.image(), context)
        self.gbuild("push", "alice/app:1.0")
        self.assertEqual(list(self.server.tags), ["alice/app:1.0"])
        for path in [self.image(), f"./{self.image().name}"]:
            self.assertIn("no name in the registry", self.gbuild("push", path, code=USAGE).err)
        self.gbuild("push", "nobody/knows:this", code=NOT_FOUND)

    def test_names_that_cannot_be(self):
        for name in ["app:1", "/app", "alice/", "alice/app:", "a/b/c", "alice/app:1:2", "al ice/app", "alice/äpp", "-/-:-", ":1"]:
            with self.subTest(name=name):
                self.push("--", name, code=USAGE)
        self.assertEqual(self.server.requests, [])

    def test_file_that_is_no_image_is_pushed_by_force_only(self):
        self.file = self.dir / "other"
        self.file.write_bytes(b"x" * 100)
        self.assertIn("--force", self.push(code=7).err)
        self.assertEqual((self.server.tags, self.server.descriptors), ({}, {}))
        self.assertIn("no-image", self.push("--force", "alice/app:1").err)
        self.assert_published("alice/app:1")

    def test_numbers_that_cannot_be(self):
        for options in [["--jobs", "0"], ["--jobs", "x"], ["--chunk-size", "0"], ["--chunk-size", "2G"], ["--timeout", "0"],
                        ["--retries", "-1"]]:
            with self.subTest(options=options):
                self.push("alice/app:1", *options, code=USAGE)

    def test_memory_does_not_grow_with_image_and_chunks(self):
        """Four chunks of 16 MB at a time would not fit."""
        self.file = self.dir / "large"
        with self.file.open("wb") as file:
            file.truncate(96 << 20)
        command = self.command("push", "-q", "--force", "--chunk-size", "16M", self.file, "alice/app:1")
        measured = subprocess.run([sys.executable, "-c", PEAK, *map(str, command)], env=self.environment(), text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
        code, peak = map(int, measured.stdout.split()[-2:])
        self.assertEqual(code, 0)
        if "ASAN_OPTIONS" not in os.environ:
            self.assertLess(peak, 48 * 1024, "kB")

    def test_push_that_is_killed_goes_on_where_it_stopped(self):
        """At 20 instants: after so many bytes of chunks, or so many requests."""
        seed = int(os.environ.get("GBUILD_TEST_SEED", random.randrange(1 << 32)))
        print(f"seed {seed}", flush=True)
        rng = random.Random(seed)
        for _ in range(20):
            self.kill_after(rng.randrange(1, 2 * CHUNK) if rng.random() < 0.7 else 0, rng.randrange(1, 9))
        self.push()
        self.assert_published("alice/app:1")

    def kill_after(self, count, requests):
        lock, left = threading.Lock(), [count, requests]
        child = self.start("push", "-q", "--chunk-size", CHUNK, self.file, "alice/app:1")

        def less(which, by):
            with lock:
                left[which] -= by
                if left[which] <= 0:
                    child.kill()

        self.server.on_bytes = (lambda size: less(0, size)) if count else None
        self.server.on_request = None if count else lambda: less(1, 1)
        child.communicate()
        self.server.on_bytes = self.server.on_request = None


class Build(Publishing):
    def context_with(self, lines):
        return self.context({"Dockerfile": lines, "f": "x"})

    def test_build_publishes_what_it_built(self):
        context = self.context_with("FROM scratch\nCOPY f /f\nVOLUME /v\n")
        result = super().gbuild("build", "--push", "-t", "alice/app:1.0", "--push-to", "alice/app:2", "-o", self.image(),
                                "--metadata-file", self.dir / "metadata", context)
        self.file = self.image()
        self.assert_published("alice/app:1.0", "alice/app:2")
        self.assertIn("Pushed alice/app:1.0", result.out)
        told = json.loads((self.dir / "metadata").read_text())["gbuild.push"]
        self.assertEqual([name["asked"] for name in told["names"]], ["alice/app:2", "alice/app:1.0"])
        result = super().gbuild("build", "-q", "--push", "-t", "alice/app:3", "-o", self.image(), context)
        self.assertEqual(result.out, gvmi.sha3_224(self.image()) + "\n")
        self.assert_published("alice/app:3")

    def test_bad_login_ends_a_build_before_it_begins(self):
        context = self.context_with("FROM scratch\nCOPY f /f\nVOLUME /v\n")
        build = ["build", "--progress", "plain", "--push-to", "alice/app:1", "-o", self.image(), context]
        for env in [{"REGISTRY_TOKEN": "wrong"}, {"REGISTRY_TOKEN": None, "REGISTRY_USER": None}]:
            result = self.gbuild(*build, env=env, code=UNAUTHORIZED)
            self.assertNotIn("STEP", result.err)
            self.assert_no_output()
        self.assertEqual([request.path for request in self.server.requests], ["/auth/pat/login"])

    def test_names_are_looked_at_before_a_build(self):
        context = self.context_with("FROM scratch\nVOLUME /v\n")
        for options in [["--push"], ["--push", "-t", "app"], ["--push-to", "a/b/c"], ["--push-to", "alice/app:1", "--verify"],
                        ["--push-to", "alice/app:1", "-o", "type=tar,dest=x.tar"]]:
            with self.subTest(options=options):
                self.gbuild("build", *options, *([] if "-o" in options else ["-o", self.image()]), context, code=USAGE)
                self.assert_no_output()
        self.assertEqual(self.server.requests, [])


class Faults(Publishing):
    """Each is survived, or refused with the registry's reason."""

    def assert_survived(self, *options):
        result = self.push("alice/app:1", *options)
        self.assert_published("alice/app:1")
        return result

    def assert_refused(self, code, *texts, options=()):
        result = self.push("alice/app:1", *options, code=code)
        for text in ["error:", *texts]:
            self.assertIn(text, result.err)
        self.assertEqual(self.server.tags, {})
        return result

    def chunk(self, number, answer, times=1, before_body=False):
        """The first `times` requests with that chunk get another answer."""
        left = [times]

        def fault(request):
            if request.path != "/v1/image/push/chunk" or request.fields.get("chunk-no") != str(number) or left[0] == 0:
                return None
            left[0] -= 1
            return answer

        self.server.faults.append(fault)

    def test_500_for_a_chunk_once(self):
        self.chunk(3, status(500, "disk is busy"))
        self.assertIn("disk is busy", self.assert_survived().err)

    def test_500_for_a_chunk_always(self):
        self.chunk(3, status(503, '{"message": "out of\\u001b[31m order"}'), times=-1)
        self.assert_refused(NETWORK, "chunk 3", "503", "out of\\x1b[31m order", "tried 2 times", options=["--retries", "1"])

    def test_429_waits_as_long_as_it_is_told(self):
        self.chunk(2, status(429, "slow down", {"Retry-After": "1"}))
        self.assertIn("retrying in 1.0 s", self.assert_survived().err)

    def test_429_for_a_day_says_when(self):
        self.server.always("push/chunk", status(429, "slow down", {"Retry-After": "86400"}))
        self.assert_refused(NETWORK, "slow down", "the limit resets in 86400 s")

    def test_connection_that_breaks_in_the_middle_of_a_chunk(self):
        self.server.once("push/chunk", cut(CHUNK // 2), before_body=True)
        self.assert_survived()

    def test_connection_that_breaks_before_the_answer(self):
        """The chunk is there, and is not sent again."""
        left = [2]

        def lost(handler, request):
            self.server._take_chunk(_Silent(), request.fields)
            cut()(handler)

        def fault(request):
            if request.path == "/v1/image/push/chunk" and left[0] > 0:
                left[0] -= 1
                return lambda handler: lost(handler, request)
            return None

        self.server.faults.append(fault)
        self.assert_survived("--jobs", "1")

    def test_connections_that_always_break(self):
        self.server.always("push/chunk", cut(100), before_body=True)
        self.assert_refused(NETWORK, "failed", "tried 2 times", options=["--retries", "1"])

    def test_status_that_is_missing_once(self):
        self.server.once("image/descr/[0-9a-f]+$", lambda handler: send_json(handler, self.without("status")), times=2)
        self.assert_survived()

    def test_status_that_is_always_missing(self):
        self.server.always("image/descr/[0-9a-f]+$", lambda handler: send_json(handler, self.without("status")))
        self.assert_refused(NETWORK, "does not say whether it has checked the image")

    def without(self, key, change=None):
        made = next(iter(self.server.descriptors.values()), None)
        state = self.server.state(made.id) if made else {"descriptor": "not found"}
        if change and key in state:
            state[key] = change(state[key])
        elif not change:
            state.pop(key, None)
        return state

    def test_list_of_chunks_that_is_too_short(self):
        self.server.once("image/descr/[0-9a-f]+$",
                         lambda handler: send_json(handler, self.without("chunks", lambda chunks: chunks[:3])), times=3)
        self.assert_survived()

    def test_list_of_chunks_that_is_missing_or_too_long(self):
        self.server.once("image/descr/[0-9a-f]+$", lambda handler: send_json(handler, self.without("chunks")), times=2)
        self.server.once("image/descr/[0-9a-f]+$",
                         lambda handler: send_json(handler, self.without("chunks", lambda chunks: chunks + [1] * 50)))
        self.assert_survived()

    def test_lists_of_chunks_that_cannot_be(self):
        for chunks in ["11", {"0": 1}, [0, "1"], [[]], [None]]:
            with self.subTest(chunks=chunks):
                self.server.faults.clear()
                self.server.always("image/descr/[0-9a-f]+$", lambda handler, bad=chunks: send_json(
                    handler, {"descriptor": "ok", "status": "partial", "chunks": bad}))
                self.assert_refused(NETWORK, "its list of chunks")

    def test_answers_that_are_no_json(self):
        page = "<html><head><style>p {}</style></head><body><h1>Sign in</h1><p>to the\x1b network</body></html>\n"
        for body in [page, "", "nonsense", "[1]", '"ok"', "{}", '{"descriptor": 1}', '{"descriptor": "ok"']:
            with self.subTest(body=body):
                self.server.faults.clear()
                self.server.always("image/descr/[0-9a-f]+$", status(200, body))
                told = self.assert_refused(NETWORK, "does not answer as a Golem registry does").err
                self.assertNotIn("\x1b", told)
                self.assertIn("Sign in to the" if body == page else "status 200", told)

    def test_answers_without_end(self):
        self.server.always("image/descr/[0-9a-f]+$", status(200, b'{"descriptor": "ok", "chunks": [' + b"1," * (1 << 20)))
        self.assert_refused(LIMIT, "larger than")

    def test_unknown_upload_with_another_status(self):
        self.server.once("image/descr/[0-9a-f]+$", lambda handler: send_json(handler, {"descriptor": "not found"}, 404))
        self.assert_survived()

    def test_chunk_that_is_too_large(self):
        self.server.always("push/chunk", refuse_unread(413, "<h1>413 Request Entity Too Large</h1>"), before_body=True)
        self.assert_refused(LIMIT, "413 Request Entity Too Large", "--chunk-size")
        self.assertLessEqual(len(self.server.seen("push/chunk")), 4, "what is refused for good is not tried again")

    def test_image_that_is_checked_slowly(self):
        self.server.full_after = 4
        self.assertIn("waiting for the registry to check", self.assert_survived().err)

    def test_image_that_is_never_checked(self):
        self.server.full_after = 1 << 30
        self.assert_refused(NETWORK, "has not checked it yet", "nothing is sent twice", options=["--timeout", "1"])
        self.server.full_after = 0
        self.assertIn("Sent: nothing", self.assert_survived().out)

    def test_401_in_the_middle(self):
        self.chunk(5, status(401, "token has expired"), times=-1)
        self.assert_refused(UNAUTHORIZED, "token has expired")

    def test_401_when_the_tag_is_given(self):
        calls = []

        def fault(request):
            if "/attach/" in request.path and "check" not in request.fields:
                calls.append(request)
                return status(401, f"token {TOKEN} has expired")
            return None

        self.server.faults.append(fault)
        self.assert_refused(UNAUTHORIZED, "token *** has expired")
        self.assertEqual(len(calls), 1)

    def test_redirect_to_another_place_gets_no_token(self):
        other = GolemRegistry(self.dir / "other")
        self.addCleanup(other.stop)
        for code in [301, 302, 307, 308]:
            for path in ["login", "push/descr", "attach", "push/chunk"]:
                with self.subTest(code=code, path=path):
                    self.server.faults.clear()
                    self.server.always(path, status(code, "", {"Location": f"{other.url}/x"}))
                    self.assert_refused(NETWORK, f"redirects to {other.url}", f"REGISTRY_URL={other.url}")
                    self.server.lose()
        self.assertEqual(other.requests, [])

    def test_server_that_loses_the_upload(self):
        lost = []

        def fault(request):
            if request.path == "/v1/image/push/chunk" and request.fields["chunk-no"] == "7" and not lost:
                lost.append(True)
                self.server.lose()
            return None

        self.server.faults.append(fault)
        self.assertIn("has lost the upload", self.push().err)
        self.assert_published("alice/app:1")

    def test_server_that_loses_every_upload(self):
        def fault(request):
            if request.path == "/v1/image/push/chunk":
                self.server.lose()
            return None

        self.server.faults.append(fault)
        self.assert_refused(NETWORK, "loses the upload again and again")

    def test_server_that_knows_no_descriptor(self):
        self.server.always("image/descr/[0-9a-f]+$", lambda handler: send_json(handler, {"descriptor": "not found"}))
        self.assert_refused(NETWORK, "does not know it afterwards")

    def test_silence_is_broken_off(self):
        never = threading.Event()
        self.addCleanup(never.set)
        self.chunk(1, silence(never))
        self.assert_survived("--timeout", "1")

    def test_silence_for_ever(self):
        never = threading.Event()
        self.addCleanup(never.set)
        self.server.always("push/chunk", silence(never))
        self.assert_refused(NETWORK, "failed", options=["--timeout", "1", "--retries", "0"])

    def test_tag_that_gives_something_else(self):
        other = "0" * 56
        self.server.once("info", lambda handler: send_json(handler, {"sha3": other}))
        self.assert_survived()
        self.server.always("info", lambda handler: send_json(handler, {"sha3": other}))
        self.assertIn(other, self.push(code=CONFLICT).err)

    def test_infos_that_cannot_be(self):
        for body in ["", "<p>x</p>", "[]", "{}", '{"sha3": 1}', '{"sha3": "xyz"}']:
            with self.subTest(body=body):
                self.server.faults.clear()
                self.server.always("info", status(200, body))
                self.assertIn("does not answer as a Golem registry does", self.push(code=NETWORK).err)

    def test_file_that_changes_meanwhile(self):
        data = bytearray(self.file.read_bytes())
        self.file = self.dir / "changing.gvmi"
        self.file.write_bytes(data)

        def fault(request):
            if request.path == "/v1/image/push/descr":
                data[5 * CHUNK] ^= 1
                self.file.write_bytes(data)
            return None

        self.server.faults.append(fault)
        self.assertIn("changed while it was pushed", self.push(code=CONFLICT).err)

    def test_interrupt(self):
        never = threading.Event()
        self.addCleanup(never.set)
        child = self.start("push", self.file, "alice/app:1")
        self.server.once("push/chunk", lambda handler: (child.send_signal(signal.SIGINT), silence(never)(handler)))
        _, err = child.communicate(timeout=60)
        self.assertEqual(child.returncode, INTERRUPTED, err)


class _Silent:
    """A handler whose answers nobody gets."""
    class wfile:
        write = staticmethod(lambda data: None)

    def __getattr__(self, name):
        return lambda *_: None


class Logins(Publishing):
    def environment(self, **changes):
        return super().environment(**{"REGISTRY_USER": None, "REGISTRY_TOKEN": None, **changes})

    def login(self, *options, token=TOKEN, code=0, **more):
        return self.gbuild("login", "-u", "alice", "--password-stdin", *options, stdin=token.encode() + b"\n", code=code, **more)

    def test_login_is_kept_for_its_owner_alone(self):
        self.push(code=UNAUTHORIZED)
        path = self.home / ".config/gbuild/auth.json"
        result = self.login()
        self.assertIn(str(path), result.out)
        self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)
        self.assertEqual(stat.S_IMODE(path.parent.stat().st_mode), 0o700)
        kept = json.loads(path.read_text())["auths"][self.server.host]["auth"]
        self.assertEqual(base64.b64decode(kept).decode(), f"alice:{TOKEN}")
        self.push()
        self.assert_published("alice/app:1")
        self.assertIn("Removed", self.gbuild("logout").out)
        self.assertNotIn(self.server.host, path.read_text())
        self.push(code=UNAUTHORIZED)
        self.assertIn("No login", self.gbuild("logout").out)

    def test_login_that_is_refused_is_not_kept(self):
        result = self.login(token="wrong", code=UNAUTHORIZED)
        self.assertIn("Incorrect username or personal access token", result.err)
        self.assertFalse((self.home / ".config/gbuild/auth.json").exists())

    def test_other_logins_of_a_file_stay(self):
        path = self.dir / "auth.json"
        path.write_text(json.dumps({"auths": {"other": {"auth": "eDp5"}}, "more": [1]}))
        self.login("--authfile", path)
        kept = json.loads(path.read_text())
        self.assertEqual((set(kept["auths"]), kept["more"]), ({"other", self.server.host}, [1]))
        self.push("alice/app:1", "--authfile", path)
        self.gbuild("logout", "--authfile", path)
        self.assertEqual(set(json.loads(path.read_text())["auths"]), {"other"})
        path.write_text("[]")
        self.login("--authfile", path, code=USAGE)

    def helper(self):
        """docker's configuration with a helper, which keeps what it gets in a file."""
        programs = self.folder("bin")
        script = programs / "docker-credential-test"
        script.write_text(f"""#!/bin/sh
echo "$1 $#" >>{self.dir}/calls
case $1 in
store) cat >{self.dir}/kept ;;
get) [ -e {self.dir}/kept ] || {{ echo "credentials not found in native keychain"; exit 1; }}; cat {self.dir}/kept ;;
erase) rm {self.dir}/kept ;;
esac
""")
        script.chmod(0o755)
        (self.folder("home/.docker") / "config.json").write_text('{"credsStore": "test"}')
        return {"PATH": f"{programs}:{os.environ['PATH']}"}

    def test_login_is_kept_by_the_helper_of_docker(self):
        env = self.helper()
        self.assertIn("Kept by docker-credential-test", self.login(env=env).out)
        self.assertEqual(json.loads((self.dir / "kept").read_text()),
                         {"ServerURL": self.server.host, "Username": "alice", "Secret": TOKEN})
        self.assertFalse((self.home / ".config/gbuild/auth.json").exists())
        self.push(env=env)
        self.assertIn("docker-credential-test", self.gbuild("logout", env=env).out)
        self.assertFalse((self.dir / "kept").exists())
        self.assertIn("No login", self.gbuild("logout", env=env).out)
        self.assertEqual({line.split()[1] for line in (self.dir / "calls").read_text().splitlines()}, {"1"},
                         "the token is no argument")

    def test_helper_that_fails_keeps_nothing_elsewhere(self):
        env = self.helper()
        script = self.dir / "bin/docker-credential-test"
        script.write_text("#!/bin/sh\necho locked >&2\nexit 1\n")
        self.assertIn("locked", self.login(env=env, code=UNAUTHORIZED).err)
        self.assertFalse((self.home / ".config/gbuild/auth.json").exists())

    def test_dotenv_of_the_working_directory(self):
        folder = self.folder("project")
        (folder / ".env").write_text(f"# ours\nOTHER=x y\nexport REGISTRY_USER = 'alice'\nREGISTRY_TOKEN=\"{TOKEN}\" # secret\n"
                                     f"REGISTRY_URL={self.server.url}/\n")
        self.push(cwd=folder, env={"REGISTRY_URL": None})
        self.assert_published("alice/app:1")
        result = self.push(cwd=folder, env={"REGISTRY_TOKEN": "of-the-environment", "REGISTRY_USER": "alice"}, code=UNAUTHORIZED)
        self.assertIn("Incorrect username", result.err)

    def test_dotenv_cannot_send_a_token_of_the_environment_elsewhere(self):
        (self.folder("project") / ".env").write_text(f"REGISTRY_URL={self.server.url}\n")
        for how in [{"env": {"REGISTRY_URL": None, "REGISTRY_USER": "alice", "REGISTRY_TOKEN": TOKEN}},
                    {"env": {"REGISTRY_URL": None}, "stdin": TOKEN.encode()}]:
            words = ["-u", "alice", "--password-stdin"] if "stdin" in how else []
            result = self.gbuild("push", *words, self.file, "alice/app:1", cwd=self.dir / "project", code=USAGE, **how)
            self.assertIn("REGISTRY_URL", result.err)
        self.assertEqual(self.server.requests, [])

    def test_token_goes_nowhere_in_the_clear(self):
        result = self.push(env={"REGISTRY_URL": "http://192.0.2.1", "REGISTRY_USER": "alice", "REGISTRY_TOKEN": TOKEN}, code=USAGE)
        self.assertIn("in the clear", result.err)

    def test_urls_that_cannot_be(self):
        for url in ["registry", "ftp://127.0.0.1", "http://", "http://user:secret@127.0.0.1", f"{self.server.url}/?a=b"]:
            with self.subTest(url=url):
                self.assertNotIn("secret", self.push(env={"REGISTRY_URL": url}, code=USAGE).err)

    def test_token_without_a_name_is_of_the_user_pushed_to(self):
        self.push(env={"REGISTRY_TOKEN": TOKEN})
        self.assert_published("alice/app:1")
        self.gbuild("login", env={"REGISTRY_TOKEN": TOKEN}, code=USAGE)

    def test_prompt_shows_no_token(self):
        shown = self.log_in_on_terminal(["login"], [(b"User name", b"alice\n"), (b"(not shown): ", TOKEN.encode() + b"\n")])
        self.assertNotIn(TOKEN.encode(), shown)
        self.push()

    def test_prompt_asks_a_named_user_for_the_token_alone(self):
        shown = self.log_in_on_terminal(["login", "-u", "alice"], [(b": ", TOKEN.encode() + b"\n")])
        self.assertNotIn(b"User name", shown)
        self.assertNotIn(TOKEN.encode(), shown)
        self.push()

    def log_in_on_terminal(self, words, answers):
        ours, theirs = pty.openpty()
        child = subprocess.Popen(self.command(*words), env=self.environment(), stdin=theirs, stdout=theirs, stderr=theirs,
                                 start_new_session=True)
        os.close(theirs)
        shown = b""
        for question, answer in [*answers, (b"Kept in", b"")]:
            while question not in shown:
                shown += os.read(ours, 1000)
            os.write(ours, answer)
        self.assertEqual(child.wait(60), 0, shown)
        os.close(ours)
        return shown

    def test_push_needs_no_home(self):
        """As in cron jobs."""
        self.push(env={"REGISTRY_USER": "alice", "REGISTRY_TOKEN": TOKEN, "HOME": None})
        self.assertIn("--authfile", self.login(env={"HOME": None}, code=USAGE).err)

    def test_no_prompt_without_a_terminal(self):
        self.assertIn("no login for", self.gbuild("login", code=UNAUTHORIZED).err)
        self.gbuild("login", "--password-stdin", "-u", "alice", code=USAGE)


class Pull(Publishing):
    def setUp(self):
        super().setUp()
        self.data = self.file.read_bytes()
        self.server.hold(self.data, "alice/app:1")

    def pull(self, *words, **more):
        return self.gbuild("pull", *(words or ["alice/app:1"]), **more)

    def test_resolve_by_name_and_by_hash(self):
        for asked in ["alice/app:1", self.hash, "sha3:" + self.hash, "hash:sha3:" + self.hash]:
            told = json.loads(self.gbuild("resolve", asked, "--format", "json").out)
            self.assertEqual((told["sha3"], told["size"]), (self.hash, len(self.data)))
            self.assertEqual(told["taskPackage"], f"hash:sha3:{self.hash}:{told['http']}")
        self.assertIn(self.hash, self.gbuild("resolve", "alice/app:1").out)
        self.assertIn("knows no image", self.gbuild("resolve", "alice/app:2", code=NOT_FOUND).err)
        self.gbuild("resolve", "0" * 56, code=NOT_FOUND)
        self.gbuild("resolve", "a/b/c", code=USAGE)

    def test_resolve_believes_no_other_image(self):
        self.server.always("info", lambda handler: send_json(handler, {"sha3": "1" * 56}))
        self.gbuild("resolve", self.hash, code=INTEGRITY)

    def test_urls_that_could_do_harm_are_not_shown(self):
        self.server.always("info", lambda handler: send_json(handler, {"sha3": self.hash, "http": "http://x/\x1b[2J",
                                                                       "https": "file:///etc/passwd", "size": -1}))
        told = json.loads(self.gbuild("resolve", "alice/app:1", "--format", "json").out)
        self.assertEqual((told["http"], told["https"], told["size"]), (None, None, None))
        self.pull(code=NETWORK)

    def test_image_is_downloaded_and_tagged(self):
        self.pull()
        self.assertEqual((self.dir / "alice-app-1.gvmi").read_bytes(), self.data)
        self.assertEqual(json.loads(self.gbuild("inspect", "alice/app:1", "--format", "json").out)["sha3"], self.hash)
        self.pull()
        self.assertEqual(len(self.server.seen("download")), 1, "what is there is not downloaded")
        told = json.loads(self.pull(self.hash, "-o", "here.gvmi", "-t", "mine", "--format", "json").out)
        self.assertEqual((told["file"], told["tags"]), (str(self.dir / "here.gvmi"), ["mine:latest"]))

    def cut_once(self, after):
        def answer(handler):
            handler.send_response(200)
            handler.send_header("Content-Length", str(len(self.data)))
            handler.end_headers()
            handler.wfile.write(self.data[:after])
            handler.wfile.flush()
            cut()(handler)
        return answer

    def test_download_goes_on_where_it_broke(self):
        self.server.once("download", self.cut_once(100_000))
        self.pull()
        self.assertEqual((self.dir / "alice-app-1.gvmi").read_bytes(), self.data)
        self.assertEqual(len(self.server.seen("download")), 2)

    def test_download_goes_on_in_a_later_run(self):
        self.server.always("download", self.cut_once(100_000))
        self.pull("alice/app:1", "--retries", "0", code=NETWORK)
        self.assertFalse((self.dir / "alice-app-1.gvmi").exists())
        part, = self.dir.glob(".*.part")
        there = part.stat().st_size
        self.assertGreater(there, 0)
        self.server.faults.clear()
        ranges = []
        self.server.faults.append(lambda request: None)
        self.server.once("download", lambda handler: (ranges.append(handler.headers["Range"]),
                                                      self.server._download(handler, handler.path.rpartition("/")[2])))
        self.pull()
        self.assertEqual(ranges, [f"bytes={there}-"])
        self.assertEqual((self.dir / "alice-app-1.gvmi").read_bytes(), self.data)
        self.assertEqual(list(self.dir.glob(".*.part")), [])

    def test_wrong_bytes_are_not_kept(self):
        bad = bytes([self.data[0] ^ 1]) + self.data[1:]
        self.server.once("download", lambda handler: send(handler, 200, bad))
        self.assertIn("SHA3", self.pull(code=INTEGRITY).err)
        self.assertEqual([path.name for path in self.dir.iterdir() if "alice-app" in path.name], [])
        self.pull()

    def test_more_bytes_than_there_should_be(self):
        self.server.always("download", lambda handler: send(handler, 200, self.data + b"x" * 100_000))
        self.pull(code=INTEGRITY)

    def test_download_that_is_refused(self):
        self.server.always("download", status(403, "no"))
        self.pull(code=UNAUTHORIZED)

    def test_pull_in_two_places_at_once(self):
        self.server.once("download", lambda handler: (self.pull(code=CONFLICT),
                                                      self.server._download(handler, handler.path.rpartition("/")[2])))
        self.pull()
        self.assertEqual((self.dir / "alice-app-1.gvmi").read_bytes(), self.data)
