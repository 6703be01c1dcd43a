#include "gbuild/base/remove_tree.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

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

TEST_CASE("FIFOs, links to nothing and names that are no text are removed") {
    TempDir dir;
    fs::create_directories(dir.path() / "top/\xff\n");
    fs::create_symlink("nowhere", dir.path() / "top/\xff\n/link");
    REQUIRE(::mkfifo((dir.path() / "top/pipe").c_str(), 0) == 0);
    remove_tree(dir.path() / "top");
    CHECK(fs::is_empty(dir.path()));
}

TEST_CASE("directories without permissions are removed from any depth") {
    TempDir dir;
    REQUIRE(::mkdir((dir.path() / "top").c_str(), 0755) == 0);
    std::vector<UniqueFd> all;
    all.push_back(open_file(dir.path() / "top", O_RDONLY | O_DIRECTORY));
    for (int depth = 0; depth < 200; depth++) {
        REQUIRE(::mkdirat(all.back().get(), "d", 0755) == 0);
        all.push_back(open_file_at(all.back().get(), "d", O_RDONLY | O_DIRECTORY));
        REQUIRE(::mkdirat(all.back().get(), "empty", 0) == 0);
        open_file_at(all.back().get(), "file", O_WRONLY | O_CREAT, 0);
    }
    for (const UniqueFd& fd : all) REQUIRE(::fchmod(fd.get(), 0) == 0);
    remove_tree(dir.path() / "top");
    CHECK(fs::is_empty(dir.path()));
}

TEST_CASE("a name that removal itself would use is removed like any other") {
    TempDir dir;
    fs::path deep = dir.path() / "top";
    fs::create_directories(deep / ".removing-0/x");
    for (int depth = 0; depth < 150; depth++) deep /= "d";
    fs::create_directories(deep / "x");
    remove_tree(dir.path() / "top");
    CHECK(fs::is_empty(dir.path()));
}

TEST_CASE("a tree that somebody goes on filling for a while is removed or an error, and nothing hangs") {
    TempDir dir;
    const fs::path top = dir.path() / "top";
    fs::create_directories(top / "a/b");
    std::thread other([&] {
        std::error_code ignored;
        for (int i = 0; i < 300; i++) {
            const fs::path place = top / "a/b" / std::to_string(i);
            fs::create_directories(place, ignored);
            fs::create_symlink("x", place / "link", ignored);
        }
    });
    try {
        remove_tree(top);
    } catch (const Error& error) {
        CHECK_THAT(error.message(), ContainsSubstring("cannot remove"));
    }
    other.join();
    remove_tree(top);
    CHECK(fs::is_empty(dir.path()));
}

TEST_CASE("removing gives up after as many entries as it may look at (E-10)") {
    TempDir dir;
    const fs::path top = dir.path() / "top";
    fs::create_directories(top / "a/b");
    for (int i = 0; i < 10; i++) write_file_atomically(top / "a/b" / std::to_string(i), "x");
    CHECK_FALSE(remove_some_of_tree(top, 5));
    CHECK(std::distance(fs::directory_iterator(top / "a/b"), fs::directory_iterator()) == 7);
    CHECK(remove_some_of_tree(top, 100));
    CHECK(fs::is_empty(dir.path()));
    CHECK(remove_some_of_tree(top, 1));
}
