#include "changed_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>

#include "gbuild/base/error.h"
#include "gbuild/base/text.h"

namespace gbuild::layer {
namespace {

[[noreturn]] void fail_changed(const std::string& path) {
    throw Error(ErrorKind::integrity, fmt::format("{} changed while it was being read", gbuild::quoted("/" + path)))
        .hint("something outside of the build works in gbuild's directories");
}

}  // namespace

bool ChangedFiles::next(tree::LayerEntry& entry) {
    contents_.reset();
    current_.reset();
    left_ = 0;
    if (next_ == files_.size()) return false;
    ChangedFile& file = files_[next_++];
    if (file.entry.kind == tree::EntryKind::inode) open(file);
    entry = std::move(file.entry);
    return true;
}

int ChangedFiles::parent_of(const std::string& path) {
    if (!parent_ || path != parent_path_) {
        parent_ = open_beneath(root_.get(), path, O_PATH | O_DIRECTORY);
        if (!parent_) throw_errno(fmt::format("cannot open {}", gbuild::quoted("/" + path)));
        parent_path_ = path;
    }
    return parent_.get();
}

void ChangedFiles::open(const ChangedFile& file) {
    path_ = file.entry.path;
    const auto [parent, name] = split_path(path_);
    const HeldName held{parent_of(parent), name, path_};
    current_ = open_readable(held, 0);
    if (!current_) fail("open", held);
    struct stat status {};
    if (::fstat(current_.get(), &status) != 0) fail("read", held);
    if (!S_ISREG(status.st_mode) || status.st_ino != file.number ||
        static_cast<uint64_t>(status.st_size) != file.entry.inode.size) {
        fail_changed(path_);
    }
    left_ = file.entry.inode.size;
    contents_.emplace(current_.get());
}

void ChangedFiles::read(std::span<std::byte> out) {
    if (out.empty()) return;
    if (!contents_ || out.size() > left_) {
        throw Error(ErrorKind::internal, "more contents asked for than a changed file has");
    }
    const size_t got = with_context([&] { return fmt::format("reading {}", gbuild::quoted("/" + path_)); },
                                    [&] { return contents_->read(out); });
    if (got != out.size()) fail_changed(path_);
    left_ -= got;
}

uint64_t ChangedFiles::zeros() {
    if (left_ == 0) return 0;
    return with_context([&] { return fmt::format("reading {}", gbuild::quoted("/" + path_)); },
                        [&] { return std::min(contents_->zeros(), left_); });
}

void ChangedFiles::skip_zeros(uint64_t count) {
    contents_->skip(count);
    left_ -= count;
}

}  // namespace gbuild::layer
