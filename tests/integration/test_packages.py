"""Debian's, Python's and node's packages installed by RUN: the same bytes whoever builds, and the owners that they should be."""
import difflib
import re
import shutil
import stat
from concurrent.futures import ThreadPoolExecutor

from harness import gvmi, parts
from harness.case import PROGRAM, Case, package_registry, scratch_folder
from harness.squashfs import Reader
from harness.tree import differences
from harness.users import builders

RECIPES = parts.PROJECT / "testdata" / "run"
LISTED = 40


class Packages(Case):
    """Each image is built once by every builder, for all tests of the class; by a builder who is alone with --verify."""

    @classmethod
    def setUpClass(cls):
        cls._builders, cls._images = None, {}

    def builders(self):
        cls = type(self)
        if cls._builders is None:
            cls._builders = builders(scratch_folder("builders"), PROGRAM, self.environment())
        return cls._builders

    def images(self, recipe):
        """{isolation: .gvmi} of a folder in testdata/run."""
        images = type(self)._images
        if recipe not in images:
            context = self.recipe(recipe)
            with ThreadPoolExecutor(len(self.builders())) as pool:
                made = pool.map(lambda builder: self.made_by(builder, recipe, context), self.builders())
                images[recipe] = {builder.isolation: image for builder, image in zip(self.builders(), made)}
        return images[recipe]

    def recipe(self, name):
        context = self.dir / name
        shutil.copytree(RECIPES / name, context)
        if "COPY apt/" in (context / "Dockerfile").read_text():
            parts.apt_setup(context / "apt")
        self.dir.chmod(0o755)
        return context

    def made_by(self, builder, recipe, context):
        image = builder.home / f"{recipe}.gvmi"
        # Who has nobody to compare with builds twice.
        how = "--no-cache" if len(self.builders()) > 1 else "--verify"
        done = builder.run("build", how, "--isolation", builder.isolation, "--registry-mirror", package_registry().host,
                           "-t", recipe, "-o", image, context, environment=self.environment())
        if done.returncode != 0:
            self.fail(f"{recipe}, isolation {builder.isolation}: exit code {done.returncode}\n{done.stderr[-8000:]}")
        # Gigabytes, which would stay until the end of the run.
        builder.run("prune", "--all", environment=self.environment()).check_returncode()
        return image

    # Checks.

    def assert_identical(self, images):
        (first, expected), *others = images.items()
        for other, image in others:
            with self.subTest(other):
                if gvmi.sha256(image) != gvmi.sha256(expected):
                    self.fail(f"{other} and {first} give different images\n"
                              + "\n".join(self.how_they_differ(expected, image)))

    def how_they_differ(self, expected, image):
        wanted, found = gvmi.read_trailer(expected).json_text, gvmi.read_trailer(image).json_text
        if wanted != found:
            yield f"trailer is {found}\nexpected   {wanted}"
        trees = self.tree(expected), self.tree(image)
        lines = differences(*trees)
        yield from lines[:LISTED]
        if len(lines) > LISTED:
            yield f"… and {len(lines) - LISTED} more"
        if not lines:
            yield "no entry differs: it is how they are stored"
        changed = [path for path in sorted(trees[0].keys() & trees[1].keys()) if trees[0][path].sha256 != trees[1][path].sha256]
        for path in changed[:LISTED]:
            yield from self.text_changes(path.decode(errors="surrogateescape"), expected, image)

    def text_changes(self, path, *images):
        """What differs in a file, where people can read it."""
        texts = []
        for image in images:
            with Reader(image) as reader:
                texts.append(reader.read(path)[:100_000].decode(errors="replace"))
        if not any("\0" in text for text in texts):
            yield from list(difflib.unified_diff(*(text.splitlines() for text in texts), path, path, n=0, lineterm=""))[:10]

    def assert_same_owners(self, images):
        lists = {isolation: owner_list(self.tree(image)) for isolation, image in images.items()}
        (first, expected), *others = lists.items()
        for other, found in others:
            with self.subTest(other):
                changes = [line for line in difflib.unified_diff(expected, found, first, other, n=0, lineterm="")
                           if not line.startswith("@@")]
                self.assertEqual(changes, [], "owners and modes differ:\n" + "\n".join(changes[:LISTED]))

    def assert_owned(self, image, expected):
        """`expected` is {path: "mode user:group"}, names being those of the image."""
        entries = self.tree(image)
        users, groups = (names_by_number(self.read_from(image, f"/etc/{file}")) for file in ["passwd", "group"])
        found = {}
        for path in expected:
            entry = entries.get(path.encode())
            found[path] = entry and f"{entry.mode:04o} {users.get(entry.uid, entry.uid)}:{groups.get(entry.gid, entry.gid)}"
        self.assertEqual(found, expected)

    @staticmethod
    def read_from(image, path):
        with Reader(image) as reader:
            return reader.read(path).decode()

    # The services.

    def test_apt_image_is_identical(self):
        self.assert_identical(self.images("apt"))

    def test_apt_image_has_the_owners_that_the_packages_ask_for(self):
        images = self.images("apt")
        self.assert_same_owners(images)
        for isolation, image in images.items():
            with self.subTest(isolation):
                cluster = self.cluster(image)
                self.assert_owned(image, {
                    "etc/shadow": "0640 root:shadow", "etc/gshadow": "0640 root:shadow", "etc/sudoers": "0440 root:root",
                    "usr/bin/sudo": "4755 root:root", "usr/bin/chage": "2755 root:shadow", "usr/bin/ssh-agent": "2755 root:_ssh",
                    "usr/lib/dbus-1.0/dbus-daemon-launch-helper": "4754 root:messagebus", "var/cache/man": "0755 man:man",
                    "etc/ssl/private": "0710 root:ssl-cert", "var/spool/exim4": "0750 Debian-exim:Debian-exim",
                    "etc/exim4/passwd.client": "0640 root:Debian-exim", "var/cache/apt/archives/partial": "0700 _apt:root",
                    cluster: "0700 postgres:postgres", cluster + "/PG_VERSION": "0600 postgres:postgres",
                    cluster + "/base/1/1259": "0600 postgres:postgres", "var/log/postgresql": "1775 root:postgres",
                    "run/postgresql": "2775 postgres:postgres"})
                self.assertEqual(self.tree(image)[b"etc/shadow"].gid, 42)

    def test_sudo_becomes_whom_it_is_told_to(self):
        for isolation, image in self.images("apt").items():
            with self.subTest(isolation):
                self.assertEqual(self.read_from(image, "/by-sudo"), "root\npostgres\nme\n")

    def cluster(self, image):
        return next(path for path in map(bytes.decode, self.tree(image)) if re.fullmatch(r"var/lib/postgresql/\d+/main", path))

    # Languages.

    def test_pip_image_is_identical(self):
        images = self.images("pip")
        self.assert_identical(images)
        for image in images.values():
            entries = self.tree(image)
            built = [path for path in entries if path.startswith(b"opt/app/") and path.endswith(b"linux-gnu.so")]
            self.assertEqual(len(built), 1, "the extension")
            self.assertEqual(self.read_from(image, "/srv/app/six"), "6\n")
            self.assert_owned(image, {built[0].decode(): "0755 app:app", "opt/app/bin/fastsum": "0755 app:app"})

    def test_npm_image_is_identical(self):
        images = self.images("npm")
        self.assert_identical(images)
        for image in images.values():
            node = self.tree(image)[b"srv/app/package.json"].uid
            self.assertEqual(self.read_from(image, "/srv/app/greeting"), f"Hello, World! {node}\n")
            self.assert_owned(image, {"srv/app/node_modules/greeter/installed.json": "0644 node:node",
                                      "srv/app/node_modules/.bin/greet": "0777 node:node"})


def owner_list(entries):
    """A line an entry, but for those whose names are random (links by the hash of a certificate)."""
    return sorted(f"{path.decode(errors='backslashreplace')} {stat.filemode(entry.kind | entry.mode)} {entry.uid}:{entry.gid}"
                  for path, entry in entries.items() if not path.startswith(b"etc/ssl/certs/"))


def names_by_number(accounts):
    fields = [line.split(":") for line in accounts.splitlines()]
    return {int(field[2]): field[0] for field in fields}
