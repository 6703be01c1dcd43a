"""What people install: made twice to the same bytes, then used where nothing else is."""
import hashlib
import json
import os
import re
import shutil
import subprocess
import tarfile
import unittest
from pathlib import Path

from harness import parts
from harness.case import PROGRAM, Case, scratch_root
from harness.process import need_program, only_as_root, run

PACKAGE = parts.PROJECT / "tools" / "package"
DOCKERFILE = "FROM scratch\nCOPY greeting /etc/greeting\nWORKDIR /work\n"


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def build_folder():
    folder = Path(PROGRAM).resolve().parent
    if not (folder / "CMakeCache.txt").exists():
        raise unittest.SkipTest("the program is not where it was built")
    return folder


def packages(name, *kinds):
    """Of each kind, the file that tools/package made."""
    folder = scratch_root() / name
    if not folder.exists():
        environment = {**os.environ, "SOURCE_DATE_EPOCH": "1700000000"}
        run(PACKAGE, "--build", build_folder(), "-o", folder, *kinds, env=environment)
    return folder


def made(pattern):
    [file] = packages("packages", "deb", "tarball", "npm", "image").glob(pattern)
    return file


def extract_image(layout, root):
    """Extracts the layers of a layout's only image; returns its configuration."""
    def document(digest):
        return json.loads(blob(digest).read_text())

    def blob(digest):
        return Path(layout) / "blobs" / "sha256" / digest.split(":")[1]

    [descriptor] = json.loads((Path(layout) / "index.json").read_text())["manifests"]
    manifest = document(descriptor["digest"])
    for layer in manifest["layers"]:
        run("tar", "-xf", blob(layer["digest"]), "-C", root)
    return document(manifest["config"]["digest"])["config"]


class Packages(Case):
    def small_context(self):
        folder = self.folder("context")
        (folder / "Dockerfile").write_text(DOCKERFILE)
        (folder / "greeting").write_text("hello\n")
        return folder

    def expected(self, context):
        """The image that the program under test makes of the context."""
        image = self.dir / "expected.gvmi"
        self.gbuild("-t", "x", "-o", image, context)
        return digest(image)

    # Runs a script of busybox's shell in a root directory of its own, with /proc, /dev and the user's rights; no chroot, in
    # which a process could not make user namespaces.
    def run_in_root(self, root, script):
        need_program("unshare", "pivot_root")
        for name in ["proc", "dev", "old", "tmp"]:
            (root / name).mkdir(exist_ok=True)
        shutil.copy(parts.busybox(), root / "busybox")
        (root / "script").write_text(f"set -e\n/busybox umount -l /old\n{script}\n")
        enter = (f"mount --bind '{root}' '{root}' && cd '{root}' && mount -t proc proc proc && mount --rbind /dev dev && "
                 "pivot_root . old && exec ./busybox env -i HOME=/tmp PATH=/ /busybox sh /script")
        return run("unshare", "--map-root-user", "--mount", "--pid", "--fork", "--propagation", "private", "sh", "-c", enter)

    def test_the_same_commit_gives_the_same_bytes(self):
        for again in packages("packages-again", "deb", "tarball").iterdir():
            with self.subTest(again.name):
                self.assertEqual(digest(made(again.name)), digest(again))

    def test_debian_package_has_program_manual_and_reasons_to_depend(self):
        need_program("dpkg-deb")
        fields = run("dpkg-deb", "--field", made("*.deb"))
        for text in ["Package: gbuild\n", "Architecture: amd64\n", "libcurl4", "libsquashfs1", "Recommends: ca-certificates"]:
            self.assertIn(text, fields)
        listing = run("dpkg-deb", "--contents", made("*.deb")).splitlines()
        names = {line.split()[5].rstrip("/") for line in listing}
        for name in ["./usr/bin/gbuild", "./usr/share/man/man1/gbuild.1.gz", "./usr/share/doc/gbuild/copyright",
                     "./usr/share/doc/gbuild/README.md", "./usr/share/gbuild/apparmor/gbuild",
                     "./usr/share/bash-completion/completions/gbuild", "./usr/share/zsh/vendor-completions/_gbuild",
                     "./usr/share/fish/vendor_completions.d/gbuild.fish"]:
            self.assertIn(name, names)
        self.assertEqual({line.split()[1] for line in listing}, {"root/root"})

    @only_as_root("apt-get in another root directory")
    def test_debian_package_in_a_new_debian(self):
        root = self.folder("debian")
        extract_image(parts.debian_layout().path, root)
        (root / "etc" / "apt" / "sources.list").unlink(missing_ok=True)
        parts.apt_setup(root / "etc" / "apt")
        shutil.copy("/etc/resolv.conf", root / "etc" / "resolv.conf")
        shutil.copy(made("*.deb"), root / "tmp" / "gbuild.deb")
        context = self.small_context()
        shutil.copytree(context, root / "context")
        apt = ("apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "
               "/tmp/gbuild.deb > /dev/null && gbuild version && cd /context && gbuild -t x -o /tmp/x.gvmi . && "
               "apt-get purge -y -qq gbuild > /dev/null && test ! -e /usr/bin/gbuild && test ! -e /etc/apparmor.d/gbuild")
        enter = f"mount -t proc proc '{root}/proc' && exec chroot '{root}' sh -c \"$0\""
        run("unshare", "--mount", "--pid", "--fork", "sh", "-c", enter, apt, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root"})
        self.assertEqual(digest(root / "tmp" / "x.gvmi"), self.expected(context))

    def test_archive_where_there_is_busybox_and_nothing_else(self):
        root, context = self.folder("root"), self.small_context()
        shutil.copy(made("*linux-x86_64.tar.gz"), root / "gbuild.tar.gz")
        (root / "opt").mkdir()
        shutil.copytree(context, root / "context")
        self.run_in_root(root, "cd /opt; /busybox tar -xzf /gbuild.tar.gz\n"
                               "/busybox ln -s /opt/gbuild/bin/gbuild /anywhere\n"
                               "/anywhere version; /anywhere -t x -o /tmp/x.gvmi /context\n"
                               "printf 'FROM scratch\\nCOPY busybox /bin/sh\\nRUN echo done > /done\\n' > /context/run\n"
                               "/busybox cp /busybox /context/\n"
                               "/anywhere -t y --isolation single -f /context/run -o /tmp/y.gvmi /context")
        self.assertEqual(digest(root / "tmp" / "x.gvmi"), self.expected(context))
        self.assertEqual(self.gbuild("cat", root / "tmp" / "y.gvmi", "/done").out, "done\n")

    def test_npm_package_without_a_network(self):
        if not shutil.which("npm"):
            raise unittest.SkipTest("npm is not installed")
        place, context = self.folder("node"), self.small_context()
        environment = {"PATH": os.environ["PATH"], "HOME": str(place), "npm_config_offline": "true"}
        run("npm", "install", "--no-audit", "--no-fund", made("gbuild-*.tgz"), cwd=place, env=environment)
        run("npx", "gbuild", "-t", "x", "-o", place / "x.gvmi", context, cwd=place, env=environment)
        self.assertEqual(digest(place / "x.gvmi"), self.expected(context))

    def test_image_of_gbuild_builds_in_a_container_without_privileges(self):
        root, context, layout = self.folder("root"), self.small_context(), self.folder("layout")
        with tarfile.open(made("*-oci.tar")) as archive:
            archive.extractall(layout)
        config = extract_image(layout, root)
        self.assertEqual(config["Entrypoint"], ["/opt/gbuild/bin/gbuild"])
        shutil.copytree(context, root / "context")
        self.run_in_root(root, "cd /context; GBUILD_ROOT=/tmp/store /opt/gbuild/bin/gbuild -t x -o /tmp/x.gvmi .")
        self.assertEqual(digest(root / "tmp" / "x.gvmi"), self.expected(context))


class Recipes(Case):
    """The scripts of tools/ci, as the CI systems would start them."""

    def start(self, script, work, **variables):
        program = self.folder("bin")
        (program / "gbuild").unlink(missing_ok=True)
        (program / "gbuild").symlink_to(PROGRAM)
        environment = {"PATH": f"{program}:{os.environ['PATH']}", "HOME": str(work), "GBUILD_ROOT": str(self.dir / "store"),
                       **variables}
        return subprocess.run([parts.PROJECT / "tools/ci" / script], cwd=work, env=environment, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def workspace(self, dockerfile):
        work = self.folder("workspace")
        (work / "Dockerfile").write_text(dockerfile)
        (work / "greeting").write_text("hello\n")
        return work

    def test_a_build_tells_the_next_step_where_the_image_is(self):
        work = self.workspace(DOCKERFILE)
        for _ in range(2):  # the second finds the cache of the first
            told = work / "told"
            told.write_text("")
            done = self.start("build.sh", work, GBUILD_CI_TAG="app:1", GBUILD_CI_CACHE="cache", GITHUB_OUTPUT=str(told),
                              GBUILD_CI_ARGS="--label=a=b c\n\n--build-arg=X=1")
            self.assertEqual(done.returncode, 0, done.stderr)
            hashed = hashlib.new("sha3_224", (work / "image.gvmi").read_bytes()).hexdigest()
            self.assertEqual(told.read_text(), f"image=image.gvmi\nhash={hashed}\n")
        config = json.loads(self.gbuild("inspect", "--format", "json", work / "image.gvmi").out)["config"]
        self.assertEqual(config["Labels"], {"a": "b c"})

    def test_a_build_without_a_tag_says_what_is_missing(self):
        done = self.start("build.sh", self.workspace(DOCKERFILE))
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("GBUILD_CI_TAG is the name and tag of the image", done.stderr)

    def test_findings_are_shown_and_end_the_job_only_when_asked(self):
        work = self.workspace("FROM scratch\nMAINTAINER somebody\n")
        done = self.start("check.sh", work, GITHUB_ACTIONS="true")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("::warning ", done.stdout)
        self.assertEqual(self.start("check.sh", work, GBUILD_CI_STRICT="1").returncode, 12)
        findings = json.loads(self.start("check.sh", work, GITLAB_CI="true").stdout)
        self.assertGreater(len(findings), 0)
        self.assertEqual(self.start("check.sh", work, GBUILD_CI_FILE="none").returncode, 4)

    def test_recipes_name_scripts_that_are_there(self):
        import yaml
        action = yaml.safe_load((parts.PROJECT / "tools/ci/github/action.yml").read_text())
        scripts = [step["run"] for step in action["runs"]["steps"] if "run" in step]
        template = yaml.safe_load((parts.PROJECT / "tools/ci/gitlab/gbuild.yml").read_text())[".gbuild"]
        scripts += [line for line in template["before_script"] + template["script"] if "/tools/ci/" in line]
        self.assertGreater(len(scripts), 4)
        for script in scripts:
            [name] = re.findall(r"/([a-z]+\.sh)\b", script)
            self.assertTrue(os.access(parts.PROJECT / "tools/ci" / name, os.X_OK), script)
