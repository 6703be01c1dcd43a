#include "reading.h"
#include "support/catch.h"

namespace gbuild::layer {
namespace {

using tree::EntryKind;

tree::LayerEntry entry_named(const std::string& name) { return only_entry(TarBuilder().file(name)); }

}  // namespace

TEST_CASE("a whiteout hides its name in its directory") {
    CHECK(entry_named("a/b/.wh.c").kind == EntryKind::whiteout);
    CHECK(entry_named("a/b/.wh.c").path == "a/b/c");
    CHECK(entry_named(".wh.c").path == "c");
    CHECK(entry_named("./.wh..hidden").path == ".hidden");
}

TEST_CASE("an opaque marker stands for its directory") {
    CHECK(entry_named("a/.wh..wh..opq").kind == EntryKind::opaque);
    CHECK(entry_named("a/.wh..wh..opq").path == "a");
    CHECK(entry_named(".wh..wh..opq").path.empty());
}

TEST_CASE("a whiteout is one whatever its type") {
    CHECK(only_entry(TarBuilder().directory("a/.wh.c/")).kind == EntryKind::whiteout);
    CHECK(only_entry(TarBuilder().symlink("a/.wh.c", "x")).kind == EntryKind::whiteout);
    CHECK(only_entry(TarBuilder().hard_link("a/.wh.c", "x")).kind == EntryKind::whiteout);
}

TEST_CASE("a whiteout's contents are passed over") {
    const Layer layer = read_layer(TarBuilder().file(".wh.a", std::string(600, 'x')).file("b", "y"));
    REQUIRE(layer.entries.size() == 2);
    CHECK(layer.entries[0].inode.size == 0);
    CHECK(layer.contents.at("b") == "y");
}

TEST_CASE("a whiteout that names nothing is refused, and one of a directory's own dots") {
    for (const char* name : {".wh.", "a/.wh.", ".wh..", ".wh...", "a/b/.wh..."}) {
        CHECK_THAT(error_of(TarBuilder().file(name)).message(), ContainsSubstring("names nothing"));
    }
}

TEST_CASE("a path below a whiteout is refused") {
    CHECK(error_of(TarBuilder().file("a/.wh.b/c")).message() == "\"a/.wh.b/c\" is below a whiteout");
}

TEST_CASE("the bookkeeping of AUFS is no part of the image") {
    CHECK(read_layer(TarBuilder()
                         .directory(".wh..wh.plnk")
                         .file(".wh..wh.plnk/1.2", "x")
                         .file(".wh..wh.aufs")
                         .directory(".wh..wh.orph"))
              .entries.empty());
}

TEST_CASE("names that only contain the prefix are names") {
    CHECK(entry_named("a.wh.b").kind == EntryKind::inode);
    CHECK(entry_named("a.wh.b/c").kind == EntryKind::inode);
    CHECK(entry_named(".wh").path == ".wh");
}

TEST_CASE("ADD unpacks whiteouts as the files that they are") {
    TarOptions options;
    options.whiteouts = Whiteouts::keep_as_files;
    const Layer layer =
        read_layer(TarBuilder().file("a/.wh.b", "x").file(".wh..wh..opq").file(".wh.").finish(), options);
    REQUIRE(layer.entries.size() == 3);
    CHECK(layer.entries[0].kind == EntryKind::inode);
    CHECK(layer.contents.at("a/.wh.b") == "x");
}

TEST_CASE("whiteouts and links that leave the root through a planted link stay inside the tree") {
    tree::Tree tree;
    tree.apply(read_layer(TarBuilder().symlink("out", "../../../../etc").file("etc/passwd", "x")).entries);
    tree.apply(read_layer(TarBuilder().file("out/.wh.passwd").file("out/new", "y")).entries);
    CHECK(tree.find("etc/passwd", tree::FollowLast::no) == nullptr);
    CHECK(tree.find("etc/new", tree::FollowLast::no) != nullptr);
    CHECK(tree.size() == 4);
}

}  // namespace gbuild::layer
