#include "gbuild/pack/pack.h"

#include "fixtures.h"
#include "support/catch.h"

using namespace gbuild;
using namespace gbuild::pack;
using namespace gbuild::pack::fixtures;

namespace {

constexpr size_t block = 4096;

// Blocks told apart by their first byte, each compressible.
std::string blocks(std::string_view letters) {
    std::string text;
    for (char letter : letters) text += std::string(1, letter) + prose(block - 1, static_cast<unsigned char>(letter));
    return text;
}

size_t data_size(const std::shared_ptr<const Pack>& pack) { return pack->data_end() - 96; }

}  // namespace

TEST_CASE("contents come back from a pack, whatever their size") {
    Layer layer;
    std::vector<std::string> texts;
    for (size_t size : {size_t{1}, block - 1, block, block + 1, 2 * block, 3 * block, 3 * block + 17}) {
        texts.push_back(prose(size, size));
        texts.push_back(noise(size, size));
    }
    for (size_t i = 0; i < texts.size(); i++) layer.file(fmt::format("{}", i), texts[i]);
    const Stack stack(small_blocks(), {&layer});
    for (size_t i = 0; i < texts.size(); i++) CHECK(stack.contents(fmt::format("{}", i)) == texts[i]);
}

TEST_CASE("entries come back as they were") {
    tree::Inode odd;
    odd.type = tree::FileType::char_device;
    odd.mode = 06751;
    odd.uid = 4'000'000'000;
    odd.gid = 65'534;
    odd.mtime = -5;
    odd.device_major = 4095;
    odd.device_minor = 1'048'575;
    odd.xattrs = {{"security.capability", std::string("\0\1\2", 3)}, {"user.empty", ""}};
    tree::Inode socket;
    socket.type = tree::FileType::socket;
    socket.mtime = INT64_MAX;
    tree::LayerEntry opaque;
    opaque.kind = tree::EntryKind::opaque;
    opaque.path = "dir";
    Layer layer;
    layer.directory("").directory("dir", 01777).add(opaque).add("dir/odd", odd).add("dir/socket", socket);
    layer.file("dir/empty", "").file("dir/file\n\xff", "text").symlink("dir/link", "../\xfe").link("hard", "dir/empty");
    layer.whiteout("gone/too");
    const auto pack = make_pack(layer, {});
    const tree::LayerTree read = pack->entries(7);
    const std::vector<tree::LayerEntry> written = layer.entries();
    REQUIRE(read.size() == written.size());
    for (size_t i = 0; i < read.size(); i++) {
        CAPTURE(written[i].path);
        tree::LayerEntry expected = written[i];
        if (expected.path == "dir/file\n\xff") expected.inode.content = {7, 0};
        CHECK(read[i].kind == expected.kind);
        CHECK(read[i].path == expected.path);
        CHECK(read[i].target == expected.target);
        CHECK(read[i].inode == expected.inode);
    }
}

TEST_CASE("an empty layer makes a pack") {
    Layer layer;
    const auto pack = make_pack(layer, {});
    CHECK(pack->entries(0).empty());
    CHECK(pack->file_count() == 0);
    CHECK(pack->data_end() == 96);
}

TEST_CASE("a pack's bytes do not depend on threads") {
    Layer layer;
    for (unsigned i = 0; i < 60; i++) {
        layer.file(fmt::format("a{}", i),
                   prose(i * 777, i % 7) + (i % 5 == 0 ? noise(9000, i) : std::string(8192, '\0')));
    }
    for (Codec codec : {Codec::gzip, Codec::lzo, Codec::lz4, Codec::xz, Codec::zstd}) {
        CAPTURE(codec_name(codec));
        PackOptions options = with_codec(codec);
        options.block_size = block;
        const std::string one = pack_bytes(layer, options, 1);
        CHECK(pack_bytes(layer, options, 2) == one);
        CHECK(pack_bytes(layer, options, 4) == one);
        CHECK(pack_bytes(layer, options, 0) == one);
    }
}

TEST_CASE("equal files share everything") {
    Layer once;
    once.file("a", blocks("abc") + "tail");
    Layer twice;
    twice.file("a", blocks("abc") + "tail").file("b", blocks("abc") + "tail");
    const auto pack = make_pack(twice, small_blocks());
    CHECK(data_size(pack) == data_size(make_pack(once, small_blocks())));
    CHECK(pack->file(0).start == pack->file(1).start);
    CHECK(pack->file(0).fragment_offset == pack->file(1).fragment_offset);
    CHECK(pack->file(0).digest == pack->file(1).digest);
}

TEST_CASE("files with equal blocks and other ends share the blocks") {
    Layer layer;
    layer.file("a", blocks("abc") + "one").file("b", blocks("abc") + "two");
    const Stack stack(small_blocks(), {&layer});
    CHECK(stack.packs.at(0).file(0).start == stack.packs.at(0).file(1).start);
    CHECK(stack.packs.at(0).file(0).digest != stack.packs.at(0).file(1).digest);
    CHECK(stack.contents("a") == blocks("abc") + "one");
    CHECK(stack.contents("b") == blocks("abc") + "two");
}

TEST_CASE("equal ends are stored once") {
    Layer layer;
    layer.file("small", "tail").file("large", blocks("ab") + "tail");
    const auto pack = make_pack(layer, small_blocks());
    CHECK(pack->file(0).fragment_offset == pack->file(1).fragment_offset);
    REQUIRE(pack->fragments().size() == 1);
    CHECK(pack->fragments()[0].length == 4);
}

TEST_CASE("a file that begins like another one and goes on differently is whole") {
    Layer layer;
    layer.file("1", blocks("abcd")).file("2", blocks("abcx")).file("3", blocks("abxx")).file("4", blocks("abcd"));
    layer.file("5", blocks("abxy") + "t").file("6", blocks("xbcd")).file("7", blocks("abcx") + "t");
    const Stack stack(small_blocks(), {&layer});
    CHECK(stack.contents("1") == blocks("abcd"));
    CHECK(stack.contents("2") == blocks("abcx"));
    CHECK(stack.contents("3") == blocks("abxx"));
    CHECK(stack.contents("4") == blocks("abcd"));
    CHECK(stack.contents("5") == blocks("abxy") + "t");
    CHECK(stack.contents("6") == blocks("xbcd"));
    CHECK(stack.contents("7") == blocks("abcx") + "t");
    const Pack& pack = stack.packs.at(0);
    CHECK(pack.file(3).start == pack.file(0).start);
    CHECK(pack.file(6).start == pack.file(1).start);
}

TEST_CASE("more files with one beginning than are remembered still come back") {
    Layer layer;
    for (unsigned i = 0; i < 40; i++)
        layer.file(fmt::format("{}", i), blocks("ab") + blocks(std::string(1, static_cast<char>('c' + i))));
    const Stack stack(small_blocks(), {&layer});
    for (unsigned i = 0; i < 40; i++) {
        CHECK(stack.contents(fmt::format("{}", i)) ==
              blocks("ab") + blocks(std::string(1, static_cast<char>('c' + i))));
    }
}

TEST_CASE("blocks of zeros are holes") {
    const std::string hole(block, '\0');
    Layer layer;
    layer.file("all", hole + hole + hole);
    layer.file("first", hole + blocks("a"));
    layer.file("middle", blocks("a") + hole + hole + blocks("b") + "end");
    layer.file("last", blocks("a") + hole);
    layer.file("same", blocks("a") + hole + hole + blocks("b") + "other end");
    layer.file("diverges in a hole", blocks("a") + hole + hole + hole);
    const Stack stack(small_blocks(), {&layer});
    const Pack& pack = stack.packs.at(0);
    CHECK(pack.file(0).sparse == 3 * block);
    CHECK(pack.file(1).sparse == block);
    CHECK(pack.file(2).sparse == 2 * block);
    CHECK(pack.file(3).blocks[1] == (hole_bit | 1));
    CHECK(pack.file(4).start == pack.file(2).start);
    CHECK(stack.contents("all") == hole + hole + hole);
    CHECK(stack.contents("first") == hole + blocks("a"));
    CHECK(stack.contents("middle") == blocks("a") + hole + hole + blocks("b") + "end");
    CHECK(stack.contents("last") == blocks("a") + hole);
    CHECK(stack.contents("same") == blocks("a") + hole + hole + blocks("b") + "other end");
    CHECK(stack.contents("diverges in a hole") == blocks("a") + hole + hole + hole);
}

TEST_CASE("equal contents have one digest in all packs, others do not") {
    Layer one;
    one.file("a", blocks("ab") + "tail").file("b", "tail").file("c", blocks("ab"));
    Layer two;
    two.file("x", prose(9999, 1)).file("y", blocks("ab") + "tail").file("z", blocks("ab") + "tails");
    const auto first = make_pack(one, small_blocks());
    const auto second = make_pack(two, small_blocks());
    CHECK(first->file(0).digest == second->file(1).digest);
    CHECK(first->file(0).digest != second->file(2).digest);
    CHECK(first->file(0).digest != first->file(1).digest);
    CHECK(first->file(0).digest != first->file(2).digest);
}

TEST_CASE("contents larger than asked for are a limit error") {
    Layer layer;
    layer.file("a", std::string(100, 'x'));
    const Stack stack({}, {&layer});
    CHECK(read_contents(stack.packs, {0, 0}, 100) == std::string(100, 'x'));
    CHECK_THROWS_WITH(read_contents(stack.packs, {0, 0}, 99), "a file of 100 B where at most 99 B are expected");
    CHECK(read_contents(stack.packs, {}, 10).empty());
}

TEST_CASE("packing stops soon after it is asked to") {
    std::stop_source source;
    Layer layer;
    layer.file("endless", uint64_t{1} << 32, [&](uint64_t offset, std::span<std::byte> out) {
        if (offset >= 1 << 20) source.request_stop();
        std::fill(out.begin(), out.end(), std::byte{7});
    });
    WritePackJob job;
    job.threads = 2;
    job.stop = source.get_token();
    const UniqueFd fd = memory_file();
    try {
        write_pack(layer, job, fd.get());
        FAIL("no error");
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::interrupted);
    }
}

TEST_CASE("what the stream throws comes through") {
    Layer layer;
    layer.file("a", 1 << 20, [](uint64_t offset, std::span<std::byte>) {
        if (offset > 300'000) throw Error(ErrorKind::integrity, "the layer is cut short");
    });
    WritePackJob job;
    job.threads = 3;
    const UniqueFd fd = memory_file();
    CHECK_THROWS_WITH(write_pack(layer, job, fd.get()), "the layer is cut short");
}

TEST_CASE("a size that no image can hold is refused before it is read") {
    Layer layer;
    layer.file("huge", UINT64_MAX, [](uint64_t, std::span<std::byte>) { FAIL("read"); });
    WritePackJob job;
    const UniqueFd fd = memory_file();
    CHECK_THROWS_WITH(write_pack(layer, job, fd.get()), ContainsSubstring("\"huge\" is larger than"));
}

TEST_CASE("attributes that would fill the memory are refused") {
    // As a layer of few bytes can have them: every file with the same long attribute.
    class Bomb : public tree::EntryStream {
      public:
        bool next(tree::LayerEntry& entry) override {
            entry = {};
            entry.path = fmt::format("{:08}", count_++);
            entry.inode.xattrs = {{"user.x", std::string(60'000, 'x')}};
            return true;
        }
        void read(std::span<std::byte>) override { FAIL("read"); }

      private:
        int count_ = 0;
    };
    Bomb bomb;
    const UniqueFd fd = memory_file();
    try {
        write_pack(bomb, {}, fd.get());
        FAIL("no error");
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::limit);
    }
}

TEST_CASE("progress ends at the bytes packed") {
    Layer layer;
    layer.file("a", prose(3'000'000, 1)).file("b", prose(10, 2));
    std::vector<uint64_t> seen;
    WritePackJob job;
    job.progress = [&](uint64_t bytes) { seen.push_back(bytes); };
    const UniqueFd fd = memory_file();
    write_pack(layer, job, fd.get());
    REQUIRE(seen.size() > 2);
    CHECK(std::is_sorted(seen.begin(), seen.end()));
    CHECK(seen.back() == 3'000'010);
}

TEST_CASE("a full disk is reported as such") {
    const UniqueFd full = open_file("/dev/full", O_RDWR);
    Layer layer;
    layer.file("a", noise(3'000'000, 1));
    WritePackJob job;
    try {
        write_pack(layer, job, full.get());
        FAIL("no error");
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::no_space);
    }
}
