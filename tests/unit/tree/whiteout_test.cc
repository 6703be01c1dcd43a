#include "entries.h"
#include "gbuild/base/error.h"
#include "support/catch.h"

namespace gbuild::tree {

TEST_CASE("a whiteout removes a file of the layers below") {
    CHECK(listing(tree_of({{file("a", 1), file("b", 2)}, {whiteout("a")}})) == "b=2");
}

TEST_CASE("a whiteout removes a directory with all below it") {
    CHECK(listing(tree_of({{file("d/e/f", 1)}, {whiteout("d/e")}})) == "d/");
}

TEST_CASE("a whiteout removes a symbolic link and not what it points to") {
    CHECK(listing(tree_of({{file("f", 1), symlink("l", "f")}, {whiteout("l")}})) == "f=1");
}

TEST_CASE("a whiteout of one name leaves the other names of a hard-linked file") {
    CHECK(listing(tree_of({{file("a", 1), hard_link("b", "a")}, {whiteout("a")}})) == "b=1");
}

TEST_CASE("a whiteout of nothing does nothing") {
    CHECK(listing(tree_of({{file("a", 1)}, {whiteout("x/y"), whiteout("z"), whiteout("a/b")}})) == "a=1");
}

TEST_CASE("a whiteout spares what its own layer adds, whatever the order") {
    CHECK(listing(tree_of({{file("a", 1)}, {whiteout("a"), file("a", 2)}})) == "a=2");
    CHECK(listing(tree_of({{file("a", 1)}, {file("a", 2), whiteout("a")}})) == "a=2");
}

TEST_CASE("a directory that a layer hides and makes anew has only the layer's children") {
    CHECK(listing(tree_of({{file("d/old", 1)}, {directory("d"), file("d/new", 2), whiteout("d")}})) == "d/ d/new=2");
}

TEST_CASE("an opaque marker hides all lower children and keeps the directory") {
    const Tree tree = tree_of({{directory("d", 0711), file("d/a", 1), file("d/e/f", 1)}, {opaque("d")}});
    CHECK(listing(tree) == "d/");
    CHECK(tree.find("d", FollowLast::no)->inode->mode == 0711);
}

TEST_CASE("an opaque marker acts before its layer's own entries, whatever the order") {
    CHECK(listing(tree_of({{file("d/a", 1)}, {opaque("d"), file("d/b", 2)}})) == "d/ d/b=2");
    CHECK(listing(tree_of({{file("d/a", 1)}, {file("d/b", 2), file("d/a", 3), opaque("d")}})) == "d/ d/a=3 d/b=2");
}

TEST_CASE("an opaque marker at the root hides everything below") {
    CHECK(listing(tree_of({{file("a", 1), file("d/e", 2)}, {opaque(""), file("b", 3)}})) == "b=3");
}

TEST_CASE("an opaque marker of nothing, or of a file, does nothing") {
    CHECK(listing(tree_of({{file("a", 1)}, {opaque("x"), opaque("a")}})) == "a=1");
}

TEST_CASE("a whiteout below a link acts behind it, also where its layer repeats the link") {
    const LayerTree lower = {file("run/keep", 1), symlink("var/run", "/run")};
    CHECK(listing(tree_of({lower, {whiteout("var/run/keep")}})) == "run/ var/ var/run->/run");
    CHECK(listing(tree_of({lower, {symlink("var/run", "/run"), whiteout("var/run/keep")}})) ==
          "run/ var/ var/run->/run");
    CHECK(listing(tree_of({lower, {symlink("var/run", "/srv"), whiteout("var/run/keep")}})) ==
          "run/ run/keep=1 var/ var/run->/srv");
    CHECK(listing(tree_of({lower, {directory("var/run"), whiteout("var/run/keep")}})) ==
          "run/ run/keep=1 var/ var/run/");
}

TEST_CASE("markers act on the lower tree as it was, whatever their order") {
    const LayerTree lower = {file("run/keep", 1), symlink("var/run", "/run")};
    CHECK(listing(tree_of({lower, {opaque("var/run"), whiteout("var/run")}})) == "run/ var/");
    CHECK(listing(tree_of({lower, {whiteout("var/run"), opaque("var/run")}})) == "run/ var/");
    CHECK(listing(tree_of({lower, {whiteout("run"), whiteout("run/keep"), opaque("run")}})) == "var/ var/run->/run");
}

TEST_CASE("a layer of only whiteouts empties the tree") {
    CHECK(listing(tree_of({{file("a"), file("b/c")}, {whiteout("a"), whiteout("b")}})).empty());
}

TEST_CASE("a whiteout goes through a parent link inside the root") {
    const LayerTree lower = {file("run/a", 1), file("run/b", 2), symlink("var", "/../run")};
    CHECK(listing(tree_of({lower, {whiteout("var/a")}})) == "run/ run/b=2 var->/../run");
    CHECK(listing(tree_of({lower, {opaque("var")}})) == "run/ var->/../run");
}

TEST_CASE("a link that the layer replaces by a directory protects what stood behind it") {
    const LayerTree lower = {file("run/a", 1), symlink("var/run", "/run")};
    CHECK(listing(tree_of({lower, {directory("var/run"), opaque("var/run"), file("var/run/b", 2)}})) ==
          "run/ run/a=1 var/ var/run/ var/run/b=2");
    CHECK(listing(tree_of({lower, {directory("var/run"), whiteout("var/run/a")}})) == "run/ run/a=1 var/ var/run/");
}

TEST_CASE("whiteouts act on the layers below alone, not on those above") {
    CHECK(listing(tree_of({{file("a", 1)}, {whiteout("a")}, {file("a", 2)}})) == "a=2");
}

TEST_CASE("a hard link finds a file of the layers below that a later marker hides (S-15)") {
    const LayerTree lower = {file("d/e/f", 1), file("a", 2), symlink("l", "a")};
    CHECK(listing(tree_of({lower, {hard_link("b", "a"), whiteout("a")}})) == "b=2 d/ d/e/ d/e/f=1 l->a");
    CHECK(listing(tree_of({lower, {hard_link("b", "d/e/f"), whiteout("d")}})) == "a=2 b=1 l->a");
    CHECK(listing(tree_of({lower, {hard_link("d/g", "d/e/f"), opaque("d")}})) == "a=2 d/ d/g=1 l->a");
    CHECK(listing(tree_of({lower, {hard_link("m", "l"), opaque("")}})) == "m->a");
    const Tree both = tree_of({lower, {hard_link("b", "a"), file("a", 3), whiteout("a"), hard_link("c", "a")}});
    CHECK(listing(both) == "a=3 b=2 c=3 d/ d/e/ d/e/f=1 l->a");
}

TEST_CASE("a hard link does not find what a marker before it hides (S-15)") {
    const LayerTree lower = {file("d/f", 1)};
    for (const LayerTree& layer :
         {LayerTree{whiteout("d/f"), hard_link("b", "d/f")},
          LayerTree{whiteout("d"), hard_link("b", "d/f"), whiteout("d/f")},
          LayerTree{opaque("d"), hard_link("d/b", "d/f")}, LayerTree{hard_link("b", "d"), whiteout("d")},
          LayerTree{hard_link("b", "d/g"), whiteout("d")}}) {
        CHECK_THROWS_AS(tree_of({lower, layer}), Error);
    }
}

}  // namespace gbuild::tree
