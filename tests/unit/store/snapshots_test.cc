#include <fcntl.h>

#include <fstream>
#include <stdexcept>

#include "gbuild/base/fd.h"
#include "gbuild/store/store.h"
#include "support/catch.h"

namespace fs = std::filesystem;
using namespace gbuild;
using gbuild::store::Snapshot;
using gbuild::store::Store;

namespace {

void put_file(const fs::path& path, std::string_view text) { std::ofstream(path, std::ios::binary) << text; }

std::string text_in(const fs::path& path) {
    UniqueFd file = open_file(path, O_RDONLY);
    return read_text(file.get(), 100, "a file");
}

// For a snapshot that is to be there already.
void must_be_there(const fs::path&) { throw std::logic_error("made again"); }

}  // namespace

TEST_CASE("a snapshot is made once for its key") {
    TempDir dir;
    Store store(dir.path());
    const Snapshot made = store.snapshot("debian", [](const fs::path& at) { put_file(at / "hello", "there"); });
    CHECK(text_in(made.files / "hello") == "there");
    CHECK(Store(dir.path()).snapshot("debian", must_be_there).files == made.files);
    CHECK(store.snapshot("alpine", [](const fs::path&) {}).files != made.files);
}

TEST_CASE("a snapshot that was not finished is none, and leaves nothing") {
    TempDir dir;
    Store store(dir.path());
    auto fail = [](const fs::path& at) {
        put_file(at / "half", "");
        throw std::runtime_error("no");
    };
    CHECK_THROWS_AS(store.snapshot("debian", fail), std::runtime_error);
    CHECK(fs::is_empty(dir.path() / "snapshots"));
    CHECK(fs::is_empty(store.staging()));
    CHECK(fs::is_empty(store.snapshot("debian", [](const fs::path&) {}).files));
}

TEST_CASE("what may not have reached the disk before the machine was started anew is made again") {
    TempDir dir;
    Store store(dir.path());
    const fs::path made = store.snapshot("debian", [](const fs::path& at) { put_file(at / "old", ""); }).files;
    SECTION("another boot") { put_file(made.parent_path() / "boot", "00000000-0000-0000-0000-000000000000"); }
    SECTION("an empty marker") { put_file(made.parent_path() / "boot", ""); }
    SECTION("no marker") { fs::remove(made.parent_path() / "boot"); }
    CHECK(store.snapshot("debian", [](const fs::path& at) { put_file(at / "new", ""); }).files == made);
    CHECK(fs::exists(made / "new"));
    CHECK_FALSE(fs::exists(made / "old"));
}

TEST_CASE("a snapshot that was synced outlasts a start of the machine") {
    TempDir dir;
    Store store(dir.path());
    const fs::path made = store.snapshot("debian", [](const fs::path&) {}).files;
    put_file(made.parent_path() / "boot", "synced");
    CHECK(store.snapshot("debian", must_be_there).files == made);
}
