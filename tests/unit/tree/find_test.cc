#include "entries.h"
#include "gbuild/base/error.h"
#include "support/catch.h"

namespace gbuild::tree {
namespace {

Tree sample() {
    return tree_of({{file("usr/bin/sh", 1), symlink("bin", "usr/bin"), symlink("abs", "/usr"), symlink("f", "bin/sh"),
                     symlink("up", "../../.."), symlink("dangling", "no/where"), symlink("self", "self"),
                     symlink("usr/rel", "../bin")}});
}

uint64_t size_at(const Tree& tree, std::string_view path) {
    const Node* node = tree.find(path, FollowLast::yes);
    return node == nullptr ? 0 : node->inode->size;
}

}  // namespace

TEST_CASE("the root is found under all its names") {
    const Tree tree = sample();
    for (const char* path : {"", "/", ".", "..", "/../..", "up"}) {
        CHECK(tree.find(path, FollowLast::yes) == &tree.root());
    }
}

TEST_CASE("links on the way are followed inside the root") {
    const Tree tree = sample();
    for (const char* path : {"bin/sh", "/abs/bin/sh", "up/up/bin/sh", "usr/rel/sh", "usr/../bin/../bin/sh"}) {
        CHECK(size_at(tree, path) == 1);
    }
}

TEST_CASE("the last link is followed only if asked") {
    const Tree tree = sample();
    CHECK(tree.find("f", FollowLast::no)->inode->type == FileType::symlink);
    CHECK(tree.find("f", FollowLast::yes)->inode->type == FileType::regular);
}

TEST_CASE("what is not there is not found") {
    const Tree tree = sample();
    for (const char* path : {"x", "usr/x", "dangling", "usr/bin/sh/x", "usr/bin/sh/..", "x/../usr", "usr/bin/sh/."}) {
        CHECK(tree.find(path, FollowLast::yes) == nullptr);
    }
}

TEST_CASE("a dangling link is found when it is not followed") {
    CHECK(sample().find("dangling", FollowLast::no) != nullptr);
}

TEST_CASE("a link to itself is refused, and harmless when not followed") {
    const Tree tree = sample();
    CHECK_THROWS_WITH(tree.find("self", FollowLast::yes),
                      ContainsSubstring("too many symbolic links in path \"self\""));
    CHECK(tree.find("self", FollowLast::no) != nullptr);
}

TEST_CASE("forty links are followed and not one more") {
    LayerTree layer = {file("l0", 1)};
    for (int i = 1; i <= 41; ++i) layer.push_back(symlink(fmt::format("l{}", i), fmt::format("l{}", i - 1)));
    const Tree tree = tree_of({layer});
    CHECK(size_at(tree, "l40") == 1);
    CHECK_THROWS_AS(tree.find("l41", FollowLast::yes), Error);
}

TEST_CASE("resolve gives the path without links") {
    const Tree tree = sample();
    CHECK(tree.resolve("bin/sh", FollowLast::yes) == "usr/bin/sh");
    CHECK(tree.resolve("/f", FollowLast::yes) == "usr/bin/sh");
    CHECK(tree.resolve("/f", FollowLast::no) == "f");
    CHECK(tree.resolve("up", FollowLast::yes).empty());
}

TEST_CASE("resolve takes a tail that does not exist as it is") {
    const Tree tree = sample();
    CHECK(tree.resolve("bin/new/file", FollowLast::yes) == "usr/bin/new/file");
    CHECK(tree.resolve("bin/new/../file", FollowLast::yes) == "usr/bin/file");
    CHECK(tree.resolve("dangling/x", FollowLast::yes) == "no/where/x");
    CHECK(tree.resolve("new/../../..", FollowLast::yes).empty());
}

TEST_CASE("an entry applied at a resolved path lands where the kernel would have put it") {
    Tree tree = sample();
    tree.apply({file(tree.resolve("/abs/../bin/new", FollowLast::yes), 7)});
    CHECK(size_at(tree, "usr/bin/new") == 7);
}

}  // namespace gbuild::tree
