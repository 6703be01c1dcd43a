#include "gbuild/base/error.h"
#include "gbuild/tree/layer_tree.h"
#include "support/catch.h"

namespace gbuild::tree {

TEST_CASE("a path is stripped of leading, doubled and trailing slashes and of dots") {
    CHECK(normalize_path("./a//b/") == "a/b");
    CHECK(normalize_path("/a/./b") == "a/b");
    CHECK(normalize_path("a") == "a");
}

TEST_CASE("the root has many spellings and one image path") {
    for (const char* root : {"", ".", "/", "./", "//", "/./", "a/.."}) CHECK(normalize_path(root).empty());
}

TEST_CASE("dots inside a path resolve by text") {
    CHECK(normalize_path("a/../b") == "b");
    CHECK(normalize_path("a/b/../../c") == "c");
    CHECK(normalize_path("a/b/..") == "a");
}

TEST_CASE("names that only look like dots are names") {
    CHECK(normalize_path("...") == "...");
    CHECK(normalize_path("..a/.b") == "..a/.b");
}

TEST_CASE("a path that leaves the root is refused, wherever it leaves") {
    for (const char* path : {"..", "../a", "/..", "a/../../b", "./../a"}) {
        CHECK_THROWS_WITH(normalize_path(path), ContainsSubstring("leaves the root"));
    }
}

TEST_CASE("names are bytes") {
    CHECK(normalize_path("\xff\xfe/\n") == "\xff\xfe/\n");
    CHECK(normalize_path("-rf/ ") == "-rf/ ");
}

TEST_CASE("a NUL in a path is refused") {
    CHECK_THROWS_WITH(normalize_path(std::string_view("a\0b", 3)), ContainsSubstring("NUL"));
}

TEST_CASE("a name may have 255 bytes and not one more") {
    CHECK(normalize_path(std::string(255, 'x')).size() == 255);
    CHECK_THROWS_WITH(normalize_path("d/" + std::string(256, 'x')), ContainsSubstring("256 bytes; the limit is 255"));
}

TEST_CASE("a path may have 4096 bytes and not one more") {
    std::string path;
    while (path.size() < 4096) path += "a/";
    CHECK(normalize_path(path).size() == 4095);
    try {
        normalize_path(path + "b");
        FAIL("accepted");
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::limit);
        CHECK(error.message().size() < 300);
    }
}

}  // namespace gbuild::tree
