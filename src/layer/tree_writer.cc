#include "tree_writer.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>

#include "extract_attributes.h"
#include "gbuild/base/error.h"
#include "gbuild/base/recorded_owner.h"
#include "gbuild/base/text.h"
#include "overlay_layer.h"
#include "sparse_writer.h"

namespace gbuild::layer {
namespace {

using tree::FileType;
using tree::Node;

[[noreturn]] void fail_to_create(std::string_view verb, const HeldName& file) {
    if (errno == EEXIST) {
        throw Error(ErrorKind::conflict, fmt::format("{} exists already", gbuild::quoted(file.path)))
            .hint("extract to an empty directory");
    }
    fail(verb, file);
}

void check_name(const std::string& name) {
    if (name.empty() || name == "." || name == ".." || name.find('/') != std::string::npos) {
        throw Error(ErrorKind::integrity, fmt::format("{} is no file name", gbuild::quoted(name)));
    }
}

}  // namespace

void TreeWriter::expect_links(const Node& node) {
    for (const auto& [name, child] : node.children) {
        if (child->is_directory()) {
            expect_links(*child);
        } else {
            ++names_[child->inode.get()];
        }
    }
}

size_t TreeWriter::names_of(const tree::Inode& inode) const {
    const auto found = names_.find(&inode);
    return found == names_.end() ? 1 : found->second;
}

void TreeWriter::adopt(const tree::Inode& inode, const std::string& path) {
    const UniqueFd fd = open_beneath(root_, path, O_PATH | O_NOFOLLOW);
    struct stat status {};
    if (!fd || ::fstat(fd.get(), &status) != 0) throw_errno(fmt::format("cannot open {}", gbuild::quoted(path)));
    written_.insert_or_assign(&inode, Written{path, status.st_dev, status.st_ino});
}

void TreeWriter::write_children(int directory, const std::string& path, const Node& node) {
    for (const auto& [name, child] : node.children) {
        const std::string child_path = join_path(path, name);
        write({directory, name, child_path}, *child);
    }
}

void TreeWriter::write(const HeldName& file, const Node& node, Opaque opaque) {
    check_name(file.name);
    const tree::Inode& inode = *node.inode;
    if (link_to_earlier(file, inode)) return;
    const std::optional<HeldFile> held = create(file, node);
    if (!held) return;
    if (opaque == Opaque::yes) make_opaque(*held, file);
    set_attributes(*held, file, inode, options_, summary_);
    ++summary_.files;
    remember(*held, file, inode);
}

// True when the inode has been written under another name and now has this one too.
bool TreeWriter::link_to_earlier(const HeldName& file, const tree::Inode& inode) {
    const auto found = written_.find(&inode);
    if (found == written_.end()) return false;
    const Written& earlier = found->second;
    const auto [parent, name] = split_path(earlier.path);
    const UniqueFd directory = open_beneath(root_, parent, O_PATH | O_DIRECTORY);
    if (!directory || ::linkat(directory.get(), name.c_str(), file.directory, file.name.c_str(), 0) != 0) {
        fail_to_create("link", file);
    }
    struct stat status {};
    if (::fstatat(file.directory, file.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) fail("read", file);
    if (status.st_dev != earlier.device || status.st_ino != earlier.number) {
        throw Error(ErrorKind::conflict,
                    fmt::format("{} was replaced while it was linked", gbuild::quoted(earlier.path)));
    }
    ++summary_.files;
    return true;
}

void TreeWriter::remember(const HeldFile& held, const HeldName& file, const tree::Inode& inode) {
    if (names_of(inode) < 2) return;
    struct stat status {};
    if (::fstat(held.fd(), &status) != 0) fail("read", file);
    written_.emplace(&inode, Written{file.path, status.st_dev, status.st_ino});
}

std::optional<HeldFile> TreeWriter::create(const HeldName& file, const Node& node) {
    const tree::Inode& inode = *node.inode;
    switch (inode.type) {
    case FileType::directory: return create_directory(file, node);
    case FileType::regular: {
        HeldFile held = create_file(file);
        if (inode.size > 0) write_contents(held, file, inode);
        return held;
    }
    case FileType::symlink:
        if (::symlinkat(inode.target.c_str(), file.directory, file.name.c_str()) != 0) fail_to_create("create", file);
        return hold(file, S_IFLNK);
    default: return create_special(file, inode);
    }
}

HeldFile TreeWriter::create_directory(const HeldName& file, const Node& node) {
    // Ours alone until everything is in it.
    if (::mkdirat(file.directory, file.name.c_str(), 0700) != 0) fail_to_create("create", file);
    HeldFile held = hold(file, S_IFDIR);
    write_children(held.fd(), file.path, node);
    return held;
}

HeldFile TreeWriter::create_file(const HeldName& file) {
    UniqueFd fd(
        ::openat(file.directory, file.name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!fd) fail_to_create("create", file);
    return {std::move(fd), HeldFile::Access::full};
}

void TreeWriter::write_contents(const HeldFile& held, const HeldName& file, const tree::Inode& inode) {
    SparseWriter writer(held.fd());
    with_context([&] { return fmt::format("extracting {}", gbuild::quoted(file.path)); },
                 [&] { options_.read(inode, [&](const ContentRun& run) { writer.write(run); }); });
    if (writer.written() != inode.size) {
        throw Error(ErrorKind::integrity, fmt::format("{} has {} bytes instead of {}", gbuild::quoted(file.path),
                                                      writer.written(), inode.size));
    }
    if (writer.ends_in_hole() && ::ftruncate(held.fd(), static_cast<off_t>(inode.size)) != 0) fail("write", file);
    summary_.bytes += inode.size;
}

std::optional<HeldFile> TreeWriter::create_special(const HeldName& file, const tree::Inode& inode) {
    const bool device = inode.type == FileType::char_device || inode.type == FileType::block_device;
    if (device && !options_.makes_devices()) return replace_device(file, inode);
    const mode_t mode = tree::format_bits(inode.type) | 0600;
    const dev_t number = device ? makedev(inode.device_major, inode.device_minor) : 0;
    if (::mknodat(file.directory, file.name.c_str(), mode, number) == 0) return hold(file, mode);
    // In a user namespace root has the capability's name only.
    if (device && errno == EPERM) return replace_device(file, inode);
    fail_to_create("create", file);
}

std::optional<HeldFile> TreeWriter::replace_device(const HeldName& file, const tree::Inode& inode) {
    if (!is_for_commands(options_)) {
        summary_.skipped.push_back(fmt::format("{}: device nodes need root", file.path));
        return std::nullopt;
    }
    HeldFile held = create_file(file);
    const RecordedDevice device{inode.type == FileType::block_device, inode.device_major, inode.device_minor};
    // The owner's is what tells a step's stat() to look for more.
    for (const auto& [name, value] : {std::pair(device_attribute, encode(device)),
                                      std::pair(owner_attribute, encode(RecordedOwner{inode.uid, inode.gid}))}) {
        if (const int error = held.set_xattr(name, value)) {
            throw system_error(error, fmt::format("cannot record the device {}", gbuild::quoted(file.path)));
        }
    }
    return held;
}

}  // namespace gbuild::layer
