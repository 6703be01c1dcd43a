#include "mount_points.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include <fmt/format.h>

#include "gbuild/base/fd.h"
#include "stage.h"

namespace gbuild::sandbox {

namespace {

std::string parent_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

}  // namespace

KeptTime::KeptTime(const std::string& directory) : path_(directory.empty() ? "/" : directory) {
    known_ = ::stat(path_.c_str(), &before_) == 0;
}

KeptTime::~KeptTime() {
    const std::array<timespec, 2> times = {before_.st_atim, before_.st_mtim};
    if (known_) ::utimensat(AT_FDCWD, path_.c_str(), times.data(), 0);
}

void MountPoints::make(const std::string& path, PointType type) {
    for (size_t end = path.find('/', 1); end != std::string::npos; end = path.find('/', end + 1)) {
        make_one(path.substr(0, end), PointType::directory);
    }
    make_one(path, type);
}

void MountPoints::make_one(const std::string& path, PointType type) {
    struct stat found {};
    if (::lstat(path.c_str(), &found) == 0) return;
    KeptTime kept(parent_of(path));
    if (type == PointType::directory) {
        if (::mkdir(path.c_str(), 0755) != 0) fail_stage(fmt::format("mkdir({})", path));
    } else {
        UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644));
        if (!file) fail_stage(fmt::format("create({})", path));
    }
    made_.push_back({path, type});
}

void MountPoints::remove(size_t first) {
    for (; made_.size() > first; made_.pop_back()) {
        const Made& made = made_.back();
        KeptTime kept(parent_of(made.path));
        struct stat found {};
        if (made.type == PointType::directory) {
            ::rmdir(made.path.c_str());
        } else if (::lstat(made.path.c_str(), &found) == 0 && S_ISREG(found.st_mode) && found.st_size == 0) {
            ::unlink(made.path.c_str());
        }
    }
}

}  // namespace gbuild::sandbox
