"""Which isolation is chosen, and what is said and done where one is not to be had: every situation is made, none is feigned."""
import json
import subprocess
import sys
import unittest
from pathlib import Path

from harness import gvmi, isolation, seccomp
from harness.bases import CAPABILITY
from harness.case import debian_registry, shared_registry
from harness.isolation import ISOLATIONS, SOMEBODY, WITHOUT_SYS_ADMIN, Marked, RunCase, Way, owner
from harness.process import IN_CI, is_root, need_program, only_as_root, run

UNSUPPORTED = 8
NO_USER_NAMESPACES = ("unshare", "-Ur", "sh", "-c", 'echo 1 >/proc/sys/user/max_user_namespaces && exec unshare -U --map-user=1000 "$@"', "sh")
REFUSING = (sys.executable, seccomp.__file__)


def as_ordinary_user(*prefix):
    """A way of being nobody in particular, with `prefix` before gbuild."""
    if not is_root():
        return Way("single", prefix)
    return Way("single", (*isolation.as_somebody(isolation.account_files()), *prefix), SOMEBODY)


class Situation(RunCase):
    """gbuild called in a situation, and what doctor and build make of it."""

    def be(self, way):
        self.way = way
        self.way.hand_over(self.dir, self.home, self.folder("tmp"))
        return self

    def options(self, *more):
        return list(more)

    def doctor(self, code=0):
        result = self.gbuild("doctor", "--format", "json", code=code)
        report = json.loads(result.out)
        return report, {probe["isolation"]: probe for probe in report["probes"]}

    def assert_same_in_text(self, probe):
        """What json says is in the text for people, too."""
        text = self.gbuild("doctor", code=None).out
        for key in ["stage", "cause", "remedy"]:
            self.assertIn(probe[key], text)

    def assert_build_says(self, probe, *options):
        result = self.build("FROM tiny\nRUN true\n", code=UNSUPPORTED, options=options)
        self.assert_error(result, "RUN cannot be executed", probe["stage"], probe["cause"], probe["remedy"])
        self.assert_nothing_staged()

    def assert_owners_are_true(self, *options):
        tree = self.built("FROM box\nRUN touch /f && chown 5:6 /f && stat -c %u:%g /f >/seen\n", options=options)
        self.assertEqual((owner(tree[b"f"]), self.read("/seen")), ((5, 6), b"5:6\n"))


class Chosen(Situation):
    def test_every_isolation_that_can_be_tested_here_is(self):
        lacking = [probe for _, probe in isolation.probes() if not probe["works"]]
        if not isolation.ways():
            self.fail(f"RUN cannot be executed here at all: {lacking}")
        if lacking:
            text = "; ".join(f"{probe['isolation']}: {probe['stage']} ({probe['cause']})" for probe in lacking)
            if IN_CI and is_root():
                self.fail(text)
            self.skipTest(f"not tested here: {text}")

    def test_doctor_names_all_of_them_and_what_is_used(self):
        report, probes = self.doctor()
        self.assertEqual(tuple(probes), ISOLATIONS)
        self.assertEqual(report["store"], str(self.store))
        self.assertEqual(report["uses"], next(name for name in ISOLATIONS if probes[name]["works"]))
        for probe in probes.values():
            self.assertEqual(probe["works"] and probe["overlay"] and probe["ownProc"], probe["stage"] == "" and probe["isolation"] != "chroot")
            if not probe["works"]:
                self.assert_same_in_text(probe)

    def test_doctor_leaves_nothing_in_the_store(self):
        self.gbuild("doctor")
        self.assert_nothing_staged()

    def test_build_uses_what_doctor_says(self):
        report, _ = self.doctor()
        self.assertIn(f"isolated by {report['uses']} (", self.build("FROM tiny\nRUN true\n").err)

    def test_forced_one_that_does_not_work_is_an_error_with_its_remedy(self):
        _, probes = self.doctor()
        lacking = [probe for probe in probes.values() if not probe["works"]]
        if not lacking:
            self.skipTest("all work here")
        for probe in lacking:
            with self.subTest(probe["isolation"]):
                self.assert_build_says(probe, "--isolation", probe["isolation"])

    def test_without_run_none_is_asked_for(self):
        self.be(as_ordinary_user(*REFUSING)).build("FROM tiny\nCOPY Dockerfile /\n")


class NoUserNamespaces(Situation):
    def setUp(self):
        super().setUp()
        self.be(as_ordinary_user(*NO_USER_NAMESPACES))

    def test_limit_of_the_kernel_is_named(self):
        report, probes = self.doctor(code=UNSUPPORTED)
        self.assertEqual(report["uses"], "")
        probe = probes["single"]
        self.assertEqual((probe["works"], probe["errno"]), (False, 28))
        self.assertIn("user namespace", probe["stage"])
        self.assertIn("max_user_namespaces", probe["cause"])
        self.assertIn("sysctl user.max_user_namespaces", probe["remedy"])
        self.assert_same_in_text(probe)
        self.assert_build_says(probe)
        self.assert_build_says(probe, "--isolation", "single")


class RefusedUserNamespaces(Situation):
    def setUp(self):
        super().setUp()
        self.be(as_ordinary_user(*REFUSING))

    def test_filter_is_named(self):
        _, probes = self.doctor(code=UNSUPPORTED)
        probe = probes["single"]
        self.assertEqual((probe["works"], probe["errno"]), (False, 1))
        self.assertIn("user namespace", probe["stage"])
        self.assertIn("seccomp", probe["cause"])
        self.assertIn("seccomp=unconfined", probe["remedy"])
        self.assert_same_in_text(probe)
        self.assert_build_says(probe)

    @only_as_root("root needs no user namespace")
    def test_root_does_not_mind(self):
        self.be(Way("root", REFUSING)).assert_owners_are_true()


class OneRootAmongMany(Situation):
    """Root of a user namespace that has but one id, as in rootless containers."""

    def test_owners_are_true_or_there_is_an_error(self):
        self.be(as_ordinary_user("unshare", "-Ur")).assert_owners_are_true()

    def test_also_where_no_other_namespace_is_to_be_had(self):
        limit = ("unshare", "-Ur", "sh", "-c", 'echo 0 >/proc/sys/user/max_user_namespaces && exec "$@"', "sh")
        result = self.be(as_ordinary_user(*limit)).build("FROM box\nRUN touch /f && chown 5:6 /f\n", code=None)
        if result.code == 0:
            self.assertEqual(owner(self.tree(self.image())[b"f"]), (5, 6))
        else:
            self.assert_error(result, "hint:")


@only_as_root("drops one of root's rights")
class RootWithoutRights(Situation):
    def test_has_user_namespaces_still(self):
        self.be(Way("single", WITHOUT_SYS_ADMIN))
        _, probes = self.doctor()
        self.assertFalse(probes["root"]["works"])
        self.assertIn("CAP_SYS_ADMIN", probes["root"]["cause"])
        self.assert_owners_are_true()

    def test_falls_back_to_chroot_and_warns(self):
        self.be(Way("chroot", (*WITHOUT_SYS_ADMIN, *REFUSING)))
        report, probes = self.doctor()
        self.assertEqual(report["uses"], "chroot")
        self.assertEqual((probes["root"]["works"], probes["single"]["works"]), (False, False))
        result = self.build("FROM tiny\nRUN true\n")
        self.assertIn("isolated by chroot (", result.err)
        self.assertIn("[chroot-isolation]", result.err)
        self.assert_owners_are_true()

    def test_other_isolations_do_not_warn(self):
        self.assertNotIn("chroot-isolation", self.build("FROM tiny\nRUN true\n").err)

    def test_even_without_the_right_to_make_devices(self):
        self.be(Way("chroot", ("setpriv", "--bounding-set", "-sys_admin,-mknod", "--inh-caps", "-sys_admin,-mknod", *REFUSING)))
        self.assert_owners_are_true()


@only_as_root("masks a part of /proc, in a mount namespace of its own")
class MaskedProc(Marked, Situation):
    """A fresh /proc is refused where the one that is there has something mounted over parts of it."""
    MASK = ("unshare", "-m", "sh", "-c", 'mount -t tmpfs none /proc/sys/kernel && exec "$@"', "sh")

    def setUp(self):
        super().setUp()
        way = as_ordinary_user()
        self.be(Way("single", (*self.MASK, *way.prefix), way.user))

    def test_doctor_says_so(self):
        _, probes = self.doctor()
        probe = probes["single"]
        self.assertEqual((probe["works"], probe["ownProc"]), (True, False))
        self.assertIn("mount(proc)", probe["stage"])
        self.assertIn("masked", probe["cause"])

    def test_steps_run_with_the_machine_s(self):
        self.assertEqual(self.lines("test -d /proc/$$ && echo there", options=["--isolation", "single"]), ["there"])
        self.assert_owners_are_true("--isolation", "single")

    def test_what_is_left_running_ends_all_the_same(self):
        self.build(f"FROM box\nRUN sleep {self.mark} & (setsid sleep {self.mark} &) ; true\n", options=["--isolation", "single"])
        self.assert_no_process_left()

    def test_killed(self):
        process = self.start_build(f"FROM box\nRUN sleep {self.mark} & sleep {self.mark}\n", "--isolation", "single")
        self.wait_for_processes(process, 2)
        process.kill()
        process.communicate()
        self.assert_no_process_left(patience=30)

    def test_as_root(self):
        self.be(Way("root", self.MASK))
        self.build(f"FROM box\nRUN (setsid sleep {self.mark} &) ; true\n")
        self.assert_no_process_left()
        self.assert_owners_are_true()


class Ranges(Situation):
    def test_lack_of_ranges_is_named(self):
        if is_root():
            self.be(Way("subid", ("setpriv", "--reuid", "54323", "--regid", "54323", "--clear-groups", "--inh-caps", "-all"), 54323))
        _, probes = self.doctor()
        probe = probes["subid"]
        if probe["works"]:
            self.skipTest("this user has ranges")
        self.assertIn("/etc/subuid", probe["stage"])
        self.assertIn("usermod --add-subuids", probe["remedy"])

    @only_as_root("makes ranges for somebody, in a mount namespace of its own")
    def test_lack_of_the_helpers_is_named(self):
        hide = ("sh", "-c", 'PATH=/nowhere exec "$@"', "sh")
        self.be(as_ordinary_user(*hide))
        _, probes = self.doctor()
        self.assertFalse(probes["subid"]["works"])
        self.assertIn("package uidmap", probes["subid"]["remedy"])
        self.assertIn("isolated by single (", self.build("FROM tiny\nRUN true\n").err)

    @only_as_root("makes ranges for somebody, in a mount namespace of its own")
    def test_id_that_is_in_no_range_is_named_with_its_path(self):
        self.be(as_ordinary_user())
        result = self.build("FROM edge\nRUN [\"/x\"]\n", code=None, options=["--isolation", "subid"])
        self.assert_error(result, "owner-big")


@only_as_root("mounts an overlayfs")
class StoreOnOverlay(Situation):
    """As in a container whose root is an overlayfs: no other can be stacked on it."""

    def setUp(self):
        super().setUp()
        for name in ["lower", "upper", "work", "mounted"]:
            self.folder(name)
        options = ",".join(f"{key}dir={self.dir / key}" for key in ["lower", "upper", "work"])
        subprocess.run(["mount", "-t", "overlay", "overlay", "-o", options, str(self.dir / "mounted")], check=True)
        self.addCleanup(subprocess.run, ["umount", str(self.dir / "mounted")], check=True)
        self.store = self.dir / "mounted" / "store"

    DOCKERFILE = ("FROM box AS first\nRUN rm -r /old/deep; mv /old /new; chown 5:6 /new/a; ln /new/b /new/c; mkfifo /p; chown 7 /p\n"
                  "COPY Dockerfile /new/\nRUN rm /new/again; chown -h 3:4 /new/link; mknod /c c 1 3\n"
                  "FROM first\nRUN echo x >/new/a\n")

    def test_all_files_are_compared_and_the_image_is_the_same(self):
        for name in ["root", "single"]:
            with self.subTest(name):
                result = self.build(self.DOCKERFILE, options=["--isolation", name])
                if "no overlayfs here" not in result.err:
                    self.skipTest("this kernel stacks them")
                self.build(self.DOCKERFILE, options=["--isolation", name, "--root", self.dir / "plain-store"], name="plain")
                self.assert_same_tree(self.tree(self.image("plain")), self.tree(self.image()))
                self.assertEqual(gvmi.sha256(self.image("plain")), gvmi.sha256(self.image()))
                self.assert_nothing_staged()

    def test_doctor_says_so(self):
        _, probes = self.doctor()
        if probes["root"]["overlay"]:
            self.skipTest("this kernel stacks them")
        self.assertIn("overlay", probes["root"]["stage"])
        self.assertIn("--root", probes["root"]["remedy"])


def setcap_files():
    """setcap and its library, for an image of the same distribution."""
    need_program("setcap")
    program = Path("/usr/sbin/setcap")
    libraries = [line.split("=>")[1].split()[0] for line in run("ldd", program).splitlines() if "libcap" in line]
    return {"setcap/setcap": program.read_bytes(), **{"setcap/" + Path(name).name: Path(name).read_bytes() for name in libraries}}


class SameBytes(unittest.TestCase):
    """One Dockerfile, every isolation: the same file, bit for bit."""

    BOX = """FROM box AS base
RUN echo 'svc:x:2000:3000::/srv/svc:/bin/sh' >>/etc/passwd && echo 'svc:x:3000:' >>/etc/group && echo 'svc:*:1:::::' >>/etc/shadow
RUN mkdir -p /srv/svc/data && echo 1 >/srv/svc/data/one && ln -s one /srv/svc/data/link && chown -hR svc:svc /srv/svc && chown -h 7:8 /srv/svc/data/link
RUN cd /srv && mknod c c 1 5 && mknod -m 660 b b 259 70000 && mkfifo -m 622 p && chown 5:6 c b p
RUN cp /bin/busybox /bin/set-id && chown svc:shadow /bin/set-id && chmod 6755 /bin/set-id
RUN echo x >/srv/hard && ln /srv/hard /srv/hard2 && chown 9:9 /srv/hard2 && echo closed >/srv/closed && chmod 0 /srv/closed && mkdir -m 0 /srv/shut
RUN rm /old/b /usr/share/numbers && rm -r /old/deep && mkdir /old/deep && echo new >/old/deep/new
RUN mkdir /srv/group && chown 0:50 /srv/group && chmod 2775 /srv/group && touch /srv/group/f && mkdir /srv/group/d
RUN su svc -c 'touch /srv/svc/by-svc; mkdir /srv/svc/d; ln -s x /srv/svc/l'
COPY --chown=svc f /srv/copied
FROM base
USER svc
RUN touch /srv/svc/as-user /tmp/as-user
USER root
RUN mv /srv/svc /srv/moved && cp -a /srv/moved /srv/kept && mv /old /gone && rm -r /gone/deep
WORKDIR /srv/work
RUN echo more >>/srv/copied && touch -d @1000 here
COPY --from=base /srv /from-base
VOLUME /data
"""
    DEBIAN = """FROM debian
COPY --chmod=755 setcap /opt/setcap/
RUN useradd -m -u 1234 -s /bin/sh svc && groupadd -g 900 team && usermod -aG team svc && mkdir -p /srv/svc/a/b && touch /srv/svc/a/b/f && \
    chown -R svc:team /srv/svc && ln -s f /srv/svc/a/b/l && chown -h svc:team /srv/svc/a/b/l
RUN cp /bin/true /srv/capable && LD_LIBRARY_PATH=/opt/setcap /opt/setcap/setcap cap_net_raw+ep /srv/capable && rm -r /opt/setcap
RUN mknod /srv/c c 1 3 && mknod /srv/b b 7 1 && mkfifo /srv/p && chown 33:33 /srv/c /srv/p && install -m 4755 -o svc -g team /bin/true /srv/set-id
RUN ln /srv/svc/a/b/f /srv/svc/hard && chmod 000 /srv/svc/hard && install -d -m 2775 -g team /srv/shared && touch /srv/shared/f
RUN rm -rf /usr/share/doc/* /var/log/* /var/cache/* && rm -r /usr/share/man && mkdir /usr/share/man && echo x >/usr/share/man/new
RUN setpriv --reuid svc --regid svc --init-groups touch /srv/svc/by-setpriv
RUN rm -f /etc/passwd- /etc/group- /etc/shadow- /etc/gshadow- /etc/subuid- /etc/subgid-
USER svc
RUN mkdir ~/made && echo x >~/made/f
"""

    def build_every_way(self, dockerfile, files, registry):
        """{way: image} with the tree of one of them."""
        ways = isolation.all_ways()
        if len(ways) < 2:
            self.skipTest("there is but one way here")
        digests, trees = {}, {}
        for number, way in enumerate(ways):
            case = type("Build", (RunCase,), {"way": way, "runTest": lambda _: None})()
            case.setUp()
            self.addCleanup(case.doCleanups)
            case.build(dockerfile, files, ["--timestamp", "1700000000"], registry=registry)
            name = f"{way.isolation}{' as somebody' if way.user else ''}"
            digests[name], trees[name] = gvmi.sha256(case.image()), case.tree(case.image())
            if number > 0:
                first = next(iter(trees))
                case.assert_same_tree(trees[first], trees[name])
        self.assertEqual(len(set(digests.values())), 1, digests)
        return next(iter(trees.values()))

    def test_with_busybox(self):
        tree = self.build_every_way(self.BOX, {"f": "copied\n"}, shared_registry())
        self.assertEqual(owner(tree[b"srv/moved/data/link"]), (7, 8))
        self.assertEqual({owner(tree[b"srv/moved/" + name]) for name in [b"by-svc", b"d", b"l", b"as-user", b"data/one"]}, {(2000, 3000)})
        self.assertEqual((owner(tree[b"bin/set-id"]), tree[b"bin/set-id"].mode), ((2000, 42), 0o6755))
        self.assertEqual(tree[b"srv/group/f"].gid, 50)
        self.assertEqual(tree[b"srv/b"].device, (259, 70000))

    def test_with_a_distribution(self):
        tree = self.build_every_way(self.DEBIAN, setcap_files(), debian_registry())
        self.assertEqual((owner(tree[b"etc/shadow"]), tree[b"etc/shadow"].mode), ((0, 42), 0o640))
        self.assertEqual(tree[b"srv/capable"].xattrs["security.capability"], CAPABILITY)
        self.assertEqual(owner(tree[b"home/svc/made/f"]), (1234, 1234))
        self.assertEqual(owner(tree[b"srv/svc/a/b/l"]), (1234, 900))
