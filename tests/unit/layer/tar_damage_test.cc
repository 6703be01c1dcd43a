#include <set>

#include "compress.h"
#include "reading.h"
#include "support/catch.h"

namespace gbuild::layer {
namespace {

// One of everything, with the positions at which an entry, its extended headers included, begins.
struct DamagedSample {
    std::string tar;
    std::set<size_t> borders;
};

DamagedSample sample() {
    TarBuilder tar;
    DamagedSample result;
    const auto border = [&] { result.borders.insert(tar.open_ended().size()); };
    border();
    tar.directory("d/");
    border();
    tar.pax({{"path", "d/long"}, {"mtime", "1.5"}, {"SCHILY.xattr.user.a", "v"}}).file("x", std::string(700, 'a'));
    border();
    tar.gnu_long('L', "d/" + std::string(120, 'n')).file("x", "b");
    border();
    tar.hard_link("h", "d/long");
    border();
    tar.symlink("s", "d");
    border();
    tar.pax({{"GNU.sparse.major", "1"},
             {"GNU.sparse.minor", "0"},
             {"GNU.sparse.name", "p"},
             {"GNU.sparse.realsize", "99"}})
        .file("x", test::tar_padded("1\n5\n3\n") + "xyz");
    border();
    tar.file("d/.wh.gone");
    border();
    result.tar = tar.finish();
    return result;
}

}  // namespace

TEST_CASE("a layer cut off at any block's border is refused, except between entries") {
    const auto [tar, borders] = sample();
    for (size_t cut = 0; cut + 1024 < tar.size(); cut += 512) {
        CAPTURE(cut);
        if (borders.contains(cut)) {
            CHECK_NOTHROW(read_layer(tar.substr(0, cut)));
        } else {
            CHECK(error_of(tar.substr(0, cut)).kind() == ErrorKind::integrity);
        }
    }
}

TEST_CASE("a layer cut off anywhere at all has another diffID") {
    const std::string tar = sample().tar;
    TarOptions options;
    options.diff_id = Digest::of(tar);
    CHECK_NOTHROW(read_layer(tar, options));
    for (size_t cut = 0; cut < tar.size(); cut += 256) {
        CHECK(error_of(tar.substr(0, cut), options).kind() == ErrorKind::integrity);
    }
}

TEST_CASE("a layer cut off inside a block says inside what") {
    CHECK(error_of(std::string("x")).message() == "layer ends in the middle of a header");
    CHECK(error_of(TarBuilder().file("a\n", std::string(600, 'x')).open_ended().substr(0, 700)).message() ==
          "layer ends in the middle of \"a\\n\"");
    CHECK(error_of(TarBuilder().file("a", "x").open_ended().substr(0, 600)).message() ==
          "layer ends in the middle of \"a\"");
}

TEST_CASE("a wrong diffID is refused with both digests") {
    TarOptions options;
    options.what = "layer 2";
    options.diff_id = Digest::of("other");
    const std::string tar = TarBuilder().file("a").finish();
    const std::string message = error_of(tar, options).message();
    CHECK_THAT(message, ContainsSubstring("layer 2 does not have the diffID " + options.diff_id->text()));
    CHECK_THAT(message, ContainsSubstring(std::string(Digest::of(tar).hex())));
}

TEST_CASE("bytes after the end of the archive count for the diffID") {
    TarOptions options;
    const std::string tar = TarBuilder().file("a").finish();
    options.diff_id = Digest::of(tar);
    CHECK(error_of(tar + '\0', options).kind() == ErrorKind::integrity);
}

TEST_CASE("a header with a wrong checksum is refused") {
    std::string tar = TarBuilder().file("a").finish();
    tar[0] = 'b';
    CHECK(error_of(tar).message() == "a tar header has a wrong checksum");
}

TEST_CASE("what is no tar is refused") {
    CHECK(error_of(std::string(2048, 'x')).kind() == ErrorKind::integrity);
    CHECK(error_of("#!/bin/sh\necho hello\n").kind() == ErrorKind::integrity);
}

TEST_CASE("one block of zeros at the end will do, but not in the middle") {
    CHECK(read_layer(TarBuilder().file("a").open_ended() + std::string(512, '\0')).entries.size() == 1);
    CHECK(error_of(TarBuilder().file("a").raw(std::string(512, '\0')).file("b")).message() ==
          "layer goes on after a block of zeros");
}

TEST_CASE("a huge size is refused by its size, not by running out of memory") {
    TarFields fields;
    fields.name = "f";
    fields.size = uint64_t{1} << 62;
    CHECK(error_of(TarBuilder().entry(fields)).kind() == ErrorKind::limit);
    fields.size = uint64_t{1} << 39;
    auto stream = read_tar(source_of(TarBuilder().entry(fields).finish()), {});
    tree::LayerEntry entry;
    REQUIRE(stream->next(entry));
    CHECK_THROWS_WITH(stream->next(entry), ContainsSubstring("layer ends in the middle of \"f\""));
}

TEST_CASE("errors of the source come through unchanged") {
    struct Broken : ByteSource {
        std::span<const std::byte> next() override { throw Error(ErrorKind::network, "gone"); }
    };
    auto stream = read_tar(std::make_unique<Broken>(), {});
    tree::LayerEntry entry;
    CHECK_THROWS_WITH(stream->next(entry), "gone");
}

namespace {

struct Mutator {
    uint64_t state;
    uint64_t next(uint64_t below) {
        state = state * 6364136223846793005ULL + 1442695040888963407ULL;
        return (state >> 33) % below;
    }

    std::string mutate(std::string bytes) {
        for (uint64_t count = 1 + next(4); count > 0; --count) {
            const size_t at = next(bytes.size());
            switch (next(4)) {
            case 0: bytes[at] = static_cast<char>(next(256)); break;
            case 1: bytes[at] = static_cast<char>(bytes[at] ^ (1 << next(8))); break;
            case 2: bytes.erase(at, 1 + next(64)); break;
            default: bytes.insert(at, bytes.substr(next(bytes.size()), 1 + next(64)));
            }
            if (bytes.empty()) return bytes;
        }
        return bytes;
    }
};

// Wrong checksums would hide everything behind them.
void repair_checksums(std::string& tar) {
    for (size_t at = 0; at + 512 <= tar.size(); at += 512) {
        const std::string block = tar.substr(at, 512);
        if (block.find("ustar") == 257) tar.replace(at, 512, test::with_bytes(block, 0, {}));
    }
}

// True for success; anything but an Error of the expected kinds escapes and fails the test. Big holes are not read.
bool reads(std::unique_ptr<ByteSource> source) {
    try {
        auto stream = read_tar(std::move(source), {});
        tree::LayerEntry entry;
        tree::LayerTree layer;
        std::vector<std::byte> some(4096);
        while (stream->next(entry)) {
            stream->read(std::span(some).first(std::min<uint64_t>(some.size(), entry.inode.size)));
            layer.push_back(entry);
        }
        tree::Tree tree;
        tree.apply(layer);
        return true;
    } catch (const Error& error) {
        if (error.kind() == ErrorKind::internal) throw;
        return false;
    }
}

}  // namespace

TEST_CASE("CVE-2021-21285: thousands of damaged layers are read or refused, and nothing else") {
    const std::string tar = sample().tar;
    Mutator mutator{1};
    int good = 0;
    int bad = 0;
    for (int i = 0; i < 6000; ++i) {
        std::string damaged = mutator.mutate(tar);
        if (i % 2 == 0) repair_checksums(damaged);
        ++(reads(source_of(std::move(damaged), 1 + mutator.next(2000))) ? good : bad);
    }
    CHECK(good > 100);
    CHECK(bad > 100);
}

TEST_CASE("thousands of damaged compressed layers are read or refused, and nothing else") {
    const std::string tar = sample().tar;
    for (const std::string& compressed : {gzip(tar), zstd(tar)}) {
        Mutator mutator{2};
        int bad = 0;
        for (int i = 0; i < 3000; ++i) {
            const auto run_size = 1 + mutator.next(300);
            const std::string damaged = mutator.mutate(compressed);
            try {
                if (!reads(decompress(source_of(damaged, run_size), "layer", 1 << 20))) ++bad;
            } catch (const Error& error) {
                CHECK(error.kind() == ErrorKind::integrity);
                ++bad;
            }
        }
        CHECK(bad > 1000);
    }
}

}  // namespace gbuild::layer
