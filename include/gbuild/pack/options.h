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

    // Names everything that changes a byte of the pack: the options, the format's version, and what compresses:
    // "gzip-6-131072-v5-gbuild-deflate-1", "lzo-8-131072-v5-lzo-2.10".
    std::string key() const;
    // The options in a key of this version, whatever the library; nullopt for anything else.
    static std::optional<PackOptions> of_key(std::string_view key);
    // Throws usage naming the option and its range.
    void check() const;
};

struct LevelRange {
    int lowest, highest, standard;
};
LevelRange level_range(Codec codec);  // lowest == highest: the codec has no levels

// What compresses with these options. Of a library the version in use, which need not be the one that gbuild was
// compiled with: "gbuild deflate 1", "LZO 2.10". libdeflate does not tell its version, so that what stands for it is
// the build of the file that is loaded: "libdeflate 8dd45d05f8c7bacf".
std::string compressor_in_use(const PackOptions& options);
// All there are, for `gbuild version`: "libdeflate 8dd45d05f8c7bacf (/lib/libdeflate.so.0; compiled with 1.14)".
std::vector<std::string> compressor_versions();

}  // namespace gbuild::pack
