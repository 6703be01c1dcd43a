#include "gbuild/base/remove_tree.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "gbuild/base/atomic_file.h"
#include "gbuild/base/error.h"
#include "gbuild/base/fd.h"
#include "support/catch.h"

using namespace gbuild;
namespace fs = std::filesystem;

TEST_CASE("a tree is removed with what its owner may not enter") {
    TempDir dir;
    const fs::path top = dir.path() / "top";
    fs::create_directories(top / "a/b/c");
    write_file_atomically(top / "a/b/file", "x");
    write_file_atomically(top / "a/b/c/file", "x");
    for (const char* locked : {"a/b/c", "a/b", "a"}) REQUIRE(::chmod((top / locked).c_str(), 0) == 0);
    remove_tree(top);
    CHECK(fs::is_empty(dir.path()));
}

TEST_CASE("links are removed, not followed") {
    TempDir dir;
    fs::create_directories(dir.path() / "kept");
    write_file_atomically(dir.path() / "kept/file", "x");
    fs::create_directories(dir.path() / "top/inner");
    fs::create_symlink(dir.path() / "kept", dir.path() / "top/link");
    fs::create_symlink(dir.path() / "kept", dir.path() / "top/inner/link");
    remove_tree(dir.path() / "top");
    CHECK_FALSE(fs::exists(dir.path() / "top"));
    CHECK(fs::exists(dir.path() / "kept/file"));
    fs::create_symlink("kept", dir.path() / "link");
    remove_tree(dir.path() / "link");
    CHECK_FALSE(fs::exists(fs::symlink_status(dir.path() / "link")));
    CHECK(fs::exists(dir.path() / "kept/file"));
}

TEST_CASE("a tree of any depth is removed") {
    TempDir dir;
    REQUIRE(::mkdir((dir.path() / "top").c_str(), 0755) == 0);
    UniqueFd at = open_file(dir.path() / "top", O_RDONLY | O_DIRECTORY);
    for (int depth = 0; depth < 10'000; depth++) {
        REQUIRE(::mkdirat(at.get(), "d", 0755) == 0);
        at = open_file_at(at.get(), "d", O_RDONLY | O_DIRECTORY);
    }
    remove_tree(dir.path() / "top");
    CHECK(fs::is_empty(dir.path()));
}

TEST_CASE("what is not there is as good as removed") {
    TempDir dir;
    remove_tree(dir.path() / "nothing");
    remove_tree(dir.path() / "no/such/parent");
    CHECK(fs::is_empty(dir.path()));
}

TEST_CASE("a directory alone, and one named with a slash at its end") {
    TempDir dir;
    fs::create_directories(dir.path() / "a/b");
    remove_tree(dir.path() / "a/");
    CHECK(fs::is_empty(dir.path()));
}
