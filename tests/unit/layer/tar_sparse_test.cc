#include "reading.h"
#include "support/catch.h"

namespace gbuild::layer {
namespace {

using Extents = std::vector<std::pair<uint64_t, uint64_t>>;

std::string octal(uint64_t value) { return fmt::format("{:011o}", value) + '\0'; }

// Old GNU format: four extents in the header, 21 in each block after it.
std::string gnu_sparse(const Extents& extents, uint64_t real_size, std::string_view stored) {
    TarFields fields;
    fields.name = "f";
    fields.type = 'S';
    fields.magic = std::string("ustar  \0", 8);
    fields.size = stored.size();
    std::string header = test::tar_header(fields);
    size_t next = 0;
    const auto map = [&](size_t count) {
        std::string text;
        for (; count > 0 && next < extents.size(); --count, ++next) {
            text += octal(extents[next].first) + octal(extents[next].second);
        }
        return text;
    };
    header = test::with_bytes(header, 386, map(4));
    header = test::with_bytes(header, 482, next < extents.size() ? "\x01" : std::string_view("\0", 1));
    header = test::with_bytes(header, 483, octal(real_size));
    std::string blocks;
    while (next < extents.size()) {
        std::string block = map(21);
        block.resize(512);
        block[504] = next < extents.size() ? '\1' : '\0';
        blocks += block;
    }
    return TarBuilder().raw(header).raw(blocks).raw(test::tar_padded(std::string(stored))).file("next", "n").finish();
}

TarBuilder pax_1_0(const std::string& map, const std::string& stored, const std::string& size) {
    return TarBuilder()
        .pax({{"GNU.sparse.major", "1"},
              {"GNU.sparse.minor", "0"},
              {"GNU.sparse.name", "dir/f"},
              {"GNU.sparse.realsize", size}})
        .file("GNUSparseFile.1/f", test::tar_padded(map) + stored)
        .file("next", "n");
}

const std::string sparse_contents = std::string(10, '\0') + "abc" + std::string(7, '\0') + "de" + std::string(8, '\0');

}  // namespace

TEST_CASE("old GNU sparse files read with zeros in their holes") {
    const Layer layer = read_layer(gnu_sparse({{10, 3}, {20, 2}, {30, 0}}, 30, "abcde"));
    CHECK(layer.contents.at("f") == sparse_contents);
    CHECK(layer.contents.at("next") == "n");
}

TEST_CASE("old GNU sparse maps go on in blocks after the header") {
    Extents extents;
    std::string stored;
    std::string contents(600, '\0');
    for (uint64_t i = 0; i < 50; ++i) {
        extents.push_back({i * 12, 1});
        stored += static_cast<char>('A' + i);
        contents[i * 12] = static_cast<char>('A' + i);
    }
    CHECK(read_layer(gnu_sparse(extents, 600, stored)).contents.at("f") == contents);
}

TEST_CASE("sparse format 0.0 has its map in repeated records") {
    const Layer layer = read_layer(TarBuilder()
                                       .pax({{"GNU.sparse.size", "30"},
                                             {"GNU.sparse.numblocks", "2"},
                                             {"GNU.sparse.offset", "10"},
                                             {"GNU.sparse.numbytes", "3"},
                                             {"GNU.sparse.offset", "20"},
                                             {"GNU.sparse.numbytes", "2"}})
                                       .file("f", "abcde")
                                       .file("next", "n"));
    CHECK(layer.contents.at("f") == sparse_contents);
    CHECK(layer.contents.at("next") == "n");
}

TEST_CASE("sparse format 0.1 has its map in one record and the true name in another") {
    const Layer layer = read_layer(TarBuilder()
                                       .pax({{"GNU.sparse.size", "30"},
                                             {"GNU.sparse.numblocks", "2"},
                                             {"GNU.sparse.map", "10,3,20,2"},
                                             {"GNU.sparse.name", "dir/f"}})
                                       .file("GNUSparseFile.1/f", "abcde"));
    CHECK(layer.contents.at("dir/f") == sparse_contents);
}

TEST_CASE("sparse format 1.0 has its map before the contents") {
    const Layer layer = read_layer(pax_1_0("2\n10\n3\n20\n2\n", "abcde", "30"));
    CHECK(layer.contents.at("dir/f") == sparse_contents);
    CHECK(layer.contents.at("next") == "n");
}

TEST_CASE("a map of format 1.0 may take several blocks") {
    std::string map = "200\n";
    std::string contents(2000, '\0');
    for (int i = 0; i < 200; ++i) {
        map += fmt::format("{}\n1\n", i * 10);
        contents[static_cast<size_t>(i) * 10] = 'x';
    }
    CHECK(read_layer(pax_1_0(map, std::string(200, 'x'), "2000")).contents.at("dir/f") == contents);
}

TEST_CASE("a file that is one hole needs nothing stored") {
    CHECK(read_layer(pax_1_0("0\n", "", "5000")).contents.at("dir/f") == std::string(5000, '\0'));
}

TEST_CASE("sparse contents come out whole in pieces of any size, and can be skipped") {
    const std::string tar = pax_1_0("2\n10\n3\n20\n2\n", "abcde", "30").finish();
    for (const size_t piece : {1, 2, 11, 29}) {
        CHECK(collect(*read_tar(source_of(tar, 13), {}), piece).contents.at("dir/f") == sparse_contents);
    }
    auto stream = read_tar(source_of(tar), {});
    tree::LayerEntry entry;
    REQUIRE(stream->next(entry));
    REQUIRE(stream->next(entry));
    CHECK(entry.path == "next");
}

TEST_CASE("sparse maps that contradict themselves are refused") {
    for (const char* map :
         {"2\n10\n3\n5\n2\n", "2\n10\n3\n12\n2\n", "1\n28\n5\n", "1\n0\n4\n", "1\n0\n6\n", "x\n", "\n", "-1\n",
          "1\n9223372036854775807\n5\n", "1\n18446744073709551615\n5\n", "99999999999999999999999\n"}) {
        CAPTURE(map);
        const Error error = error_of(pax_1_0(map, "abcde", "30"));
        CHECK_THAT(error.message(), ContainsSubstring("a sparse file's map is malformed"));
    }
    CHECK(error_of(gnu_sparse({{10, 3}, {20, 3}}, 30, "abcde")).kind() == ErrorKind::integrity);
    CHECK(error_of(gnu_sparse({{26, 5}}, 30, "abcde")).kind() == ErrorKind::integrity);
}

TEST_CASE("a map of format 1.0 that never ends is refused at the end of what is stored") {
    CHECK_THAT(error_of(pax_1_0("300\n" + std::string(508, '1'), "", "30")).message(),
               ContainsSubstring("a number is too long"));
    std::string map = "999\n";
    while (map.size() < 1024) map += "0\n0\n";
    CHECK_THAT(error_of(pax_1_0(map, "", "30")).message(), ContainsSubstring("longer than what is stored"));
}

TEST_CASE("offsets and lengths of format 0.0 must alternate") {
    CHECK(error_of(TarBuilder().pax({{"GNU.sparse.size", "30"}, {"GNU.sparse.numbytes", "3"}}).file("f")).kind() ==
          ErrorKind::integrity);
    CHECK(error_of(TarBuilder().pax({{"GNU.sparse.size", "30"}, {"GNU.sparse.map", "1"}}).file("f")).kind() ==
          ErrorKind::integrity);
}

TEST_CASE("an unknown sparse format is refused") {
    CHECK(error_of(TarBuilder().pax({{"GNU.sparse.major", "2"}, {"GNU.sparse.minor", "0"}}).file("f")).kind() ==
          ErrorKind::unsupported);
}

TEST_CASE("a sparse map of too many parts is refused") {
    std::string map = "70000\n";
    for (int i = 0; i < 70000; ++i) map += fmt::format("{}\n0\n", i);
    CHECK(error_of(pax_1_0(map, "", "70000")).kind() == ErrorKind::limit);
}

TEST_CASE("holes of more than 16 tebibytes together are refused: they cost the sender nothing") {
    const std::string half = std::to_string(uint64_t{1} << 43);
    TarBuilder tar;
    for (int i = 0; i < 3; ++i) tar.pax({{"GNU.sparse.size", half}}).file("f");
    auto stream = read_tar(source_of(tar.finish()), {});
    tree::LayerEntry entry;
    REQUIRE(stream->next(entry));
    REQUIRE(stream->next(entry));
    CHECK_THROWS_WITH(stream->next(entry), ContainsSubstring("the files of layer have more than 17.6 TB"));
}

TEST_CASE("holes of a tar are known without reading them (S-8)") {
    const std::string size = std::to_string(uint64_t{400} << 30);
    const std::string tar = TarBuilder()
                                .pax({{"GNU.sparse.size", size}, {"GNU.sparse.map", "4096,3,1073741824,2"}})
                                .file("f", "abcde")
                                .file("next", "n")
                                .finish();
    auto stream = read_tar(source_of(tar), {});
    tree::LayerEntry entry;
    REQUIRE(stream->next(entry));
    CHECK(entry.inode.size == uint64_t{400} << 30);
    CHECK(stream->zeros() == 4096);
    stream->skip_zeros(4096);
    CHECK(stream->zeros() == 0);
    std::string text(5, '?');
    stream->read(std::as_writable_bytes(std::span(text)));
    CHECK(text == std::string("abc") + std::string(2, '\0'));
    CHECK(stream->zeros() == 1'073'741'824 - 4101);
    stream->skip_zeros(stream->zeros());
    stream->read(std::as_writable_bytes(std::span(text).first(2)));
    CHECK(text.substr(0, 2) == "de");
    CHECK(stream->zeros() == (uint64_t{400} << 30) - 1'073'741'826);
    REQUIRE(stream->next(entry));
    CHECK(entry.path == "next");
    CHECK(stream->zeros() == 0);
}

}  // namespace gbuild::layer
