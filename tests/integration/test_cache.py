"""What is executed again and what is not; caches that machines share."""
import json
import random
import re
import shutil
import signal
import socket
import time

from harness.case import shared_layout, shared_registry
from harness.isolation import Marked, RunCase, every_way
from harness.registry import Registry

THREE_STAGES = """FROM box AS tools
RUN mkdir /tools && echo tool >/tools/t
COPY tool.cfg /tools/
FROM box AS app
WORKDIR /app
COPY lib lib
RUN find lib -type f | sort | xargs cat >all && stat -c '%n %a' lib/* >modes
COPY main .
RUN cat main all >program
FROM box
ENV PLACE=/srv
COPY --from=tools /tools /srv/tools
COPY --from=app /app/program /srv/
RUN cat $PLACE/tools/t $PLACE/program >/srv/both
VOLUME /data
"""
FILES = {"tool.cfg": "cfg", "lib/a": "a", "lib/b": "b", "main": "main"}


class CacheCase:
    """Builds that use what is known."""
    cached = True

    def steps(self, dockerfile, files=None, options=(), **more):
        """{text of a step: whether it was cached}, of the steps that change files."""
        result = self.build(dockerfile, files, ["--progress", "json", *options], **more)
        events = [json.loads(line) for line in result.err.split("\n") if line]
        texts = {event["id"]: event["text"] for event in events if event["event"] == "step-started"}
        return {texts[event["id"]]: event["cached"] for event in events if event["event"] == "step-finished"
                and texts[event["id"]].split()[0] in ("RUN", "COPY", "ADD", "WORKDIR")}

    def executed(self, *arguments, **more):
        return [text for text, cached in self.steps(*arguments, **more).items() if not cached]

    def bytes_of(self, name="image"):
        return self.image(name).read_bytes()

    def clean_bytes(self, dockerfile, files=None, options=()):
        """What a build makes that knows nothing."""
        store, self.store = self.store, self.dir / "clean-store"
        shutil.rmtree(self.store, ignore_errors=True)
        try:
            self.build(dockerfile, files, ["--no-cache", *options], name="clean")
        finally:
            self.store = store
        return self.bytes_of("clean")


@every_way
class Rebuild(CacheCase):
    def test_nothing_changed(self):
        self.assertEqual(len(self.executed(THREE_STAGES, FILES)), 10)
        before = self.image().stat()
        self.assertEqual(self.executed(THREE_STAGES, FILES), [])
        self.assertEqual(self.image().stat().st_mtime_ns, before.st_mtime_ns, "the image was written again")

    def test_only_what_depends_on_a_changed_source(self):
        self.steps(THREE_STAGES, FILES)
        changed = {**FILES, "main": "other"}
        self.assertEqual(self.executed(THREE_STAGES, changed),
                         ["COPY main .", "RUN cat main all >program", "COPY --from=app /app/program /srv/",
                          "RUN cat $PLACE/tools/t $PLACE/program >/srv/both"])
        self.assertEqual(self.read("srv/both"), b"tool\notherab")
        self.assertEqual(self.bytes_of(), self.clean_bytes(THREE_STAGES, changed))

    def test_a_step_with_the_same_result_ends_it(self):
        dockerfile = "FROM box AS one\nCOPY words /w\nRUN wc -c </w >/count && rm /w\nFROM box\nCOPY --from=one /count /\nRUN cp /count /c\n"
        self.steps(dockerfile, {"words": "abc"})
        self.assertEqual(self.executed(dockerfile, {"words": "xyz"})[:2], ["COPY words /w", "RUN wc -c </w >/count && rm /w"])
        self.assertNotIn("RUN cp /count /c", self.executed(dockerfile, {"words": "123"}))

    def test_a_mount_counts_by_what_it_shows(self):
        dockerfile = ("FROM box AS one\nCOPY words other /d/\nRUN cp /d/words /w\nFROM box\n"
                      "RUN --mount=from=one,source=/w,target=/w cat /w >/copy\nRUN --mount=from=one,source=/d,target=/d ls /d >/list\n")
        last = ["RUN --mount=from=one,source=/w,target=/w cat /w >/copy", "RUN --mount=from=one,source=/d,target=/d ls /d >/list"]
        self.steps(dockerfile, {"words": "abc", "other": "1"})
        executed = self.executed(dockerfile, {"words": "abc", "other": "2"})  # L-18
        self.assertIn("RUN cp /d/words /w", executed)
        self.assertNotIn(last[0], executed)
        self.assertIn(last[1], executed)
        self.assertEqual(self.executed(dockerfile, {"words": "abc", "other": "2"}), [])
        self.assertIn(last[0], self.executed(dockerfile, {"words": "xyz", "other": "2"}))
        self.assertEqual(self.read("/copy"), b"xyz")
        self.assertEqual(self.bytes_of(), self.clean_bytes(dockerfile, {"words": "xyz", "other": "2"}))

    def test_failed_steps_are_not_kept(self):
        dockerfile = "FROM box\nRUN echo one >/one\nRUN echo two >/two; exit 3\n"
        for _ in range(2):
            result = self.build(dockerfile, options=["--progress", "plain"], code=11)
            self.assertNotIn("STEP 3/3 cached", result.err)
        self.assertIn("STEP 2/3 cached", result.err)

    def test_plan_tells(self):
        self.steps(THREE_STAGES, FILES)

        def plan(files, *options):
            context = self.context({"Dockerfile": THREE_STAGES, **files}, "context-image")
            return self.gbuild("plan", "--registry-mirror", shared_registry().host, *options, context).out

        self.assertNotIn("executed", plan(FILES))
        text = plan({**FILES, "lib/b": "c"})
        self.assertIn("executed: lib/b changed", text)
        self.assertEqual(text.count("executed"), 1 + text.count("unclear: depends on what is executed before it"))
        self.assertIn("executed: the cache is not to be used", plan(FILES, "--no-cache-filter", "tools"))
        stages = json.loads(plan({**FILES, "tool.cfg": "new"}, "--format", "json"))["stages"]
        self.assertEqual([step.get("result") for step in stages[0]["steps"]],
                         [{"state": "cached", "reason": ""}, {"state": "executed", "reason": "tool.cfg changed"}])

    def test_stages_run_side_by_side(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        # The listener's input never ends: at its end nc says so to the other side, which may go before it has spoken.
        self.build(f"""FROM box AS one
RUN mkfifo /tmp/open && nc -l -p {port} <>/tmp/open >/heard
FROM box AS two
RUN until echo hello | nc -w 1 127.0.0.1 {port}; do usleep 20000; done
FROM box
COPY --from=one /heard /
COPY --from=two /etc/passwd /p
""", options=["--jobs", "2", "--timeout", "60"])
        self.assertEqual(self.read("heard"), b"hello\n")


@every_way
class Cancelled(Marked, CacheCase):
    def test_the_first_error_ends_the_other_stages(self):
        result = self.build(f"""FROM box AS one
RUN sleep {self.mark}
FROM box AS two
RUN sleep 0.3; exit 3
FROM box
COPY --from=one / /one
COPY --from=two / /two
""", options=["--jobs", "2"], code=11)
        self.assertIn("exit code 3", result.err)
        self.assertEqual(result.err.count("error:"), 1)
        self.assert_no_process_left()


class Stale(CacheCase, RunCase):
    """Whatever changes, the image is the one that a build without a cache makes."""
    DOCKERFILE = """FROM {base}
ARG V=1
ENV E={env}
USER {user}
WORKDIR /w{dir}
USER 0
COPY src /src
RUN --network={network} (find /src ! -type l -exec stat -c '%n %a %s' {{}} + ; find /src -type l -exec readlink {{}} \\; ; env | sort; pwd; id; ip -o link) >/seen
RUN sha256sum /seen >/sum
"""
    PLAIN = {"base": "box", "env": "e", "user": "0", "dir": "", "network": "default"}

    def make(self, **changes):
        return self.DOCKERFILE.format(**{**self.PLAIN, **changes})

    def test_no_hit_is_stale(self):
        files = {"src/a": "aa", "src/b": "bb", "Dockerfile": ""}
        folder = self.context(files, "context-image") / "src"
        (folder / "link").symlink_to("a")
        self.build(self.make(), name="image")
        first = self.bytes_of()

        def mode():
            (folder / "a").chmod(0o755)

        def name():
            (folder / "a").rename(folder / "c")

        def link():
            (folder / "link").unlink()
            (folder / "link").symlink_to("b")

        def swap():
            (folder / "c").write_text("bb")
            (folder / "b").write_text("aa")

        changes = [("content", lambda: (folder / "a").write_text("ab"), {}, []), ("mode", mode, {}, []), ("name", name, {}, []),
                   ("link", link, {}, []), ("contents swapped", swap, {}, []), ("arg", None, {}, ["--build-arg", "V=2"]),
                   ("env", None, {"env": "f"}, []), ("base", None, {"base": "tiny AS t\nFROM box"}, []),
                   ("user", None, {"user": "7"}, []), ("directory", None, {"dir": "x"}, []),
                   ("timestamp", None, {}, ["--timestamp", "1000000000"])]
        if self.has_namespaces:
            changes.append(("network", None, {"network": "none"}, []))
        seen = {first}
        for what, change, dockerfile, options in changes:
            with self.subTest(what):
                if change:
                    change()
                text = self.make(**dockerfile)
                self.build(text, options=options)
                made = self.bytes_of()
                if what != "base":
                    self.assertNotIn(made, seen, "a stale result")
                seen.add(made)
                shutil.rmtree(self.dir / "context-clean", ignore_errors=True)
                shutil.copytree(self.dir / "context-image", self.dir / "context-clean", symlinks=True)
                self.assertEqual(made, self.clean_bytes(text, options=options))

    def test_another_base_under_the_same_name(self):
        registry = Registry(self.dir / "registry")
        self.addCleanup(registry.stop)
        dockerfile = "FROM base\nRUN ls / >/seen\n"
        registry.push(shared_layout(), "box", "library/base:latest")
        self.build(dockerfile, registry=registry)
        first = self.bytes_of()
        registry.push(shared_layout(), "edge-in-range", "library/base:latest")
        self.build(dockerfile, registry=registry)
        self.assertEqual(self.bytes_of(), first, "what the store remembers counts")
        result = self.build("FROM base\nCOPY --from=base / /all\n", options=["--pull"], registry=registry)
        self.assertNotIn("cached", result.err)

    def test_times_and_owners_of_the_context_do_not_count(self):
        self.steps("FROM box\nCOPY src /src\nRUN ls /src\n", {"src/a": "a"})
        time_before = (self.dir / "context-image/src/a").stat().st_mtime_ns
        self.assertEqual(self.executed("FROM box\nCOPY src /src\nRUN ls /src\n", {"src/a": "a"}), [])
        self.assertNotEqual((self.dir / "context-image/src/a").stat().st_mtime_ns, time_before)


class Shared(CacheCase, RunCase):
    """Machine A sends, machine B has an empty store and does not reach the base's registry."""

    def setUp(self):
        super().setUp()
        self.registry = Registry(self.dir / "registry")
        self.addCleanup(self.registry.stop)
        self.place = f"type=registry,ref={self.registry.address('team/cache:main')}"

    def on_machine(self, name, *options, registry=None, dockerfile=THREE_STAGES):
        store, self.store = self.store, self.dir / f"store-{name}"
        try:
            return self.build(dockerfile, FILES, ["--progress", "plain", *options], registry=registry, name="image")
        finally:
            self.store = store

    def nowhere(self):
        """A registry that is gone."""
        registry = Registry(self.dir / f"gone-{random.random()}")
        registry.stop()
        return registry

    def test_offline_from_the_base(self):
        for place in [self.place, f"type=local,dest={self.dir}/local"]:
            with self.subTest(place):
                self.on_machine("A", "--cache-to", place + ",mode=max")
                made = self.bytes_of()
                self.image().unlink()
                source = place.replace("dest=", "src=")
                result = self.on_machine("B", "--cache-from", source, registry=self.nowhere())
                self.assertEqual(self.bytes_of(), made)
                self.assertEqual(len(re.findall(r"STEP \d+/15 cached", result.err)), 10, result.err)
                shutil.rmtree(self.dir / "store-B")
                if place == self.place:
                    continue  # one will do: it takes a while until a registry is given up
                self.on_machine("C", "--cache-from", source, "--cache-to", place + ",mode=max", registry=self.nowhere())
                self.assertEqual(self.bytes_of(), made)
                shutil.rmtree(self.dir / "store-C")

    def test_only_what_the_image_is_made_of(self):
        self.on_machine("A", "--cache-to", self.place)
        result = self.on_machine("B", "--cache-from", self.place)
        self.assertNotIn("STEP 2/15 cached", result.err)
        self.assertIn("STEP 14/15 cached", result.err)

    def test_a_damaged_blob_is_noticed_and_made_anew(self):
        self.on_machine("A", "--cache-to", self.place + ",mode=max")
        made = self.bytes_of()
        blobs = [path for path in (self.dir / "registry/data").rglob("blobs/sha256/*/*/data") if path.stat().st_size > 0]
        self.assertGreater(len(blobs), 8)
        noticed = 0
        for blob in blobs:
            with self.subTest(blob.parent.name):
                good = blob.read_bytes()
                blob.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
                self.image().unlink()
                result = self.on_machine("B", "--cache-from", self.place)
                self.assertEqual(self.bytes_of(), made)
                noticed += "[cache-import]" in result.err
                blob.write_bytes(good)
                shutil.rmtree(self.dir / "store-B")
        # The manifest, the configuration, the steps' results, and the packs of what the target's files come from.
        self.assertGreaterEqual(noticed, 5)

    def test_what_is_no_cache_is_left_out_with_a_warning(self):
        self.registry.push(shared_layout(), "tiny", "team/tiny:latest")
        for source, text in [(self.registry.address("team/tiny"), "is not a gbuild cache"),
                             (self.registry.address("team/nothing"), "the first build with --cache-to makes it"),
                             (f"type=local,src={self.dir}/nowhere", "is not used"), ("127.0.0.1:1/x", "is not used")]:
            with self.subTest(source):
                result = self.on_machine("A", "--cache-from", source)
                self.assertIn("[cache-import]", result.err)
                self.assertIn(text, result.err)

    def test_a_cache_that_cannot_be_written(self):
        result = self.build(THREE_STAGES, FILES, ["--cache-to", "127.0.0.1:1/x"], code=6)
        self.assertIn("writing the cache", result.err)
        result = self.build(THREE_STAGES, FILES, ["--cache-to", "type=registry,ref=127.0.0.1:1/x,ignore-error=true"])
        self.assertIn("[cache-export]", result.err)


class Interrupted(CacheCase, RunCase):
    def test_kill_at_fifty_instants(self):
        expected = self.clean_bytes(THREE_STAGES, FILES)
        context = self.context({"Dockerfile": THREE_STAGES, **FILES}, "context-image")
        began = time.monotonic()
        self.build(THREE_STAGES, FILES)
        longest = time.monotonic() - began
        for attempt in range(50):
            if attempt % 5 == 0:
                shutil.rmtree(self.store)
            process = self.start("build", "--registry-mirror", shared_registry().host, "-t", "image", "-o", self.image(),
                                 *self.options("--progress", "plain"), context)
            self.interrupt(process, random.uniform(0, longest), signal.SIGKILL)
            if attempt % 5 == 4:
                self.image().unlink(missing_ok=True)
                self.build(THREE_STAGES, FILES)
                self.assertEqual(self.bytes_of(), expected)

    def test_two_at_once(self):
        expected = self.clean_bytes(THREE_STAGES, FILES)
        context = self.context({"Dockerfile": THREE_STAGES, **FILES}, "context-image")
        processes = [self.start("build", "--registry-mirror", shared_registry().host, "-t", f"image{number}", "-o",
                                self.image(f"image{number}"), *self.options("--progress", "plain"), context)
                     for number in range(3)]
        for number, process in enumerate(processes):
            out, err = process.communicate()
            self.assertEqual(process.returncode, 0, out + err)
            self.assertEqual(self.bytes_of(f"image{number}"), expected)
