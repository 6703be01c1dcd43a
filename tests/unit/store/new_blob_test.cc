#include "gbuild/store/new_blob.h"

#include <filesystem>

#include "gbuild/base/fd.h"
#include "gbuild/store/store.h"
#include "support/catch.h"

using namespace gbuild;
using namespace gbuild::store;

namespace {

size_t files_in(const std::filesystem::path& directory) {
    return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(directory), {}));
}

}  // namespace

TEST_CASE("a download is found by its digest once it is committed") {
    TempDir place;
    const Store store(place.path() / "store");
    {
        auto blob = store.new_blob(100);
        blob->append(as_bytes("wrong"));
        blob->restart();
        blob->append(as_bytes("some "));
        blob->append(as_bytes("bytes"));
        CHECK(blob->received() == 10);
        const Digest digest = blob->finish();
        CHECK(digest == Digest::of("some bytes"));
        CHECK_FALSE(store.read_blob(digest, 100));
        blob->commit();
    }
    CHECK(store.read_blob(Digest::of("some bytes"), 100) == "some bytes");
    CHECK(files_in(store.staging()) == 0);
}

TEST_CASE("a download that is not committed leaves nothing") {
    TempDir place;
    const Store store(place.path() / "store");
    {
        auto blob = store.new_blob(100);
        blob->append(as_bytes("bytes"));
        blob->finish();
    }
    CHECK(files_in(store.root() / "blobs" / "sha256") == 0);
    CHECK(files_in(store.staging()) == 0);
}

TEST_CASE("a download is capped") {
    TempDir place;
    const Store store(place.path() / "store");
    auto blob = store.new_blob(5);
    blob->append(as_bytes("bytes"));
    try {
        blob->append(as_bytes("!"));
        FAIL("no error");
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::limit);
    }
}

TEST_CASE("what a URL stood for is remembered without the URL") {
    TempDir place;
    const Store store(place.path() / "store");
    const std::string url = "https://user:secret@x/y";
    CHECK_FALSE(store.remembered_download(url));
    store.remember_download(url, {Digest::of("x"), "\"a\xff\"", "Tue"});
    const auto record = store.remembered_download(url);
    REQUIRE(record);
    CHECK(record->digest == Digest::of("x"));
    CHECK(record->etag == "\"a\xff\"");
    CHECK(record->last_modified == "Tue");
    const auto path = std::filesystem::directory_iterator(store.root() / "downloads")->path();
    CHECK(read_text_file(path, 1000).find("secret") == std::string::npos);
    write_file_atomically(path, "{}");
    CHECK_FALSE(store.remembered_download(url));
}
