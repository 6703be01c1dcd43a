#include "entry_codec.h"

#include <algorithm>

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/text.h"

namespace gbuild::pack {
namespace {

using tree::EntryKind;
using tree::FileType;
using tree::Inode;
using tree::LayerEntry;

// What a layer's entries may take in the index; they come to a few times that in memory. A file takes some 60 bytes,
// but a layer of a megabyte could hold gigabytes of extended attributes.
constexpr size_t max_entry_bytes = size_t{128} << 20;

constexpr uint64_t zigzag(int64_t value) {
    return static_cast<uint64_t>(value) << 1 ^ static_cast<uint64_t>(value >> 63);
}
constexpr int64_t unzigzag(uint64_t value) { return static_cast<int64_t>(value >> 1 ^ (~(value & 1) + 1)); }

bool is_device(FileType type) { return type == FileType::char_device || type == FileType::block_device; }

void require(bool condition) {
    if (!condition) throw Error(ErrorKind::integrity, "the pack's index is damaged");
}

}  // namespace

void EntryEncoder::add(const LayerEntry& entry) {
    const auto differ = std::mismatch(previous_.begin(), previous_.end(), entry.path.begin(), entry.path.end());
    const auto shared = static_cast<size_t>(differ.first - previous_.begin());
    out_.number(static_cast<uint8_t>(entry.kind));
    out_.varint(shared);
    out_.text(std::string_view(entry.path).substr(shared));
    previous_ = entry.path;
    if (entry.kind == EntryKind::hard_link) out_.text(entry.target);
    if (entry.kind == EntryKind::inode) add_inode(entry.inode);
    count_++;
    if (out_.bytes().size() > max_entry_bytes) {
        throw Error(ErrorKind::limit, fmt::format("the names and attributes of a layer's files take more than {}",
                                                  human_size(max_entry_bytes)))
            .hint("put fewer files, or smaller extended attributes, into one layer");
    }
}

void EntryEncoder::add_inode(const Inode& inode) {
    out_.number(static_cast<uint8_t>(inode.type));
    out_.varint(inode.mode);
    out_.varint(inode.uid);
    out_.varint(inode.gid);
    out_.varint(zigzag(inode.mtime));
    if (inode.type == FileType::regular) out_.varint(inode.size);
    if (inode.type == FileType::symlink) out_.text(inode.target);
    if (is_device(inode.type)) {
        out_.varint(inode.device_major);
        out_.varint(inode.device_minor);
    }
    out_.varint(inode.xattrs.size());
    for (const tree::Xattr& xattr : inode.xattrs) {
        out_.text(xattr.name);
        out_.text(xattr.value);
    }
}

bool EntryDecoder::next(LayerEntry& entry) {
    if (left_ == 0) {
        require(in_.left() == 0);
        return false;
    }
    left_--;
    entry = {};
    const auto kind = in_.number<uint8_t>();
    require(kind <= static_cast<uint8_t>(EntryKind::opaque));
    entry.kind = static_cast<EntryKind>(kind);
    previous_ = path(previous_);
    entry.path = previous_;
    if (entry.kind == EntryKind::hard_link) entry.target = in_.text();
    if (entry.kind == EntryKind::inode) read_inode(entry.inode);
    return true;
}

std::string EntryDecoder::path(std::string_view previous) {
    std::string path(previous.substr(0, in_.varint(previous.size())));
    path += in_.text();
    require(tree::normalize_path(path) == path);
    return path;
}

void EntryDecoder::read_inode(Inode& inode) {
    const auto type = in_.number<uint8_t>();
    require(type <= static_cast<uint8_t>(FileType::socket));
    inode.type = static_cast<FileType>(type);
    inode.mode = static_cast<uint16_t>(in_.varint(07777));
    inode.uid = static_cast<uint32_t>(in_.varint(UINT32_MAX));
    inode.gid = static_cast<uint32_t>(in_.varint(UINT32_MAX));
    inode.mtime = unzigzag(in_.varint());
    if (inode.type == FileType::regular) inode.size = in_.varint();
    if (inode.size > 0) inode.content.number = files_++;
    if (inode.type == FileType::symlink) inode.target = in_.text();
    if (is_device(inode.type)) {
        inode.device_major = static_cast<uint32_t>(in_.varint(UINT32_MAX));
        inode.device_minor = static_cast<uint32_t>(in_.varint(UINT32_MAX));
    }
    const uint64_t xattrs = in_.varint(in_.left());
    for (uint64_t i = 0; i < xattrs; i++) {
        tree::Xattr xattr{std::string(in_.text()), std::string(in_.text())};
        require(inode.xattrs.empty() || inode.xattrs.back().name < xattr.name);
        inode.xattrs.push_back(std::move(xattr));
    }
}

}  // namespace gbuild::pack
