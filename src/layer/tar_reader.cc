#include "tar_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "entry_path.h"
#include "gbuild/base/error.h"
#include "gbuild/base/text.h"

namespace gbuild::layer {
namespace {

using tree::EntryKind;
using tree::FileType;

// What squashfs and Linux's 32-bit device numbers hold.
constexpr int64_t max_major = 1 << 12;
constexpr int64_t max_minor = 1 << 20;
// 2^32 - 1 means "do not change" to chown(2).
constexpr int64_t max_id = UINT32_MAX - 1;
constexpr size_t max_target = 4095;
constexpr uint16_t symlink_mode = 0777;
// Holes cost next to nothing, but each of their blocks has its place in an image's tables: the sum bounds what a small
// stream can ask for.
constexpr uint64_t max_total_size = uint64_t{1} << 44;

std::string shown(std::string_view name) { return quoted(name.substr(0, 256)); }

uint32_t checked_id(int64_t id, std::string_view field) {
    if (id < 0 || id > max_id) {
        throw Error(ErrorKind::limit, fmt::format("{} {} is not between 0 and {}", field, id, max_id));
    }
    return static_cast<uint32_t>(id);
}

uint32_t checked_device(int64_t number, int64_t limit) {
    if (number < 0 || number >= limit) {
        throw Error(ErrorKind::limit, fmt::format("device number {} is not below {}", number, limit));
    }
    return static_cast<uint32_t>(number);
}

FileType type_of(const TarHeader& header) {
    switch (header.type) {
    case '\0':
        // v7 had no directories of their own.
        return header.name.ends_with('/') ? FileType::directory : FileType::regular;
    case '0':
    case '7':
    case 'S': return FileType::regular;
    case '2': return FileType::symlink;
    case '3': return FileType::char_device;
    case '4': return FileType::block_device;
    case '5': return FileType::directory;
    case '6': return FileType::fifo;
    default:
        throw Error(ErrorKind::unsupported, fmt::format("{} has the unknown tar entry type {}", shown(header.name),
                                                        quoted(std::string_view(&header.type, 1))));
    }
}

std::string checked_target(const TarHeader& header) {
    if (header.link.empty() || header.link.find('\0') != std::string::npos) {
        throw Error(ErrorKind::integrity, fmt::format("symbolic link {} has no valid target", shown(header.name)));
    }
    if (header.link.size() > max_target) {
        throw Error(ErrorKind::limit, fmt::format("the target of symbolic link {} has {} bytes; the limit is {}",
                                                  shown(header.name), header.link.size(), max_target));
    }
    return header.link;
}

void apply_pax(const PaxRecords& pax, TarHeader& header) {
    if (const auto path = pax.find("path")) header.name = *path;
    if (const auto name = pax.find("GNU.sparse.name")) header.name = *name;
    if (const auto link = pax.find("linkpath")) header.link = *link;
    header.uid = pax.number("uid").value_or(header.uid);
    header.gid = pax.number("gid").value_or(header.gid);
    header.size = pax.number("size").value_or(header.size);
    header.mtime = pax.time("mtime").value_or(header.mtime);
    header.device_major = pax.number("SCHILY.devmajor").value_or(header.device_major);
    header.device_minor = pax.number("SCHILY.devminor").value_or(header.device_minor);
}

}  // namespace

TarReader::TarReader(std::unique_ptr<ByteSource> tar, TarOptions options) :
    input_(std::move(tar), std::move(options.what), std::move(options.diff_id)),
    whiteouts_(options.whiteouts),
    root_(options.root) {}

bool TarReader::next(tree::LayerEntry& entry) {
    skip_contents();
    const uint64_t position = input_.position();
    return with_context([&] { return fmt::format("reading {} at byte {}", input_.what(), position); },
                        [&] {
                            for (;;) {
                                Member member;
                                if (!next_member(member)) {
                                    input_.finish();
                                    return false;
                                }
                                if (make_entry(member, entry) == Use::entry) return true;
                                skip_contents();
                            }
                        });
}

bool TarReader::next_member(Member& member) {
    std::optional<std::string> long_name;
    std::optional<std::string> long_link;
    bool extended = false;
    while (read_block(member.block)) {
        member.header = parse_tar_header(member.block);
        switch (member.header.type) {
        case 'g': global_.add_global(read_extension(member.header)); continue;
        case 'x': member.pax = PaxRecords::parse(read_extension(member.header)); break;
        case 'L': long_name = read_extension(member.header); break;
        case 'K': long_link = read_extension(member.header); break;
        default:
            member.pax.fall_back_on(global_);
            apply_pax(member.pax, member.header);
            if (long_name) member.header.name = long_name->substr(0, long_name->find('\0'));
            if (long_link) member.header.link = long_link->substr(0, long_link->find('\0'));
            return true;
        }
        extended = true;
    }
    if (extended) {
        throw Error(ErrorKind::integrity, fmt::format("{} ends after an extended header", input_.what()));
    }
    return false;
}

// False at the end of the archive: two blocks of zeros, or, as all readers have it, the end of the stream between
// entries.
bool TarReader::read_block(TarBlock& block) {
    if (input_.at_end()) return false;
    input_.read(block, "a header");
    if (!is_zero_block(block)) return true;
    if (input_.at_end()) return false;
    input_.read(block, "the end-of-archive mark");
    if (is_zero_block(block)) return false;
    throw Error(ErrorKind::integrity, fmt::format("{} goes on after a block of zeros", input_.what()));
}

std::string TarReader::read_extension(const TarHeader& header) {
    if (header.size < 0 || static_cast<uint64_t>(header.size) > max_pax_size) {
        throw Error(ErrorKind::limit,
                    fmt::format("an extended header has {} bytes; the limit is {}", header.size, max_pax_size));
    }
    std::string body(static_cast<size_t>(header.size), '\0');
    input_.read(std::as_writable_bytes(std::span(body)), "an extended header");
    input_.skip(tar_padding(body.size()), "an extended header");
    return body;
}

TarReader::Use TarReader::make_entry(const Member& member, tree::LayerEntry& entry) {
    const TarHeader& header = member.header;
    const bool link = header.type == '1';
    const FileType type = link ? FileType::regular : type_of(header);
    entry = tree::LayerEntry();
    // Whiteouts are empty files, but nothing keeps a stream from giving them contents.
    if (!link && type == FileType::regular) begin_contents(member);

    auto meaning = interpret_name(header.name, whiteouts_);
    if (!meaning) return Use::none;
    entry.kind = meaning->kind;
    entry.path = std::move(meaning->path);
    if (entry.kind != EntryKind::inode) return Use::entry;
    if (entry.path.empty() && root_ == RootEntry::skip) return Use::none;
    if (entry.path.empty() && type != FileType::directory) {
        throw Error(ErrorKind::integrity, fmt::format("the root of {} is not a directory", input_.what()));
    }
    if (link) {
        entry.kind = EntryKind::hard_link;
        entry.target = tree::normalize_path(header.link);
    } else {
        entry.inode = make_inode(member, type);
    }
    return Use::entry;
}

tree::Inode TarReader::make_inode(const Member& member, FileType type) const {
    const TarHeader& header = member.header;
    tree::Inode inode;
    inode.type = type;
    inode.mode = type == FileType::symlink ? symlink_mode : static_cast<uint16_t>(header.mode);
    inode.uid = checked_id(header.uid, "uid");
    inode.gid = checked_id(header.gid, "gid");
    inode.mtime = header.mtime;
    inode.xattrs = member.pax.xattrs();
    if (type == FileType::regular) inode.size = size_;
    if (type == FileType::symlink) inode.target = checked_target(header);
    if (type == FileType::char_device || type == FileType::block_device) {
        inode.device_major = checked_device(header.device_major, max_major);
        inode.device_minor = checked_device(header.device_minor, max_minor);
    }
    return inode;
}

void TarReader::begin_contents(const Member& member) {
    name_ = shown(member.header.name);
    if (member.header.size < 0) throw Error(ErrorKind::integrity, fmt::format("{} has a negative size", name_));
    const auto stored = static_cast<uint64_t>(member.header.size);
    std::optional<SparseFile> sparse = member.header.type == 'S' ? read_gnu_sparse(member.block, stored, input_)
                                                                 : read_pax_sparse(member.pax, stored, input_);
    if (!sparse) sparse = SparseFile{stored, stored, {{0, stored}}};
    size_ = sparse->size;
    stored_left_ = sparse->stored;
    padding_ = tar_padding(stored_left_);
    extents_ = std::move(sparse->extents);
    extent_ = 0;
    at_ = 0;
    if (size_ > max_total_size - total_size_) {
        throw Error(ErrorKind::limit,
                    fmt::format("the files of {} have more than {}", input_.what(), human_size(max_total_size)));
    }
    total_size_ += size_;
}

void TarReader::skip_contents() {
    input_.skip(stored_left_, name_);
    input_.skip(padding_, name_);
    stored_left_ = 0;
    padding_ = 0;
    size_ = at_;
}

// The bytes from the current position to the next border between contents and holes.
TarReader::Run TarReader::current_run() {
    const auto end = [](const Extent& extent) { return extent.offset + extent.length; };
    while (extent_ < extents_.size() && end(extents_[extent_]) <= at_) ++extent_;
    if (extent_ == extents_.size()) return {size_ - at_, Stored::no};
    const Extent& extent = extents_[extent_];
    if (at_ < extent.offset) return {extent.offset - at_, Stored::no};
    return {end(extent) - at_, Stored::yes};
}

void TarReader::read(std::span<std::byte> out) {
    if (out.size() > size_ - at_) throw Error(ErrorKind::internal, fmt::format("read past the end of {}", name_));
    while (!out.empty()) {
        const Run run = current_run();
        const auto part = out.first(static_cast<size_t>(std::min<uint64_t>(run.length, out.size())));
        if (run.stored == Stored::yes) {
            input_.read(part, name_);
            stored_left_ -= part.size();
        } else {
            std::memset(part.data(), 0, part.size());
        }
        at_ += part.size();
        out = out.subspan(part.size());
    }
}

uint64_t TarReader::zeros() {
    const Run run = current_run();
    return run.stored == Stored::yes ? 0 : run.length;
}

std::unique_ptr<tree::EntryStream> read_tar(std::unique_ptr<ByteSource> tar, TarOptions options) {
    return std::make_unique<TarReader>(std::move(tar), std::move(options));
}

}  // namespace gbuild::layer
