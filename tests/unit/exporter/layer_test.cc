#include "gbuild/exporter/layer.h"

#include <fcntl.h>
#include <libdeflate.h>
#include <zstd.h>

#include <algorithm>

#include "exporter/compressor.h"
#include "exporter/sparse_extents.h"
#include "gbuild/base/atomic_file.h"
#include "gbuild/base/error.h"
#include "gbuild/base/fd.h"
#include "support/catch.h"

using namespace gbuild;
using namespace gbuild::exporter;

namespace {

constexpr size_t bytes_a_file = 300'000;

// Files of bytes that compress somewhat; one of them has two names, and there are a socket and a name like a
// whiteout's.
class ManyFiles : public tree::EntryStream {
  public:
    bool next(tree::LayerEntry& entry) override {
        entry = {};
        left_ = 0;
        switch (at_++) {
        case 9: entry = {tree::EntryKind::hard_link, "other", "file-3", {}}; return true;
        case 10:
            entry.path = "socket";
            entry.inode.type = tree::FileType::socket;
            return true;
        case 11:
            entry.path = "dir/.wh.x";
            entry.inode.type = tree::FileType::fifo;
            return true;
        case 12: return false;
        default: break;
        }
        entry.path = "file-" + std::to_string(at_);
        entry.inode.type = tree::FileType::regular;
        entry.inode.size = left_ = bytes_a_file;
        return true;
    }
    void read(std::span<std::byte> out) override {
        for (std::byte& byte : out) {
            byte = static_cast<std::byte>((left_ * left_ >> 9) + at_);
            left_--;
        }
    }

  private:
    size_t at_ = 0, left_ = 0;
};

// Data at the beginning of each of the pieces that are given by their sizes in MiB; the rest is known to be zeros.
class HugeFile : public tree::EntryStream {
  public:
    explicit HugeFile(std::vector<uint64_t> pieces) : pieces_(std::move(pieces)) {}
    bool next(tree::LayerEntry& entry) override {
        entry = {};
        entry.path = "dir/huge";
        entry.inode.type = tree::FileType::regular;
        for (uint64_t piece : pieces_) entry.inode.size += piece << 20;
        return std::exchange(first_, false);
    }
    void read(std::span<std::byte> out) override {
        for (std::byte& byte : out) byte = at_++ == 0 ? std::byte{'d'} : std::byte{0};
        advance();
    }
    uint64_t zeros() override { return at_ == 0 ? 0 : (pieces_[piece_] << 20) - at_; }
    void skip_zeros(uint64_t count) override {
        at_ += count;
        advance();
    }

  private:
    void advance() {
        if (at_ < pieces_[piece_] << 20 || piece_ + 1 == pieces_.size()) return;
        piece_++;
        at_ = 0;
    }
    std::vector<uint64_t> pieces_;
    size_t piece_ = 0;
    uint64_t at_ = 0;
    bool first_ = true;
};

struct PackedTree {
    PackedTree() : PackedTree(ManyFiles()) {}
    template <class Files>
    explicit PackedTree(Files files) {
        UniqueFd file = anonymous_file(dir.path());
        pack::write_pack(files, {}, file.get());
        const uint32_t number = packs.add(pack::Pack::open(std::move(file), {}));
        tree.apply(packs.at(number).entries(number));
    }

    std::string blob(const LayerOptions& options, Layer& layer) const {
        const UniqueFd file = anonymous_file(dir.path());
        layer = write_layer(tree, packs, options, file.get());
        std::string bytes(layer.size, '\0');
        pread_exact(file.get(), std::as_writable_bytes(std::span(bytes)), 0, "the blob");
        REQUIRE(file_size(file.get()) == layer.size);
        return bytes;
    }

    TempDir dir;
    pack::PackSet packs{{}};
    tree::Tree tree;
};

std::string gunzip(std::string_view bytes) {
    std::string text, member(4 << 20, '\0');
    auto* decompressor = libdeflate_alloc_decompressor();
    while (!bytes.empty()) {
        size_t used = 0, made = 0;
        const auto result = libdeflate_gzip_decompress_ex(decompressor, bytes.data(), bytes.size(), member.data(),
                                                          member.size(), &used, &made);
        if (result != LIBDEFLATE_SUCCESS) break;
        text.append(member, 0, made);
        bytes.remove_prefix(used);
    }
    libdeflate_free_decompressor(decompressor);
    return text;
}

std::string unzstd(std::string_view bytes) {
    std::string text(16 << 20, '\0');
    const size_t size = ZSTD_decompress(text.data(), text.size(), bytes.data(), bytes.size());
    text.resize(ZSTD_isError(size) != 0 ? 0 : size);
    return text;
}

}  // namespace

TEST_CASE("a layer's digests are those of its bytes, compressed and not") {
    const PackedTree packed;
    Layer plain, gzip, zstd;
    const std::string tar = packed.blob({Compression::none, {}, 1, {}}, plain);
    CHECK(tar.size() > 9 * bytes_a_file);
    CHECK(plain.digest == Digest::of(tar));
    CHECK(plain.diff_id == plain.digest);
    CHECK(plain.media_type == "application/vnd.oci.image.layer.v1.tar");

    const std::string gzipped = packed.blob({Compression::gzip, {}, 1, {}}, gzip);
    CHECK(gunzip(gzipped) == tar);
    CHECK(gzip.digest == Digest::of(gzipped));
    CHECK(gzip.diff_id == plain.diff_id);
    CHECK(gzip.media_type == "application/vnd.oci.image.layer.v1.tar+gzip");

    const std::string zstandard = packed.blob({Compression::zstd, {}, 1, {}}, zstd);
    CHECK(unzstd(zstandard) == tar);
    CHECK(zstd.digest == Digest::of(zstandard));
    CHECK(zstd.media_type == "application/vnd.oci.image.layer.v1.tar+zstd");
}

TEST_CASE("a layer's bytes do not depend on the threads") {
    const PackedTree packed;
    for (Compression compression : {Compression::gzip, Compression::zstd}) {
        Layer one, three;
        CHECK(packed.blob({compression, {}, 1, {}}, one) == packed.blob({compression, {}, 3, {}}, three));
        CHECK(one.digest == three.digest);
    }
}

TEST_CASE("a level is heeded") {
    const PackedTree packed;
    Layer fast, small;
    packed.blob({Compression::gzip, 1, 1, {}}, fast);
    packed.blob({Compression::gzip, 9, 1, {}}, small);
    CHECK(small.size < fast.size);
    CHECK(small.diff_id == fast.diff_id);
}

TEST_CASE("names that would be whiteouts are only in a root file system, sockets nowhere") {
    const PackedTree packed;
    Layer layer;
    const std::string tar = packed.blob({Compression::none, {}, 1, {}}, layer);
    CHECK(layer.left_out == LeftOut{"dir/.wh.x: the name would hide a file of a lower layer", "socket: a socket"});
    CHECK(tar.find(".wh.x") == std::string::npos);
    std::string rootfs;
    const LeftOut left_out = write_tar(packed.tree, packed.packs, TarUse::rootfs, {},
                                       [&](std::span<const std::byte> bytes) { rootfs += as_text(bytes); });
    CHECK(left_out == LeftOut{"socket: a socket"});
    CHECK(rootfs.find("dir/.wh.x") != std::string::npos);
}

TEST_CASE("a stop is heeded") {
    const PackedTree packed;
    std::stop_source stop;
    stop.request_stop();
    CHECK_THROWS_WITH(write_tar(packed.tree, packed.packs, TarUse::rootfs, stop.get_token(), [](auto) {}),
                      "interrupted");
}

TEST_CASE("an empty stream is compressed to something that is empty again") {
    std::string bytes;
    Compressor compressor(Compression::gzip, 6, 1, [&](std::span<const std::byte> more) { bytes += as_text(more); });
    compressor.finish();
    CHECK_FALSE(bytes.empty());
    CHECK(gunzip(bytes).empty());
}

TEST_CASE("a root file system's tar has no large holes, a layer's has them all (S-8)") {
    const PackedTree packed(HugeFile({2048, 1, 600}));
    const auto size_of = [&](TarUse use) {
        uint64_t size = 0;
        write_tar(packed.tree, packed.packs, use, {}, [&](std::span<const std::byte> bytes) { size += bytes.size(); });
        return size;
    };
    CHECK(size_of(TarUse::rootfs) < 3 << 20);
    CHECK(size_of(TarUse::layer) > uint64_t{2649} << 20);
}

TEST_CASE("files with small holes are written out everywhere (S-8)") {
    const PackedTree packed(HugeFile({500, 400}));
    std::string first;
    uint64_t size = 0;
    write_tar(packed.tree, packed.packs, TarUse::rootfs, {}, [&](std::span<const std::byte> bytes) {
        size += bytes.size();
        if (first.empty()) first = as_text(bytes);
    });
    CHECK(size > 900 << 20);
    CHECK(first.find("GNU") == std::string::npos);
}

TEST_CASE("what of a sparse file is stored is bounded by the number of its parts (S-8)") {
    pack::PackedFile file;
    std::vector<uint32_t> blocks;
    const auto of = [&](uint64_t size) {
        file.blocks = blocks;
        file.size = size;
        file.sparse = 0;
        for (uint32_t entry : blocks) {
            if (pack::is_hole(entry)) file.sparse += pack::blocks_of(entry) << 17;
        }
        return sparse_extents(file, 1 << 17);
    };
    blocks = {pack::hole_bit | (1 << 14), 5, 5, pack::hole_bit | (1 << 13)};
    const auto simple = of((uint64_t{3} << 30) + (2 << 17));
    REQUIRE(simple.size() == 2);
    CHECK(simple[0].length == 0);
    CHECK(simple[1].offset == uint64_t{2} << 30);
    CHECK(simple[1].length == 2 << 17);

    blocks.clear();
    for (int i = 0; i < 20'000; i++) blocks.insert(blocks.end(), {5, pack::hole_bit | (i % 2 == 0 ? 8u : 16u)});
    CHECK(of(uint64_t{20'000} * 13 << 17).size() == 10'000);
}
