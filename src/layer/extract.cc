#include "extractor.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "gbuild/base/error.h"
#include "gbuild/base/recorded_owner.h"
#include "gbuild/base/text.h"

namespace gbuild::layer {
namespace {

using tree::FileType;
using tree::Node;

constexpr size_t hole_size = 4096;

bool is_zero(std::span<const std::byte> bytes) {
    return std::all_of(bytes.begin(), bytes.end(), [](std::byte byte) { return byte == std::byte{0}; });
}

// Writes a file's contents in order; runs of zeros become holes.
class SparseWriter {
  public:
    explicit SparseWriter(int fd) : fd_(fd) {}

    void write(std::span<const std::byte> bytes) {
        while (!bytes.empty()) {
            const size_t hole = leading_run(bytes, Zeros::yes);
            const size_t data = leading_run(bytes.subspan(hole), Zeros::no);
            if (data > 0) pwrite_all(fd_, bytes.subspan(hole, data), at_ + hole);
            at_ += hole + data;
            bytes = bytes.subspan(hole + data);
        }
    }

    uint64_t written() const { return at_; }

  private:
    enum class Zeros { no, yes };

    // How many bytes at the front are in pieces of zeros only, or of anything else.
    static size_t leading_run(std::span<const std::byte> bytes, Zeros zeros) {
        size_t length = 0;
        while (length < bytes.size()) {
            const auto piece = bytes.subspan(length, std::min(hole_size, bytes.size() - length));
            if (is_zero(piece) != (zeros == Zeros::yes)) break;
            length += piece.size();
        }
        return length;
    }

    int fd_;
    uint64_t at_ = 0;
};

}  // namespace

void Extractor::announce(const Node& node) {
    if (!node.is_directory()) {
        ++names_[node.inode.get()];
        return;
    }
    for (const auto& [name, child] : node.children) announce(*child);
}

void Extractor::extract_children(int directory, const std::string& path, const Node& node) {
    for (const auto& [name, child] : node.children) extract_node(directory, name, path, *child);
}

void Extractor::extract_node(int directory, const std::string& name, const std::string& parent, const Node& node) {
    if (name.empty() || name == "." || name == ".." || name.find('/') != std::string::npos) {
        throw Error(ErrorKind::integrity, fmt::format("{} is no file name", gbuild::quoted(name)));
    }
    const std::string path = parent.empty() ? name : parent + "/" + name;
    const HeldName file{directory, name, path};
    if (link_to_earlier(file, node)) return;
    if (!create(file, node)) return;
    set_attributes(file, *node.inode, options_.ownership, summary_);
    ++summary_.files;
    remember(file, node);
}

bool Extractor::link_to_earlier(const HeldName& file, const Node& node) {
    const auto found = written_.find(node.inode.get());
    if (found == written_.end()) return false;
    const RootedDir::Parent earlier = root_.open_parent(found->second.path);
    if (::linkat(earlier.directory.get(), earlier.name.c_str(), file.directory, file.name.c_str(), 0) != 0) {
        fail("link", file);
    }
    const struct stat status = stat_of(file);
    if (status.st_dev != found->second.device || status.st_ino != found->second.number) {
        throw Error(ErrorKind::conflict,
                    fmt::format("{} was replaced while it was linked", gbuild::quoted(found->second.path)));
    }
    ++summary_.files;
    return true;
}

void Extractor::remember(const HeldName& file, const Node& node) {
    const auto count = names_.find(node.inode.get());
    if (count == names_.end() || count->second < 2) return;
    const struct stat status = stat_of(file);
    written_.emplace(node.inode.get(), Written{file.path, status.st_dev, status.st_ino});
}

bool Extractor::create(const HeldName& file, const Node& node) {
    switch (node.inode->type) {
    case FileType::directory: create_directory(file, node); return true;
    case FileType::regular: create_file(file, *node.inode); return true;
    case FileType::symlink:
        if (::symlinkat(node.inode->target.c_str(), file.directory, file.name.c_str()) != 0) fail("create", file);
        return true;
    default: return create_special(file, *node.inode);
    }
}

void Extractor::create_directory(const HeldName& file, const Node& node) {
    // Ours alone until everything is in it.
    if (::mkdirat(file.directory, file.name.c_str(), 0700) != 0) fail("create", file);
    const UniqueFd held(::openat(file.directory, file.name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!held) fail("open", file);
    extract_children(held.get(), file.path, node);
}

void Extractor::create_file(const HeldName& file, const tree::Inode& inode) {
    const UniqueFd fd(
        ::openat(file.directory, file.name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!fd) fail("create", file);
    if (inode.size == 0) return;
    SparseWriter writer(fd.get());
    with_context([&] { return fmt::format("extracting {}", gbuild::quoted(file.path)); },
                 [&] { options_.read(inode, [&](std::span<const std::byte> bytes) { writer.write(bytes); }); });
    if (writer.written() != inode.size) {
        throw Error(ErrorKind::integrity, fmt::format("{} has {} bytes instead of {}", gbuild::quoted(file.path),
                                                      writer.written(), inode.size));
    }
    // A hole at the end has not been written.
    if (::ftruncate(fd.get(), static_cast<off_t>(inode.size)) != 0) fail("write", file);
    summary_.bytes += inode.size;
}

bool Extractor::create_special(const HeldName& file, const tree::Inode& inode) {
    if (inode.type == FileType::char_device || inode.type == FileType::block_device) return create_device(file, inode);
    if (::mknodat(file.directory, file.name.c_str(), tree::format_bits(inode.type) | 0600, 0) != 0)
        fail("create", file);
    return true;
}

bool Extractor::create_device(const HeldName& file, const tree::Inode& inode) {
    if (options_.ownership == Ownership::ignore) return skip_device(file);
    if (options_.ownership == Ownership::apply) {
        const mode_t mode = tree::format_bits(inode.type) | 0600;
        const dev_t number = makedev(inode.device_major, inode.device_minor);
        if (::mknodat(file.directory, file.name.c_str(), mode, number) == 0) return true;
        // In a user namespace root has the capability's name only.
        if (errno != EPERM) fail("create", file);
        if (!options_.device_placeholders) return skip_device(file);
    }
    const UniqueFd fd(
        ::openat(file.directory, file.name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!fd) fail("create", file);
    const std::string value =
        encode(RecordedDevice{inode.type == FileType::block_device, inode.device_major, inode.device_minor});
    if (::fsetxattr(fd.get(), device_attribute, value.data(), value.size(), 0) != 0) fail("record the device", file);
    return true;
}

bool Extractor::skip_device(const HeldName& file) {
    summary_.skipped.push_back(fmt::format("{}: device nodes need root", file.path));
    return false;
}

struct stat Extractor::stat_of(const HeldName& file) const {
    struct stat status {};
    if (::fstatat(file.directory, file.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) fail("read", file);
    return status;
}

void Extractor::fail(std::string_view verb, const HeldName& file) const {
    if (errno == EEXIST) {
        throw Error(ErrorKind::conflict, fmt::format("{} exists already", gbuild::quoted(file.path)))
            .hint("extract to an empty directory");
    }
    throw_errno(fmt::format("cannot {} {}", verb, gbuild::quoted(file.path)));
}

ExtractSummary extract(const tree::Tree& tree, const std::string& path, const RootedDir& root,
                       const ExtractOptions& options) {
    const Node* node = tree.find(path, tree::FollowLast::no);
    if (node == nullptr) {
        throw Error(ErrorKind::not_found, fmt::format("no {} in the image", gbuild::quoted(path)));
    }
    Extractor extractor(options, root);
    const UniqueFd top = root.open("", O_RDONLY | O_DIRECTORY);
    if (node->is_directory()) {
        extractor.announce(*node);
        extractor.extract_children(top.get(), "", *node);
    } else {
        const std::string place = tree.resolve(path, tree::FollowLast::no);
        extractor.extract_node(top.get(), place.substr(place.rfind('/') + 1), "", *node);
    }
    return extractor.take_summary();
}

}  // namespace gbuild::layer
