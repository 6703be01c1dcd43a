"""Generated archives: ADD and contexts make of them what GNU tar in a chroot does, and bsdtar; extraction gives back what is in the
image. What fails is shrunk and printed; keep it in testdata/property/archives."""
import json
import shutil
import stat

from harness import property, random_archives, tree
from harness.case import Case
from harness.process import need_program, only_as_root
from harness.random_archives import GnuTar, bsdtar_unpacked, compressed, is_plain, named_directories, saws_its_branch, tar_of

BATCH = 250  # archives of one build
EPOCH = 2_000_000_000


@only_as_root("chroot, and owners")
class Archives(Case):
    def setUp(self):
        super().setUp()
        need_program("tar")
        self.gnu = GnuTar(self.dir)
        self.number = 0

    def batches(self, share):
        """Lists of (archive, its tar, what GNU tar makes of it): those that it unpacks without a complaint."""
        rng = property.generator(self.id().rpartition(".")[2])
        batch = [case for case in map(self.case_of, property.kept("archives")) if case]
        left = property.count(share)
        while left > 0:
            case = self.case_of(random_archives.archive(rng))
            left -= 1
            if case:
                batch.append(case)
            if len(batch) >= BATCH or left == 0:
                yield batch
                batch = []

    def case_of(self, archive):
        tar = tar_of(archive)
        target = self.fresh("gnu")
        if not archive["entries"] or tar is None or saws_its_branch(archive) or not self.gnu.unpacked(tar, target):
            return None
        expected = tree.walk(target)
        shutil.rmtree(target)
        return archive, tar, expected

    def fresh(self, name):
        self.number += 1
        return self.dir / f"{name}-{self.number}"

    # What gbuild makes of archives: {number: {path: Entry}}.

    def by_add(self, cases):
        files = {f"{i}.tar": compressed(archive, tar) for i, (archive, tar, _) in enumerate(cases)}
        return self.images(cases, files, lambda i: f"ADD {i}.tar /{i}/", [])

    def by_context(self, cases):
        """Each archive as a named context, all of which is copied."""
        options = []
        for i, (archive, tar, _) in enumerate(cases):
            path = self.fresh("context")
            path.write_bytes(compressed(archive, tar))
            options.append(f"--build-context=c{i}={path}")
        return self.images(cases, {}, lambda i: f"COPY --from=c{i} . /{i}/", options)

    def images(self, cases, files, line, options):
        name = self.fresh("image").name
        dockerfile = "FROM scratch\nVOLUME /v\n" + "".join(line(i) + "\n" for i in range(len(cases)))
        run = self.build(dockerfile, files, ["--timestamp", str(EPOCH), "--compression-level=1", *options], name=name, code=None)
        if run.code != 0:
            if len(cases) == 1:
                return {0: run.err}
            half = len(cases) // 2
            result = self.images_again(cases[:half], line)
            return result | {half + i: found for i, found in self.images_again(cases[half:], line).items()}
        self.last = name
        return self.split(self.tree(self.image(name)))

    def images_again(self, cases, line):
        return self.by_add(cases) if line(0).startswith("ADD") else self.by_context(cases)

    @staticmethod
    def split(entries):
        found = {}
        for path, entry in entries.items():
            first, _, rest = path.partition(b"/")
            if not first.isdigit():
                continue
            entry.links = tuple(link.partition(b"/")[2] for link in entry.links)
            found.setdefault(int(first), {})[rest or b"."] = entry
        return found

    def assert_same(self, cases, made, wrong):
        """`wrong(case, what gbuild made)` is a list of differences."""
        for i, case in enumerate(cases):
            lines = wrong(case, made.get(i, {}))
            if lines:
                self.report(case, wrong, lines)

    def report(self, case, wrong, lines):
        make = self.by_context if wrong.__name__ == "context_differences" else self.by_add

        def fails(entries):
            smaller = self.case_of({**case[0], "entries": entries})
            return smaller is not None and bool(wrong(smaller, make([smaller]).get(0, {})))

        smallest = {**case[0], "entries": property.shrunk(case[0]["entries"], fails)}
        self.fail("\n".join(lines[:20]) + f"\nThe smallest archive that fails, for testdata/property/archives:\n{json.dumps(smallest)}")

    def test_add_unpacks_as_gnu_tar_does_in_a_chroot(self):
        for cases in self.batches(0.25):
            self.assert_same(cases, self.by_add(cases), self.add_differences)
            self.assert_extraction_gives_it_back()

    def add_differences(self, case, made, timed=frozenset()):
        """`timed` are the directories whose times count: GNU tar sets them before it makes the last links in them."""
        if not isinstance(made, dict):
            return [made]
        root = made.pop(b".", None)
        lines = [] if root and (root.mode, root.uid, root.gid) == (0o755, 0, 0) else [f"the destination is {root}"]
        wanted = {path: entry for path, entry in case[2].items() if path != b"."}
        for path in made.keys() & wanted.keys():
            if stat.S_ISDIR(made[path].kind) and path not in timed:
                made[path].mtime = wanted[path].mtime
        return lines + tree.differences(wanted, made)

    def plain_differences(self, case, made):
        return self.add_differences(case, made, named_directories(case[0]))

    def assert_extraction_gives_it_back(self):
        target = self.fresh("extracted")
        self.gbuild("extract", "--preserve", self.image(self.last), "-o", target)
        extracted, packed = tree.walk(target), self.tree(self.image(self.last))
        for entries in (extracted, packed):
            entries.pop(b".", None)
        self.assert_same_tree(packed, extracted, ignore=["xattrs"])
        shutil.rmtree(target)

    def test_contexts_hold_what_gnu_tar_unpacks_in_a_chroot(self):
        for cases in self.batches(0.05):
            self.assert_same(cases, self.by_context(cases), self.context_differences)

    def context_differences(self, case, made):
        if not isinstance(made, dict):
            return [made]
        expected = {path: entry for path, entry in case[2].items() if path != b"."}
        made.pop(b".", None)
        return tree.differences(expected, made, ignore=["uid", "gid", "mtime", "links"])

    def test_add_unpacks_as_bsdtar_does(self):
        """Where everybody agrees on what an archive means."""
        need_program("bsdtar")
        for cases in self.batches(0.05):
            plain = [(archive, tar, self.by_bsdtar(tar)) for archive, tar, _ in cases if is_plain(archive)]
            self.assert_same(plain, self.by_add(plain), self.plain_differences)

    def by_bsdtar(self, tar):
        target = self.fresh("bsd")
        self.assertTrue(bsdtar_unpacked(tar, target))
        expected = tree.walk(target)
        shutil.rmtree(target)
        return expected
