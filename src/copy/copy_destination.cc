#include "copy_destination.h"

#include <algorithm>

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/text.h"

namespace gbuild::build {

namespace {

std::string shown(const std::string& path) { return quoted("/" + path); }

}  // namespace

std::string CopyDestination::resolve(const std::string& path) const {
    return lower_ ? lower_->resolve(path, tree::FollowLast::yes) : tree::Tree().resolve(path, tree::FollowLast::yes);
}

// Paths here are resolved, so no symbolic link stands in their middle.
std::optional<tree::FileType> CopyDestination::type_at(const std::string& path) const {
    if (path.empty()) return tree::FileType::directory;
    if (auto found = placed_.find(path); found != placed_.end()) return found->second;
    const tree::Node* node = lower_ ? lower_->find(path, tree::FollowLast::no) : nullptr;
    if (!node) return std::nullopt;
    return node->inode->type;
}

bool CopyDestination::is_directory(const std::string& path) const { return type_at(path) == tree::FileType::directory; }

void CopyDestination::make_directories(const std::string& path, uint16_t mode) {
    for (size_t end = 0; end < path.size();) {
        end = std::min(path.find('/', end + 1), path.size());
        std::string directory = path.substr(0, end);
        auto type = type_at(directory);
        if (type == tree::FileType::directory) continue;
        if (type) {
            throw Error(ErrorKind::dockerfile,
                        fmt::format("cannot copy into {}: {} is not a directory", shown(path), shown(directory)));
        }
        Placed made;
        made.inode.mode = mode;
        made.inode.uid = owner_.uid;
        made.inode.gid = owner_.gid;
        made.inode.mtime = epoch_;
        place(directory, std::move(made));
    }
}

Error CopyDestination::no_directory(const std::string& path, const std::string& source) const {
    const tree::Node* there = lower_ && !placed_.contains(path) ? lower_->find(path, tree::FollowLast::no) : nullptr;
    if (!there || there->inode->type != tree::FileType::symlink) {
        return Error(ErrorKind::dockerfile, fmt::format("cannot copy the directory {} to {}, where something else is",
                                                        quoted(source), shown(path)));
    }
    Error error(ErrorKind::dockerfile,
                fmt::format("cannot copy the directory {} to {}, which is a symbolic link to {} in the image",
                            quoted(source), shown(path), quoted(there->inode->target)));
    const std::string real = "/" + lower_->resolve(path, tree::FollowLast::yes);
    const tree::Node* behind = lower_->find(path, tree::FollowLast::yes);
    if (!behind || !behind->is_directory())
        return error.hint(fmt::format("remove the link first: RUN rm {}", printable("/" + path)));
    return error.hint(fmt::format("move what is in it to {} in the source, or copy it by a line of its own to {}/",
                                  printable(real.substr(1)), printable(real)));
}

void CopyDestination::put_directory(const std::string& path, Placed placed, Existing existing,
                                    const std::string& source) {
    auto type = type_at(path);
    if (type && type != tree::FileType::directory) throw no_directory(path, source);
    if (!type || existing == Existing::overwrite) place(path, std::move(placed));
}

void CopyDestination::put_file(const std::string& path, Placed placed) {
    if (is_directory(path)) {
        throw Error(ErrorKind::dockerfile, fmt::format("cannot copy a file to {}, which is a directory", shown(path)));
    }
    place(path, std::move(placed));
}

void CopyDestination::put_archive(ArchiveFile archive) { parts_.push_back(std::move(archive)); }

void CopyDestination::place(const std::string& path, Placed placed) {
    if (parts_.empty() || !std::holds_alternative<Placement>(parts_.back())) parts_.push_back(Placement());
    placed_[path] = placed.inode.type;
    std::get<Placement>(parts_.back())[path] = std::move(placed);
}

}  // namespace gbuild::build
