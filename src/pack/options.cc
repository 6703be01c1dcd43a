#include "gbuild/pack/options.h"

#include <fmt/format.h>
#include <libdeflate.h>
#include <lz4.h>
#include <lzma.h>
#include <lzo/lzoconf.h>
#include <zstd.h>

#include <algorithm>
#include <bit>

#include "gbuild/base/error.h"
#include "gbuild/base/text.h"
#include "gbuild/deflate/encoder.h"
#include "loaded_library.h"
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
    std::string library = to_lower(compressor_in_use(*this));
    std::replace(library.begin(), library.end(), ' ', '-');
    return fmt::format("{}-{}-{}-v{}-{}", codec_name(codec), level, block_size, pack_format_version, library);
}

std::optional<PackOptions> PackOptions::of_key(std::string_view key) {
    const auto part = [&] {
        const std::string_view text = key.substr(0, key.find('-'));
        key.remove_prefix(std::min(key.size(), text.size() + 1));
        return text;
    };
    const auto codec = parse_codec(part());
    const auto level = parse_decimal(part()), block_size = parse_decimal(part());
    if (part() != fmt::format("v{}", pack_format_version)) return std::nullopt;
    if (!codec || !level || !block_size || *level > 100 || *block_size > max_block_size) return std::nullopt;
    PackOptions options{*codec, static_cast<int>(*level), static_cast<uint32_t>(*block_size)};
    const LevelRange range = level_range(options.codec);
    const bool possible = options.level >= range.lowest && options.level <= range.highest;
    return possible && std::has_single_bit(options.block_size) && options.block_size >= min_block_size
               ? std::optional(options)
               : std::nullopt;
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

std::string compressor_in_use(const PackOptions& options) {
    switch (options.codec) {
    case Codec::gzip:
        if (options.level <= deflate::highest_level) return fmt::format("gbuild deflate {}", deflate::encoder_version);
        return fmt::format("libdeflate {}", libdeflate_in_use().build);
    case Codec::lzo: return fmt::format("LZO {}", lzo_version_string());
    case Codec::lz4: return fmt::format("LZ4 {}", LZ4_versionString());
    case Codec::xz: return fmt::format("liblzma {}", lzma_version_string());
    case Codec::zstd: return fmt::format("zstd {}", ZSTD_versionString());
    }
    throw Error(ErrorKind::internal, "unknown codec");
}

std::vector<std::string> compressor_versions() {
    const LoadedLibrary& libdeflate = libdeflate_in_use();
    std::vector<std::string> versions{fmt::format("gbuild deflate {}", deflate::encoder_version),
                                      fmt::format("libdeflate {}", libdeflate.build)};
    if (!libdeflate.file.empty()) {
        versions.back() += fmt::format(" ({}; compiled with {})", libdeflate.file, LIBDEFLATE_VERSION_STRING);
    }
    for (Codec codec : {Codec::lzo, Codec::lz4, Codec::xz, Codec::zstd}) {
        versions.push_back(compressor_in_use({codec, level_range(codec).standard}));
    }
    return versions;
}

}  // namespace gbuild::pack
