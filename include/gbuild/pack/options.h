// How contents are compressed and cut. A pack is a pure function of a layer's contents and these options.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gbuild::pack {

enum class Codec { gzip, lzo, lz4, xz, zstd };

std::string_view codec_name(Codec codec);  // "gzip", as squashfs-tools names them
std::optional<Codec> parse_codec(std::string_view name);

struct PackOptions {
    Codec codec = Codec::gzip;
    int level = 6;                     // codec's own scale; see level_range
    uint32_t block_size = 128 * 1024;  // a power of two, 4 KiB to 1 MiB

    // Names every option that changes a byte of the pack, and the format's version: "gzip-6-131072-e1-v4".
    std::string key() const;
    // Throws usage naming the option and its range.
    void check() const;
};

struct LevelRange {
    int lowest, highest, standard;
};
LevelRange level_range(Codec codec);  // lowest == highest: the codec has no levels

// "gbuild deflate 1", "libdeflate 1.14", "LZO 2.10", … as linked, for `gbuild version`.
std::vector<std::string> compressor_versions();

}  // namespace gbuild::pack
