"""The same bytes whoever builds, wherever, whenever, with whatever is in the store."""
import os
import random
import shutil
import subprocess

from harness import gvmi
from harness.case import PROGRAM, Case, shared_registry
from harness.process import only_as_root
from harness.tars import archive

DOCKERFILE = """FROM edge AS base
FROM tiny
COPY --from=base /hard /hard
COPY . /files/
COPY --chown=app:staff --chmod=u=rwX,go=rX one /owned/
ADD archive.tar /unpacked/
WORKDIR /new/place
VOLUME /data
ENV A=1 B="two words"
LABEL z=26 a=1
USER app
"""


class Reproducible(Case):
    def setUp(self):
        super().setUp()
        self.mirror = ["--registry-mirror", shared_registry().host]
        self.context_folder = self.make_context("context", range(40))

    def make_context(self, name, order):
        files = {"Dockerfile": DOCKERFILE, "one": "one\n", "archive.tar": archive({"b": b"2", "a": b"1" * 200000})}
        for number in order:
            files[f"many/{number:02}"] = f"{number}\n" * 5000
        return self.context(files, name)

    def digest(self, name, *options, context=None, **more):
        self.gbuild("build", *self.mirror, "-t", "same", "-o", self.image(name), *options, context or self.context_folder,
                    **more)
        return gvmi.sha256(self.image(name))

    def setting(self, name, *options, env=None, **more):
        """The digest of a build with a fresh store."""
        return self.digest(name, "--root", self.dir / ("store-" + name), *options, env=env, **more)

    def test_threads(self):
        digests = {self.setting(f"jobs{jobs}", "--jobs", jobs) for jobs in [1, 2, 4, 7]}
        self.assertEqual(len(digests), 1)

    def test_time_zone_locale_umask_and_working_directory(self):
        expected = self.setting("plain")
        self.assertEqual(self.setting("tz", env={"TZ": "Pacific/Kiritimati"}), expected)
        self.assertEqual(self.setting("locale", env={"LC_ALL": "C"}), expected)
        self.assertEqual(self.setting("no-locale", env={"LC_ALL": None, "LANG": None}), expected)
        self.assertEqual(self.setting("umask", umask=0o077), expected)
        self.assertEqual(self.setting("umask0", umask=0), expected)
        self.assertEqual(self.setting("cwd", context=".", cwd=self.context_folder), expected)

    def test_warm_and_cold_store(self):
        expected = self.digest("cold")
        self.assertEqual(self.digest("warm"), expected)
        self.assertEqual(self.digest("no-cache", "--no-cache"), expected)
        self.assertEqual(self.digest("pull", "--pull"), expected)
        shutil.rmtree(self.store / "packs")
        self.assertEqual(self.digest("without-packs"), expected)
        self.assertEqual(self.digest("never", "--pull=never"), expected)

    def test_store_that_has_built_something_else_before(self):
        expected = self.setting("alone")
        other = self.context({"Dockerfile": "FROM tiny\nCOPY . /files/\n", "many/07": "7\n" * 5000, "x": "y"}, "other")
        self.gbuild("build", *self.mirror, "-o", self.image("other"), other)
        self.assertEqual(self.digest("after"), expected)

    def test_order_in_which_the_context_s_files_were_made(self):
        order = list(range(40))
        random.Random(1).shuffle(order)
        again = self.make_context("elsewhere", order)
        self.assertEqual(self.setting("shuffled", context=again), self.setting("sorted"))

    def test_what_the_build_writes_into_the_context_is_not_part_of_it(self):
        context = self.context({"Dockerfile": "FROM scratch\nCOPY . /app\nVOLUME /v\n", "a": "a"}, "self")
        command = ["-t", "self", "--iidfile", "iid", "--metadata-file", "meta.json", "."]
        digests = set()
        for _ in range(3):
            self.gbuild(*command, cwd=context)
            digests.add(gvmi.sha256(context / "self-latest.gvmi"))
        self.assertEqual(len(digests), 1)
        names = {path for path in self.tree(context / "self-latest.gvmi") if path.startswith(b"app/")}
        self.assertEqual(names, {b"app/a", b"app/Dockerfile"})

    def test_times_of_the_context_s_files_after_the_epoch(self):
        expected = self.setting("now")
        for path in self.context_folder.rglob("*"):
            os.utime(path, (2_000_000_000, 2_000_000_000))
        self.assertEqual(self.setting("future"), expected)

    def test_timestamp_option_and_source_date_epoch_mean_the_same(self):
        expected = self.setting("option", "--timestamp", "1600000000")
        self.assertEqual(self.setting("variable", env={"SOURCE_DATE_EPOCH": "1600000000"}), expected)
        self.assertNotEqual(self.setting("default"), expected)

    @only_as_root("becomes another user")
    def test_unprivileged_user(self):
        expected = self.setting("as-root")
        home = self.folder("stranger")
        program, context = home / "gbuild", home / "context"
        shutil.copy(PROGRAM, program)
        shutil.copytree(self.context_folder, context)
        subprocess.run(["chown", "-R", "54321:54321", str(home)], check=True)
        self.dir.chmod(0o755)
        self.dir.parent.chmod(0o755)
        command = ["setpriv", "--reuid", "54321", "--regid", "54321", "--clear-groups", "--no-new-privs", str(program),
                   "build", *self.mirror, "-t", "same", "-o", str(home / "image.gvmi"), str(context)]
        environment = self.environment(HOME=home, GBUILD_ROOT=home / "store", TMPDIR="/tmp")
        done = subprocess.run(command, cwd=home, env=environment, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(gvmi.sha256(home / "image.gvmi"), expected)

    def test_owner_of_the_context_s_files_is_forgotten(self):
        tree = self.built("FROM tiny\nCOPY f /f\n", {"f": "x"})
        self.assertEqual((tree[b"f"].uid, tree[b"f"].gid), (0, 0))
