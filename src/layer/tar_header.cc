#include "tar_header.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "gbuild/base/error.h"
#include "gbuild/base/fd.h"
#include "gbuild/base/text.h"

namespace gbuild::layer {
namespace {

using namespace std::string_view_literals;

// POSIX.1-2017, pax, "ustar Interchange Format"; the GNU and star variants in GNU tar's and star's manuals.
constexpr size_t name_offset = 0, name_size = 100;
constexpr size_t checksum_offset = 148, checksum_size = 8;
constexpr size_t link_offset = 157, link_size = 100;
constexpr size_t magic_offset = 257, magic_and_version_size = 8;
constexpr size_t prefix_offset = 345, prefix_size = 155, star_prefix_size = 131;
constexpr size_t star_trailer_offset = 508;

std::string_view until_nul(std::string_view field) { return field.substr(0, field.find('\0')); }

int64_t parse_base256(std::string_view text, std::string_view field) {
    const auto first = static_cast<unsigned char>(text.front());
    const bool negative = (first & 0x40) != 0;
    int64_t value = negative ? -1 : 0;
    for (size_t i = 0; i < text.size(); ++i) {
        auto byte = static_cast<unsigned char>(text[i]);
        if (i == 0) byte = static_cast<unsigned char>(negative ? byte | 0x80 : byte & 0x7f);
        int64_t next = 0;
        if (__builtin_mul_overflow(value, 256, &next) || __builtin_add_overflow(next, byte, &next)) {
            throw Error(ErrorKind::integrity, fmt::format("the {} in a tar header is beyond 64 bits", field));
        }
        value = next;
    }
    return value;
}

void check_sum(const TarBlock& block) {
    int64_t as_unsigned = 0;
    int64_t as_signed = 0;  // what some old implementations summed
    for (size_t i = 0; i < block.size(); ++i) {
        const bool own = i >= checksum_offset && i < checksum_offset + checksum_size;
        const auto byte = own ? static_cast<unsigned char>(' ') : std::to_integer<unsigned char>(block[i]);
        as_unsigned += byte;
        as_signed += static_cast<signed char>(byte);
    }
    const int64_t claimed = parse_tar_number(block_field(block, checksum_offset, checksum_size), "checksum");
    if (claimed != as_unsigned && claimed != as_signed) {
        throw Error(ErrorKind::integrity, "a tar header has a wrong checksum");
    }
}

std::string_view prefix_of(const TarBlock& block) {
    // GNU's magic has other uses for the place of the prefix.
    if (block_field(block, magic_offset, 6) != "ustar\0"sv) return {};
    const bool star = block_field(block, star_trailer_offset, 4) == "tar\0"sv;
    return until_nul(block_field(block, prefix_offset, star ? star_prefix_size : prefix_size));
}

}  // namespace

std::string_view block_field(const TarBlock& block, size_t offset, size_t size) {
    return as_text(std::span(block).subspan(offset, size));
}

bool is_zero_block(const TarBlock& block) {
    return std::all_of(block.begin(), block.end(), [](std::byte byte) { return byte == std::byte{0}; });
}

int64_t parse_tar_number(std::string_view text, std::string_view field) {
    if (!text.empty() && (static_cast<unsigned char>(text.front()) & 0x80) != 0) return parse_base256(text, field);
    const std::string_view blanks = " \0"sv;
    const size_t begin = std::min(text.find_first_not_of(blanks), text.size());
    const std::string_view digits = text.substr(begin, text.find_last_not_of(blanks) + 1 - begin);
    int64_t value = 0;
    for (const char digit : digits) {
        if (digit < '0' || digit > '7') {
            throw Error(ErrorKind::integrity,
                        fmt::format("the {} in a tar header is no number: {}", field, quoted(text)));
        }
        value = value * 8 + (digit - '0');  // twelve digits at most: 36 bits
    }
    return value;
}

TarHeader parse_tar_header(const TarBlock& block) {
    check_sum(block);
    TarHeader header;
    header.type = std::to_integer<char>(block[156]);
    header.name = until_nul(block_field(block, name_offset, name_size));
    if (const std::string_view prefix = prefix_of(block); !prefix.empty()) {
        header.name = fmt::format("{}/{}", prefix, header.name);
    }
    header.link = until_nul(block_field(block, link_offset, link_size));
    header.mode = static_cast<uint32_t>(parse_tar_number(block_field(block, 100, 8), "mode") & 07777);
    header.uid = parse_tar_number(block_field(block, 108, 8), "uid");
    header.gid = parse_tar_number(block_field(block, 116, 8), "gid");
    header.size = parse_tar_number(block_field(block, 124, 12), "size");
    header.mtime = parse_tar_number(block_field(block, 136, 12), "mtime");
    // v7 headers have no such fields and may have anything in their place, as may those of other entries.
    const bool device = header.type == '3' || header.type == '4';
    if (device && block_field(block, magic_offset, magic_and_version_size).starts_with("ustar")) {
        header.device_major = parse_tar_number(block_field(block, 329, 8), "device number");
        header.device_minor = parse_tar_number(block_field(block, 337, 8), "device number");
    }
    return header;
}

}  // namespace gbuild::layer
