// Large trees that processes leave in a store (E-10).
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "gbuild/base/atomic_file.h"
#include "gbuild/store/housekeeping.h"
#include "gbuild/store/store.h"
#include "support/catch.h"
#include "support/child.h"

namespace fs = std::filesystem;
using namespace gbuild;
using gbuild::store::Store;
using gbuild::test::Child;

namespace {

void fill_with_many_files(const fs::path& top) {
    for (int i = 0; i < 50; i++) {
        const fs::path directory = top / "tree" / std::to_string(i);
        fs::create_directories(directory);
        for (int j = 0; j < 100; j++) open_file(directory / std::to_string(j), O_WRONLY | O_CREAT, 0600);
    }
}

size_t names_in(const fs::path& directory) {
    return static_cast<size_t>(std::distance(fs::directory_iterator(directory), fs::directory_iterator()));
}

}  // namespace

TEST_CASE("a store that is closed leaves a large tree to a process in the background") {
    TempDir dir;
    int ends[2];
    REQUIRE(::pipe2(ends, 0) == 0);
    const UniqueFd reader(ends[0]);
    UniqueFd writer(ends[1]);
    {
        Store store(dir.path());
        fill_with_many_files(store.staging());
    }
    Store store(dir.path());
    store::sweep_leavings(store);
    CHECK(names_in(dir.path() / "tmp") == 2);  // this store's own
    // It holds nothing open that others wait for the end of.
    writer.reset();
    char byte = 0;
    CHECK(::read(reader.get(), &byte, 1) == 0);
}

TEST_CASE("the next process removes a large tree of one that was killed, in the background") {
    TempDir dir;
    Child child([&](Child& self) -> int {
        Store own(dir.path());
        fill_with_many_files(own.staging());
        self.tell();
        Child::wait_for_death();
    });
    REQUIRE(child.hear());
    child.kill();
    Store store(dir.path());
    store::sweep_leavings(store);
    CHECK(names_in(dir.path() / "tmp") == 2);
}

TEST_CASE("what was discarded is left to whoever holds it, and else removed by the next process or by prune") {
    TempDir dir;
    { Store store(dir.path()); }
    const fs::path discarded = dir.path() / "tmp" / "discarded-x";
    fill_with_many_files(discarded);
    {
        const UniqueFd held = open_file(discarded, O_RDONLY | O_DIRECTORY);
        REQUIRE(::flock(held.get(), LOCK_EX) == 0);
        Store store(dir.path());
        CHECK(names_in(discarded / "tree") == 50);
    }
    const Store store(dir.path());
    store::prune(store, {});
    CHECK_FALSE(fs::exists(discarded));
}

TEST_CASE("a link that is called like something discarded is not followed") {
    TempDir dir;
    { Store store(dir.path()); }
    fs::create_directories(dir.path() / "precious/inner");
    fs::create_directory_symlink(dir.path() / "precious", dir.path() / "tmp/discarded-x");
    const Store store(dir.path());
    store::sweep_leavings(store);
    CHECK(fs::exists(dir.path() / "precious/inner"));
}
