#include "gbuild/bases/unpacked_archives.h"

#include <fcntl.h>

#include <thread>
#include <vector>

#include "gbuild/base/atomic_file.h"
#include "gbuild/base/error.h"
#include "support/catch.h"

using namespace gbuild;
using gbuild::build::UnpackedArchives;

namespace {

// "hello\n", compressed.
constexpr unsigned char gzipped[] = {0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x03, 0xcb, 0x48, 0xcd,
                                     0xc9, 0xc9, 0xe7, 0x02, 0x00, 0x20, 0x30, 0x3a, 0x36, 0x06, 0x00, 0x00, 0x00};

struct Place {
    Place() { write_file_atomically(file(), {reinterpret_cast<const char*>(gzipped), sizeof gzipped}); }
    std::string file() const { return (directory.path() / "image.tar.gz").string(); }
    UniqueFd opened() const { return open_file(file(), O_RDONLY); }

    TempDir directory;
    store::Store store{directory.path() / "store"};
    UnpackedArchives archives{store};
};

std::string text_of(const UniqueFd& fd) {
    std::string text(6, '\0');
    pread_exact(fd.get(), std::as_writable_bytes(std::span(text)), 0, "the file");
    return text;
}

}  // namespace

TEST_CASE("an archive is unpacked once, whoever asks for it (S-6)") {
    Place place;
    auto unpack = place.archives.unpacker({});
    std::vector<std::shared_ptr<const UniqueFd>> files(4);
    {
        std::vector<std::jthread> threads;
        for (auto& file : files) threads.emplace_back([&] { file = unpack(place.opened(), place.file()); });
    }
    for (const auto& file : files) CHECK(file == files.front());
    CHECK(text_of(*files.front()) == "hello\n");
}

TEST_CASE("what is unpacked has no name that could be left behind (S-6)") {
    Place place;
    auto file = place.archives.unpacker({})(place.opened(), place.file());
    CHECK(std::filesystem::is_empty(place.store.staging()));
}

TEST_CASE("an archive that is replaced is another one (S-6)") {
    Place place;
    auto unpack = place.archives.unpacker({});
    auto first = unpack(place.opened(), place.file());
    write_file_atomically(place.file(), {reinterpret_cast<const char*>(gzipped), sizeof gzipped});
    CHECK(unpack(place.opened(), place.file()) != first);
}

TEST_CASE("a damaged archive is an integrity error, for everybody who asks (S-6)") {
    Place place;
    write_file_atomically(place.file(), {reinterpret_cast<const char*>(gzipped), sizeof gzipped - 9});
    auto unpack = place.archives.unpacker({});
    for (int i = 0; i < 2; i++) {
        try {
            unpack(place.opened(), place.file());
            FAIL("unpacked");
        } catch (const Error& error) {
            CHECK(error.kind() == ErrorKind::integrity);
            CHECK_THAT(error.message(), ContainsSubstring("image.tar.gz"));
        }
    }
}

TEST_CASE("unpacking stops when it is told to (S-6)") {
    Place place;
    std::stop_source stop;
    stop.request_stop();
    CHECK_THROWS_WITH(place.archives.unpacker(stop.get_token())(place.opened(), place.file()), "interrupted");
}
