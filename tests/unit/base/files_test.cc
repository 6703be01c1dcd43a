#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "gbuild/base/atomic_file.h"
#include "gbuild/base/error.h"
#include "gbuild/base/file_lock.h"
#include "gbuild/base/rooted.h"
#include "support/catch.h"

using namespace gbuild;
namespace fs = std::filesystem;

namespace {

size_t entries(const fs::path& directory) {
    return static_cast<size_t>(std::distance(fs::directory_iterator(directory), fs::directory_iterator()));
}

}  // namespace

TEST_CASE("an atomic file appears whole at commit") {
    TempDir dir;
    fs::path target = dir.path() / "out";
    AtomicFile file(target);
    write_all(file.fd(), "new");
    CHECK_FALSE(fs::exists(target));
    CHECK(entries(dir.path()) <= 1);  // none where O_TMPFILE works
    file.commit();
    CHECK(read_text_file(target, 100) == "new");
    CHECK(entries(dir.path()) == 1);
}

TEST_CASE("an atomic file not committed leaves the old one and nothing else") {
    TempDir dir;
    fs::path target = dir.path() / "out";
    write_file_atomically(target, "old");
    {
        AtomicFile file(target);
        write_all(file.fd(), "half");
    }
    CHECK(read_text_file(target, 100) == "old");
    CHECK(entries(dir.path()) == 1);
}

TEST_CASE("an atomic file in a directory that is not there names the target") {
    REQUIRE_THROWS_WITH(AtomicFile("/nonexistent/out"), ContainsSubstring("cannot write \"/nonexistent/out\""));
}

TEST_CASE("a temporary directory goes with everything in it") {
    fs::path path;
    {
        TempDir dir;
        path = dir.path();
        fs::create_directories(path / "a/b");
        CHECK((fs::status(path).permissions() & fs::perms::all) == fs::perms::owner_all);
    }
    CHECK_FALSE(fs::exists(path));
}

TEST_CASE("a text file beyond the cap is refused") {
    TempDir dir;
    write_file_atomically(dir.path() / "a", std::string(100, 'x'));
    CHECK(read_text_file(dir.path() / "a", 100).size() == 100);
    REQUIRE_THROWS_AS(read_text_file(dir.path() / "a", 99), Error);
}

TEST_CASE("a lock is held until its object goes") {
    TempDir dir;
    fs::path path = dir.path() / "lock";
    {
        FileLock held = FileLock::acquire(path, LockMode::exclusive);
        CHECK_FALSE(FileLock::try_acquire(path, LockMode::shared));
    }
    auto shared = FileLock::try_acquire(path, LockMode::shared);
    CHECK(shared);
    CHECK(FileLock::try_acquire(path, LockMode::shared));
    CHECK_FALSE(FileLock::try_acquire(path, LockMode::exclusive));
}

TEST_CASE("a duplicate outlives the descriptor it is of") {
    UniqueFd copy;
    {
        TempDir dir;
        write_file_atomically(dir.path() / "a", "text");
        copy = duplicate(open_file(dir.path() / "a", O_RDONLY).get());
    }
    CHECK(read_text(copy.get(), 10, "a") == "text");
    CHECK((::fcntl(copy.get(), F_GETFD) & FD_CLOEXEC) != 0);
    REQUIRE_THROWS_AS(duplicate(-1), Error);
}

TEST_CASE("rooted access stops at the root") {
    TempDir outside;
    write_file_atomically(outside.path() / "secret", "secret");
    TempDir dir;
    fs::create_directory(dir.path() / "sub");
    write_file_atomically(dir.path() / "file", "inside");
    fs::create_symlink(outside.path(), dir.path() / "abs");
    fs::create_symlink("../../../../../../file", dir.path() / "sub/up");
    fs::create_symlink("/proc/self/root", dir.path() / "magic");
    RootedDir root(dir.path());

    CHECK(read_text(root.open("sub/../../../file", O_RDONLY).get(), 100, "x") == "inside");
    CHECK(read_text(root.open("sub/up", O_RDONLY).get(), 100, "x") == "inside");
    CHECK(read_text(root.open("/file", O_RDONLY).get(), 100, "x") == "inside");
    CHECK_FALSE(root.try_open("abs/secret", O_RDONLY));
    CHECK_FALSE(root.try_open("magic/etc/passwd", O_RDONLY));
    REQUIRE_THROWS_AS(root.open("abs/secret", O_RDONLY), Error);
    CHECK_FALSE(root.try_open("file/below", O_RDONLY));
}

TEST_CASE("rooted parents and lstat do not follow the last component") {
    TempDir dir;
    fs::create_directory(dir.path() / "a");
    fs::create_symlink("a", dir.path() / "link");
    RootedDir root(dir.path());
    CHECK(root.open_parent("link/new/").name == "new");
    CHECK(S_ISLNK(root.lstat("link")->st_mode));
    CHECK_FALSE(root.lstat("none"));
    CHECK(S_ISDIR(root.lstat("")->st_mode));
    REQUIRE_THROWS_AS(root.open_parent("a/.."), Error);
    REQUIRE_THROWS_AS(root.open_parent("/"), Error);
}
