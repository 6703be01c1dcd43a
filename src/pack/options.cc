#include "gbuild/pack/options.h"

#include <fmt/format.h>
#include <libdeflate.h>
#include <lz4.h>
#include <lzma.h>
#include <lzo/lzoconf.h>
#include <zstd.h>

#include <bit>

#include "gbuild/base/error.h"
#include "gbuild/deflate/encoder.h"
#include "pack_format.h"

namespace gbuild::pack {

std::string_view codec_name(Codec codec) {
    switch (codec) {
    case Codec::gzip: return "gzip";
    case Codec::lzo: return "lzo";
    case Codec::lz4: return "lz4";
    case Codec::xz: return "xz";
    case Codec::zstd: return "zstd";
    }
    return "unknown";
}

std::optional<Codec> parse_codec(std::string_view name) {
    for (Codec codec : {Codec::gzip, Codec::lzo, Codec::lz4, Codec::xz, Codec::zstd}) {
        if (codec_name(codec) == name) return codec;
    }
    return std::nullopt;
}

LevelRange level_range(Codec codec) {
    switch (codec) {
    case Codec::gzip: return {1, 12, 6};
    case Codec::lzo: return {1, 9, 8};
    case Codec::lz4: return {1, 12, 9};
    case Codec::xz: return {0, 9, 6};
    case Codec::zstd: return {1, 22, 15};
    }
    return {0, 0, 0};
}

std::string PackOptions::key() const {
    const bool own_encoder = codec == Codec::gzip && level <= deflate::highest_level;
    return fmt::format("{}-{}-{}{}-v{}", codec_name(codec), level, block_size,
                       own_encoder ? fmt::format("-e{}", deflate::encoder_version) : "", pack_format_version);
}

void PackOptions::check() const {
    const LevelRange range = level_range(codec);
    if (level < range.lowest || level > range.highest) {
        throw Error(ErrorKind::usage, fmt::format("there is no {} compression level {}", codec_name(codec), level))
            .hint(fmt::format("{} has levels {} to {}", codec_name(codec), range.lowest, range.highest));
    }
    if (!std::has_single_bit(block_size) || block_size < min_block_size || block_size > max_block_size) {
        throw Error(ErrorKind::usage, fmt::format("a block size of {} is not possible", block_size))
            .hint(fmt::format("it is a power of two from {} to {} bytes", min_block_size, max_block_size));
    }
}

std::vector<std::string> compressor_versions() {
    return {fmt::format("gbuild deflate {}", deflate::encoder_version),
            fmt::format("libdeflate {}", LIBDEFLATE_VERSION_STRING),
            fmt::format("LZO {}", lzo_version_string()),
            fmt::format("LZ4 {}", LZ4_versionString()),
            fmt::format("liblzma {}", lzma_version_string()),
            fmt::format("zstd {}", ZSTD_versionString())};
}

}  // namespace gbuild::pack
