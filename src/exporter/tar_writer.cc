#include "gbuild/exporter/tar_writer.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <map>

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/fd.h"
#include "gbuild/base/text.h"

namespace gbuild::exporter {

namespace {

constexpr size_t block_size = 512;
using Block = std::array<char, block_size>;
using Records = std::map<std::string, std::string>;  // of a PAX header

struct Field {
    size_t offset, size;
};
constexpr Field name_field{0, 100}, mode_field{100, 8}, uid_field{108, 8}, gid_field{116, 8}, size_field{124, 12},
    mtime_field{136, 12}, checksum_field{148, 8}, link_field{157, 100}, major_field{329, 8}, minor_field{337, 8};
constexpr size_t type_offset = 156, magic_offset = 257;

constexpr uint64_t largest(Field field) { return (uint64_t{1} << (3 * (field.size - 1))) - 1; }

void put_text(Block& block, Field field, std::string_view text) {
    std::memcpy(block.data() + field.offset, text.data(), std::min(text.size(), field.size));
}

void put_number(Block& block, Field field, uint64_t number) {
    put_text(block, field, fmt::format("{:0{}o}", number, field.size - 1));
}

// What does not fit goes to `records`, and 0 to the header.
void put_number(Block& block, Field field, uint64_t number, const char* key, Records& records) {
    const bool fits = number <= largest(field);
    if (!fits) records[key] = std::to_string(number);
    put_number(block, field, fits ? number : 0);
}

void put_name(Block& block, Field field, const std::string& text, const char* key, Records& records) {
    if (text.size() > field.size) records[key] = text;
    put_text(block, field, text);
}

void put_checksum(Block& block) {
    std::fill_n(block.begin() + checksum_field.offset, checksum_field.size, ' ');
    unsigned sum = 0;
    for (char c : block) sum += static_cast<unsigned char>(c);
    put_text(block, checksum_field, fmt::format("{:06o}", sum) + '\0' + ' ');
}

// "LENGTH KEY=VALUE\n", where the length counts its own digits.
std::string record_text(const std::string& key, const std::string& value) {
    const size_t rest = key.size() + value.size() + 3;
    size_t length = rest + std::to_string(rest).size();
    length = rest + std::to_string(length).size();
    return fmt::format("{} {}={}\n", length, key, value);
}

Block empty_block(char type) {
    Block block{};
    block[type_offset] = type;
    std::memcpy(block.data() + magic_offset,
                "ustar\0"
                "00",
                8);
    return block;
}

uint64_t padding_of(uint64_t size) { return (block_size - size % block_size) % block_size; }

char type_flag(const tree::Inode& inode) {
    using tree::FileType;
    switch (inode.type) {
    case FileType::directory: return '5';
    case FileType::regular: return '0';
    case FileType::symlink: return '2';
    case FileType::char_device: return '3';
    case FileType::block_device: return '4';
    case FileType::fifo: return '6';
    case FileType::socket: break;
    }
    throw Error(ErrorKind::internal, "a socket cannot be in a tar archive");
}

}  // namespace

struct TarWriter::Entry {
    char type;
    std::string name, link;
    const tree::Inode& inode;
    uint64_t size = 0;
    Records records = {};
};

bool tar_can_hold(const tree::Xattr& xattr) { return xattr.name.find('=') == std::string::npos; }

void TarWriter::add(const std::string& path, const tree::Inode& inode) {
    const bool regular = inode.type == tree::FileType::regular;
    const std::string name = inode.is_directory() ? (path.empty() ? "./" : path + "/") : path;
    write({type_flag(inode), name, inode.target, inode, regular ? inode.size : 0});
}

// GNU tar's manual, "PAX Format, Versions 1.0": the map, in decimal, stands before the data and fills whole blocks. A
// hole at the end is told by an empty extent.
void TarWriter::add_sparse(const std::string& path, const tree::Inode& inode, std::span<const Extent> extents) {
    std::string map;
    uint64_t stored = 0;
    uint64_t end = 0;
    for (const Extent& extent : extents) {
        map += fmt::format("{}\n{}\n", extent.offset, extent.length);
        stored += extent.length;
        end = extent.offset + extent.length;
    }
    const bool ends_in_hole = end < inode.size;
    if (ends_in_hole) map += fmt::format("{}\n0\n", inode.size);
    map = fmt::format("{}\n", extents.size() + (ends_in_hole ? 1 : 0)) + map;
    map.resize(map.size() + padding_of(map.size()));

    const std::string name = "GNUSparseFile.0/" + path.substr(path.rfind('/') + 1);
    write({'0',
           name.substr(0, name_field.size),
           {},
           inode,
           map.size() + stored,
           {{"GNU.sparse.major", "1"},
            {"GNU.sparse.minor", "0"},
            {"GNU.sparse.name", path},
            {"GNU.sparse.realsize", std::to_string(inode.size)}}});
    data(as_bytes(map));
}

void TarWriter::add_link(const std::string& path, const std::string& target, const tree::Inode& inode) {
    write({'1', path, target, inode, 0});
}

void TarWriter::add_file(const std::string& path, uint64_t size, int64_t mtime) {
    tree::Inode inode;
    inode.type = tree::FileType::regular;
    inode.mode = 0644;
    inode.mtime = mtime;
    inode.size = size;
    add(path, inode);
}

void TarWriter::write(const Entry& entry) {
    const tree::Inode& inode = entry.inode;
    Records records = entry.records;
    Block header = empty_block(entry.type);
    put_name(header, name_field, entry.name, "path", records);
    put_name(header, link_field, entry.link, "linkpath", records);
    put_number(header, mode_field, inode.mode);
    put_number(header, uid_field, inode.uid, "uid", records);
    put_number(header, gid_field, inode.gid, "gid", records);
    put_number(header, size_field, entry.size, "size", records);
    const bool plain_time = inode.mtime >= 0 && static_cast<uint64_t>(inode.mtime) <= largest(mtime_field);
    if (!plain_time) records["mtime"] = std::to_string(inode.mtime);
    put_number(header, mtime_field, plain_time ? static_cast<uint64_t>(inode.mtime) : 0);
    if (entry.type == '3' || entry.type == '4') {
        if (inode.device_major > largest(major_field) || inode.device_minor > largest(minor_field)) {
            throw Error(ErrorKind::limit, fmt::format("{} has a device number that tar cannot hold: {}:{}",
                                                      quoted(entry.name), inode.device_major, inode.device_minor));
        }
        put_number(header, major_field, inode.device_major);
        put_number(header, minor_field, inode.device_minor);
    }
    if (entry.type != '1') {
        for (const tree::Xattr& xattr : inode.xattrs) {
            if (tar_can_hold(xattr)) records["SCHILY.xattr." + xattr.name] = xattr.value;
        }
    }
    put_checksum(header);

    if (!records.empty()) {
        std::string text;
        for (const auto& [key, value] : records) text += record_text(key, value);
        Block pax = empty_block('x');
        put_text(pax, name_field, "PaxHeaders/" + entry.name.substr(0, 80));
        put_number(pax, mode_field, 0644);
        put_number(pax, uid_field, 0);
        put_number(pax, gid_field, 0);
        put_number(pax, size_field, text.size());
        put_number(pax, mtime_field, 0);
        put_checksum(pax);
        begin(text.size());
        output_(as_bytes({pax.data(), pax.size()}));
        data(as_bytes(text));
    }
    begin(entry.size);
    output_(as_bytes({header.data(), header.size()}));
    if (entry.size == 0) pad();
}

void TarWriter::begin(uint64_t size) {
    if (left_ != 0) throw Error(ErrorKind::integrity, fmt::format("{} bytes of a file are missing", left_));
    left_ = size;
    padding_ = padding_of(size);
}

void TarWriter::data(std::span<const std::byte> bytes) {
    if (bytes.size() > left_) throw Error(ErrorKind::integrity, "a file has more bytes than it should");
    output_(bytes);
    left_ -= bytes.size();
    if (left_ == 0) pad();
}

void TarWriter::pad() {
    static constexpr Block zeros{};
    if (padding_ > 0) output_(as_bytes({zeros.data(), padding_}));
    padding_ = 0;
}

void TarWriter::finish() {
    begin(0);
    static constexpr std::array<char, 2 * block_size> end{};
    output_(as_bytes({end.data(), end.size()}));
}

}  // namespace gbuild::exporter
