#include "gbuild/pack/codec.h"

#include <fmt/format.h>

#include "codecs.h"
#include "gbuild/base/binary.h"
#include "gbuild/base/error.h"

namespace gbuild::pack {

std::unique_ptr<BlockCompressor> make_compressor(const PackOptions& options) {
    options.check();
    switch (options.codec) {
    case Codec::gzip: return make_gzip_compressor(options);
    case Codec::lzo: return make_lzo_compressor(options);
    case Codec::lz4: return make_lz4_compressor(options);
    case Codec::xz: return make_xz_compressor(options);
    case Codec::zstd: return make_zstd_compressor(options);
    }
    throw Error(ErrorKind::internal, "unknown codec");
}

std::unique_ptr<BlockDecompressor> make_decompressor(Codec codec) {
    switch (codec) {
    case Codec::gzip: return make_gzip_decompressor();
    case Codec::lzo: return make_lzo_decompressor();
    case Codec::lz4: return make_lz4_decompressor();
    case Codec::xz: return make_xz_decompressor();
    case Codec::zstd: return make_zstd_decompressor();
    }
    throw Error(ErrorKind::internal, "unknown codec");
}

uint16_t squashfs_id(Codec codec) {
    switch (codec) {
    case Codec::gzip: return 1;
    case Codec::lzo: return 3;
    case Codec::xz: return 4;
    case Codec::lz4: return 5;
    case Codec::zstd: return 6;
    }
    throw Error(ErrorKind::internal, "unknown codec");
}

std::optional<Codec> codec_of_squashfs_id(uint16_t id) {
    for (Codec codec : {Codec::gzip, Codec::lzo, Codec::lz4, Codec::xz, Codec::zstd}) {
        if (squashfs_id(codec) == id) return codec;
    }
    return std::nullopt;
}

// The kernel demands LZ4's options and has sound defaults for the rest: for xz a dictionary of one block (or 8 KiB, a
// metadata block, if that is more), which is what the compressor uses. LZO and zstd levels are for people to read;
// gzip's stay unwritten, since unsquashfs takes them for zlib's and refuses 10 to 12.
std::vector<std::byte> stored_options(const PackOptions& options) {
    constexpr uint32_t lz4_legacy = 1;
    constexpr uint32_t lz4_high_compression = 1;
    constexpr uint32_t lzo1x_999 = 4;
    BinaryWriter out;
    if (options.codec == Codec::lz4) {
        out.number(lz4_legacy);
        out.number<uint32_t>(options.level > level_range(Codec::lz4).lowest ? lz4_high_compression : 0);
    } else if (options.codec == Codec::lzo && options.level != level_range(Codec::lzo).standard) {
        out.number(lzo1x_999);
        out.number(static_cast<uint32_t>(options.level));
    } else if (options.codec == Codec::zstd && options.level != level_range(Codec::zstd).standard) {
        out.number(static_cast<uint32_t>(options.level));
    }
    return std::move(out.bytes());
}

void throw_damaged_block(Codec codec) {
    throw Error(ErrorKind::integrity, fmt::format("a {} block is damaged", codec_name(codec)));
}

void throw_codec_failure(Codec codec) {
    throw Error(ErrorKind::internal, fmt::format("the {} compressor does not start", codec_name(codec)))
        .hint("the machine may be out of memory");
}

}  // namespace gbuild::pack
