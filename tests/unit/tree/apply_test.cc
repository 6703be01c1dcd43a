#include "entries.h"
#include "gbuild/base/error.h"
#include "support/catch.h"

namespace gbuild::tree {

TEST_CASE("a new tree is a root owned by root, mode 0755, from the epoch") {
    const Tree tree;
    CHECK(tree.size() == 1);
    CHECK(*tree.root().inode == Inode{});
}

TEST_CASE("entries appear under their paths in byte order") {
    const Tree tree = tree_of({{directory("b"), file("b/y", 1), file("a", 2), file("\xff", 3), file("B", 4)}});
    CHECK(listing(tree) == "B=4 a=2 b/ b/y=1 \xff=3");
    CHECK(tree.size() == 6);
}

TEST_CASE("missing parents appear as 0755 directories of root") {
    const Tree tree = tree_of({{file("a/b/c", 1)}});
    CHECK(listing(tree) == "a/ a/b/ a/b/c=1");
    CHECK(*tree.find("a/b", FollowLast::no)->inode == Inode{});
}

TEST_CASE("directories made for lack of a parent are not one inode") {
    const Tree tree = tree_of({{file("a/f"), file("b/f"), file("c")}, {file("c/f")}});
    const auto inode = [&](std::string_view path) { return tree.find(path, FollowLast::no)->inode; };
    CHECK(inode("a") != inode("b"));
    CHECK(inode("a") != inode("c"));
    CHECK(inode("b") != inode("c"));
}

TEST_CASE("a root entry sets the root's attributes") {
    CHECK(tree_of({{file("a"), directory("", 0700)}}).root().inode->mode == 0700);
}

TEST_CASE("CVE-2021-29136: a root entry that is no directory is refused") {
    Tree tree;
    CHECK_THROWS_WITH(tree.apply({symlink("", "/etc")}), ContainsSubstring("root of the layer is not a directory"));
    CHECK_THROWS_WITH(tree.apply({file("a"), hard_link("", "a")}), ContainsSubstring("root of the layer"));
}

TEST_CASE("a directory over a directory replaces attributes and keeps children") {
    LayerEntry changed = directory("d", 0711);
    changed.inode.xattrs = {{"user.b", "2"}};
    LayerEntry before = directory("d");
    before.inode.xattrs = {{"user.a", "1"}};
    const Tree tree = tree_of({{before, file("d/f", 1)}, {changed}});
    CHECK(listing(tree) == "d/ d/f=1");
    CHECK(*tree.find("d", FollowLast::no)->inode == changed.inode);
}

TEST_CASE("anything but a directory replaces a directory with all below it") {
    CHECK(listing(tree_of({{file("d/e/f", 1)}, {file("d", 2)}})) == "d=2");
    CHECK(listing(tree_of({{file("d/e/f", 1)}, {symlink("d", "x")}})) == "d->x");
}

TEST_CASE("a directory replaces a file and a symbolic link") {
    CHECK(listing(tree_of({{file("a", 1), symlink("l", "a")}, {directory("a"), directory("l")}})) == "a/ l/");
}

TEST_CASE("of two entries with one path the last wins") {
    CHECK(listing(tree_of({{file("a", 1), file("a", 2)}})) == "a=2");
    CHECK(listing(tree_of({{directory("a"), file("a/x", 1), file("a", 2)}})) == "a=2");
}

TEST_CASE("a parent that is a file becomes a directory") {
    CHECK(listing(tree_of({{file("a", 1)}, {file("a/b", 2)}})) == "a/ a/b=2");
}

TEST_CASE("a parent that is a symbolic link is followed inside the root") {
    const LayerTree lower = {directory("usr/lib"), symlink("lib", "usr/lib"), symlink("abs", "/usr"),
                             symlink("up", "../../../usr")};
    CHECK(tree_of({lower, {file("lib/x", 1)}}).find("usr/lib/x", FollowLast::no) != nullptr);
    CHECK(tree_of({lower, {file("abs/x", 1)}}).find("usr/x", FollowLast::no) != nullptr);
    CHECK(tree_of({lower, {file("up/x", 1)}}).find("usr/x", FollowLast::no) != nullptr);
}

TEST_CASE("a dangling parent link makes the directories it points to") {
    CHECK(listing(tree_of({{symlink("l", "no/where"), file("l/x", 1)}})) == "l->no/where no/ no/where/ no/where/x=1");
}

TEST_CASE("a parent link to a file turns the file into a directory") {
    CHECK(listing(tree_of({{file("f", 1), symlink("l", "f"), file("l/x", 2)}})) == "f/ f/x=2 l->f");
}

TEST_CASE("parent links that never end are refused") {
    Tree tree;
    CHECK_THROWS_WITH(tree.apply({symlink("a", "b"), symlink("b", "a"), file("a/x")}),
                      ContainsSubstring("too many symbolic links"));
}

TEST_CASE("an entry never goes through a link of its own name") {
    CHECK(listing(tree_of({{file("t", 1), symlink("l", "t")}, {file("l", 2)}})) == "l=2 t=1");
}

TEST_CASE("links to deep directories cannot make a tree deeper than a path can be") {
    std::string deep;
    for (int i = 0; i < 1000; ++i) deep += "a/";
    Tree tree;
    CHECK_THROWS_WITH(tree.apply({directory(deep + "a"), symlink("l", deep), directory("l/" + deep + "a"),
                                  symlink("m", "l/" + deep), directory("m/" + deep + "a")}),
                      ContainsSubstring("2048 directories deep"));
}

TEST_CASE("a hard link shares the inode of its target") {
    const Tree tree = tree_of({{file("a", 1), hard_link("d/b", "a")}});
    CHECK(tree.find("a", FollowLast::no)->inode == tree.find("d/b", FollowLast::no)->inode);
}

TEST_CASE("a hard link may point into a lower layer") {
    const Tree tree = tree_of({{file("a", 1)}, {hard_link("b", "a")}});
    CHECK(tree.find("a", FollowLast::no)->inode == tree.find("b", FollowLast::no)->inode);
}

TEST_CASE("a hard link to a symbolic link is another name of the link") {
    CHECK(listing(tree_of({{file("f", 1), symlink("l", "f"), hard_link("m", "l")}})) == "f=1 l->f m->f");
}

TEST_CASE("a hard link finds its target through linked directories inside the root") {
    const Tree tree = tree_of({{file("usr/f", 1), symlink("u", "/../usr"), hard_link("g", "u/f")}});
    CHECK(tree.find("g", FollowLast::no)->inode->size == 1);
}

TEST_CASE("a hard link keeps the inode it was made of when the target is replaced later in the layer") {
    CHECK(listing(tree_of({{file("a", 1), hard_link("b", "a"), file("a", 2)}})) == "a=2 b=1");
}

TEST_CASE("replacing one name of a hard-linked file leaves the others alone") {
    CHECK(listing(tree_of({{file("a", 1), hard_link("b", "a")}, {file("b", 2)}})) == "a=1 b=2");
}

TEST_CASE("a hard link to itself changes nothing") {
    CHECK(listing(tree_of({{file("a", 1)}, {hard_link("a", "a")}})) == "a=1");
}

TEST_CASE("a hard link replaces a directory") {
    CHECK(listing(tree_of({{file("a", 1), file("d/x", 2)}, {hard_link("d", "a")}})) == "a=1 d=1");
}

TEST_CASE("a hard link to nothing is refused with both names") {
    Tree tree;
    CHECK_THROWS_WITH(tree.apply({hard_link("b", "a")}),
                      ContainsSubstring("hard link \"b\" points to \"a\", which does not exist"));
}

TEST_CASE("a hard link to a directory is refused") {
    Tree tree;
    CHECK_THROWS_WITH(tree.apply({directory("a"), hard_link("b", "a")}), ContainsSubstring("which is a directory"));
}

TEST_CASE("a clone does not see later layers") {
    Tree tree = tree_of({{file("a", 1)}});
    const Tree before = tree.clone();
    tree.apply({file("a", 2), directory("", 0700)});
    CHECK(listing(before) == "a=1");
    CHECK(before.root().inode->mode == 0755);
}

TEST_CASE("a clone shares inodes") {
    const Tree tree = tree_of({{file("a", 1)}});
    CHECK(tree.clone().find("a", FollowLast::no)->inode == tree.find("a", FollowLast::no)->inode);
}

TEST_CASE("file types and mode bits translate both ways") {
    for (const FileType type : {FileType::directory, FileType::regular, FileType::symlink, FileType::char_device,
                                FileType::block_device, FileType::fifo, FileType::socket}) {
        CHECK(file_type(format_bits(type) | 0644) == type);
    }
    CHECK_THROWS_AS(file_type(0), Error);
}

}  // namespace gbuild::tree
