"""Generated trees and .dockerignore files: COPY takes what buildah takes, which reads patterns with docker's own code. What fails is
shrunk and printed; keep it in testdata/property/ignore."""
import json
import os
import shutil

from harness import property, tree
from harness.builders import Buildah
from harness.case import Case
from harness.process import need_program, only_as_root

BATCH = 300  # trees of one build, each in a folder of its own
NAMES = ["a", "b", "c", "ab", "a.txt", "b.md", ".hidden", "d e", "é"]
PARTS = NAMES[:7] + ["*", "?", "a*", "*.txt", "[ab]", "[^a]", "**", "**", "?b", ".*"]
TARGETS = ["a", "..", "../b", "nowhere", "/etc", "b/c"]


def random_case(rng):
    """{"tree": {path: mode of a file, "/" for a directory, or "-> target"}, "patterns": [...]}"""
    found = {}
    for _ in range(rng.randint(1, 9)):
        path = "/".join(rng.choice(NAMES) for _ in range(rng.randint(1, 3)))
        above = ["/".join(path.split("/")[:i]) for i in range(1, path.count("/") + 1)]
        if any(found.get(parent, "/") != "/" for parent in above) or path in found:
            continue
        found.update({parent: "/" for parent in above})
        found[path] = rng.choice(["644", "644", "755", "600", "/", "-> " + rng.choice(TARGETS)])
    return {"tree": found, "patterns": [random_pattern(rng, sorted(found)) for _ in range(rng.randint(1, 4))]}


def random_pattern(rng, paths):
    parts = rng.choice(paths).split("/") if paths and rng.random() < 0.5 else [rng.choice(PARTS) for _ in range(rng.randint(1, 3))]
    if rng.random() < 0.3:
        parts[rng.randrange(len(parts))] = rng.choice(PARTS)
    if rng.random() < 0.65:
        return "/".join(parts) + rng.choice(["", "", "", "/", "/*", "/**"])
    # buildah does not look for exceptions with a wildcard in the middle below a directory that is left out; BuildKit does.
    literal = [part for part in parts[:-1] if not set(part) & set("*?[")]
    return "!" + "/".join([*literal, parts[-1] if parts[-1] != "**" else "*"])


def lay_out(folder, case):
    folder.mkdir()
    for path, kind in sorted(case["tree"].items()):
        place = folder / path
        if kind == "/":
            place.mkdir()
        elif kind.startswith("-> "):
            place.symlink_to(kind.removeprefix("-> "))
        else:
            place.write_text(path)
            place.chmod(int(kind, 8))


def lines_for(number, case):
    """The patterns, for the tree in its folder only."""
    for pattern in case["patterns"]:
        sign = "!" if pattern.startswith("!") else ""
        yield f"{sign}{number}/{pattern.removeprefix('!')}"


@only_as_root("buildah keeps owners")
class Ignore(Case):
    def setUp(self):
        super().setUp()
        need_program("buildah")
        self.buildah = Buildah()
        self.number = 0

    def test_copy_takes_what_buildah_takes(self):
        rng = property.generator("ignore")
        left = property.count(0.15)
        batch = property.kept("ignore")
        while left > 0 or batch:
            taken = min(left, max(0, BATCH - len(batch)))
            batch += [random_case(rng) for _ in range(taken)]
            left -= taken
            for number, lines in self.wrong(batch).items():
                self.report(batch[number], lines)
            batch = []

    def wrong(self, cases):
        """{number: differences}"""
        self.number += 1
        context = self.folder(f"context-{self.number}")
        for number, case in enumerate(cases):
            lay_out(context / str(number), case)
        (context / ".dockerignore").write_text("\n".join(line for number, case in enumerate(cases) for line in lines_for(number, case)))
        dockerfile = self.dir / "Dockerfile"
        dockerfile.write_text("FROM scratch\nCOPY . /\n")
        name = f"ignore-{self.number}"
        self.gbuild("build", "-f", dockerfile, "-o", self.image(name), context)
        theirs = self.buildah.built_from(f"{os.getpid()}-{name}", dockerfile, [], context)
        self.assertFalse(theirs.error, theirs.error)
        ours = {path: entry for path, entry in self.tree(self.image(name)).items() if path.partition(b"/")[0].isdigit()}
        expected = {path: entry for path, entry in theirs.tree.items() if path.partition(b"/")[0].isdigit()}
        found = {}
        for line in tree.differences(expected, ours, ignore=["mtime"]):
            found.setdefault(int(line.split("/")[0].split(":")[0]), []).append(line)
        shutil.rmtree(context)
        return found

    def report(self, case, lines):
        def fails(items):
            smaller = {"tree": {key: case["tree"][key] for kind, key in items if kind == "tree"},
                       "patterns": [pattern for kind, pattern in items if kind == "pattern"]}
            whole = all(smaller["tree"].get(path.rpartition("/")[0], "/") == "/" and (not os.path.dirname(path) or
                        os.path.dirname(path) in smaller["tree"]) for path in smaller["tree"])
            return whole and bool(self.wrong([smaller]))

        items = [("tree", path) for path in sorted(case["tree"])] + [("pattern", pattern) for pattern in case["patterns"]]
        small = property.shrunk(items, fails, most=60)
        smallest = {"tree": {key: case["tree"][key] for kind, key in small if kind == "tree"},
                    "patterns": [pattern for kind, pattern in small if kind == "pattern"]}
        self.fail("\n".join(lines) + f"\nThe smallest that fails, for testdata/property/ignore:\n{json.dumps(smallest, ensure_ascii=False)}")
