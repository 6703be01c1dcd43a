#include "image_tables.h"

#include <algorithm>
#include <array>

#include "gbuild/tree/limits.h"

namespace gbuild::pack {
namespace {

using tree::max_xattr_value;
using tree::max_xattrs;

std::string_view xattr_prefix(const MetadataReader& reader, unsigned type) {
    switch (type) {
    case 0: return "user.";
    case 1: return "trusted.";
    case 2: return "security.";
    default: reader.damaged("an extended attribute of unknown kind");
    }
}

std::string read_value(MetadataReader& reader, MetadataPlace& place) {
    const auto length = reader.number<uint32_t>(place);
    reader.require(length <= max_xattr_value, "an extended attribute of impossible length");
    return reader.text(place, length);
}

}  // namespace

std::vector<uint32_t> read_ids(MetadataReader& reader, const Superblock& super) {
    std::vector<uint32_t> ids(super.id_count);
    for (size_t i = 0; i < ids.size(); i++) {
        reader.read_entry(super.id_table, i, std::as_writable_bytes(std::span(&ids[i], 1)));
    }
    return ids;
}

Fragment read_fragment(MetadataReader& reader, const Superblock& super, uint32_t index) {
    reader.require(super.fragment_table != Superblock::absent && index < super.fragment_count,
                   "a file ends in a fragment that is not there");
    std::array<std::byte, 16> entry;
    reader.read_entry(super.fragment_table, index, entry);
    BinaryReader in(entry, "a fragment");
    Fragment fragment;
    fragment.position = in.number<uint64_t>();
    fragment.size = in.number<uint32_t>();
    return fragment;
}

std::vector<tree::Xattr> read_xattrs(MetadataReader& reader, const Superblock& super, uint32_t index) {
    constexpr unsigned prefix_bits = 0xff;
    constexpr unsigned value_elsewhere = 0x100;
    constexpr uint64_t header_size = 16;
    std::vector<tree::Xattr> xattrs;
    reader.require(super.xattr_table != Superblock::absent, "extended attributes without a table");

    std::array<std::byte, header_size> bytes;
    reader.read_at(super.xattr_table, bytes);
    BinaryReader header(bytes, "the attribute table");
    const auto table = header.number<uint64_t>();
    reader.require(index < header.number<uint32_t>(), "extended attributes that are not there");

    reader.read_entry(super.xattr_table + header_size, index, bytes);
    BinaryReader list(bytes, "the attribute table");
    MetadataPlace place = MetadataPlace::in_table(table, list.number<uint64_t>());
    const auto count = list.number<uint32_t>();
    reader.require(count <= max_xattrs, "too many extended attributes");
    for (uint32_t i = 0; i < count; i++) {
        const auto type = reader.number<uint16_t>(place);
        const auto length = reader.number<uint16_t>(place);
        tree::Xattr xattr;
        xattr.name = xattr_prefix(reader, type & prefix_bits);
        xattr.name += reader.text(place, length);
        if ((type & value_elsewhere) != 0) {
            reader.require(reader.number<uint32_t>(place) == sizeof(uint64_t), "an extended attribute without a value");
            MetadataPlace elsewhere = MetadataPlace::in_table(table, reader.number<uint64_t>(place));
            xattr.value = read_value(reader, elsewhere);
        } else {
            xattr.value = read_value(reader, place);
        }
        xattrs.push_back(std::move(xattr));
    }
    std::sort(xattrs.begin(), xattrs.end());
    const auto twice =
        std::adjacent_find(xattrs.begin(), xattrs.end(), [](const auto& a, const auto& b) { return a.name == b.name; });
    reader.require(twice == xattrs.end(), "an extended attribute that a file has twice");
    return xattrs;
}

}  // namespace gbuild::pack
