#include <filesystem>
#include <fstream>

#include "gbuild/store/store.h"
#include "support/catch.h"

using namespace gbuild;
using namespace gbuild::store;
namespace fs = std::filesystem;

namespace {

fs::path the_only_file(const fs::path& folder) {
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(folder)) files.push_back(entry.path());
    REQUIRE(files.size() == 1);
    return files.front();
}

}  // namespace

TEST_CASE("notes are found by kind and key") {
    TempDir dir;
    Store store(dir.path());
    const std::string bytes("any\0bytes\xff", 10);
    store.put_note(NoteKind::step, "key", bytes);
    CHECK(store.read_note(NoteKind::step, "key") == bytes);
    CHECK(!store.read_note(NoteKind::build, "key"));
    CHECK(!store.read_note(NoteKind::step, "other"));
    store.put_note(NoteKind::step, "key", "");
    CHECK(store.read_note(NoteKind::step, "key") == "");
    store.remove_note(NoteKind::step, "key");
    CHECK(!store.read_note(NoteKind::step, "key"));
    store.remove_note(NoteKind::step, "key");
}

TEST_CASE("a note of another key, cut short or changed is absent and removed") {
    TempDir dir;
    Store store(dir.path());
    store.put_note(NoteKind::output, "key", "text");
    const fs::path file = the_only_file(dir.path() / "outputs");
    SECTION("another key") {
        store.put_note(NoteKind::step, "key", "x");
        fs::copy_file(file, the_only_file(dir.path() / "steps"), fs::copy_options::overwrite_existing);
        CHECK(store.read_note(NoteKind::step, "key") == "text");
        store.put_note(NoteKind::step, "key2", "x");
        fs::path other;
        for (const auto& entry : fs::directory_iterator(dir.path() / "steps")) {
            if (entry.path().filename() != file.filename()) other = entry.path();
        }
        fs::copy_file(file, other, fs::copy_options::overwrite_existing);
        CHECK(!store.read_note(NoteKind::step, "key2"));
        CHECK(!fs::exists(other));
    }
    SECTION("cut short") {
        fs::resize_file(file, GENERATE(0u, 1u, 31u, 32u, 35u));
        CHECK(!store.read_note(NoteKind::output, "key"));
        CHECK(!fs::exists(file));
    }
    SECTION("changed") {
        std::fstream(file, std::ios::in | std::ios::out).put('#').flush();
        CHECK(!store.read_note(NoteKind::output, "key"));
        CHECK(!fs::exists(file));
    }
}
