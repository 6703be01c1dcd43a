#include "gbuild/sandbox/cgroup.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>

#include <fmt/format.h>

#include "blocked_opens.h"
#include "gbuild/base/error.h"
#include "gbuild/base/fd.h"
#include "gbuild/base/text.h"

namespace gbuild::sandbox {

namespace {

// A step's first process and the threads that answer its calls, which are none of the step's own.
constexpr uint64_t own_threads = 3 + BlockedOpens::threads;

constexpr const char* mount_point = "/sys/fs/cgroup";

// "0::/user.slice/…" in /proc/self/cgroup.
std::string own_group() {
    for (const std::string& line : split(read_text_file("/proc/self/cgroup", 1 << 16), '\n')) {
        if (line.rfind("0::", 0) == 0) return line.size() == 4 ? "" : line.substr(3);
    }
    throw Error(ErrorKind::unsupported, "there are no control groups of version 2");
}

bool offers(const std::string& group, std::string_view controller) {
    const std::string text = read_text_file(group + "/cgroup.subtree_control", 1 << 16);
    for (const std::string& word : split(trim(text), ' ')) {
        if (word == controller) return true;
    }
    return false;
}

void write_setting(const std::string& file, const std::string& value) {
    const UniqueFd fd = open_file(file, O_WRONLY);
    write_all(fd.get(), value);
}

// The group that ours can be made in: one that hands its controllers down. With processes in it, a group cannot.
std::string parent_for(const Limits& limits) {
    const std::string own = mount_point + own_group();
    for (std::string group = own; group.size() >= std::string_view(mount_point).size();
         group = group.substr(0, group.rfind('/'))) {
        const bool enough = (!limits.memory || offers(group, "memory")) && (!limits.pids || offers(group, "pids"));
        if (enough && ::access(group.c_str(), W_OK) == 0) return group;
    }
    throw Error(ErrorKind::unsupported,
                fmt::format("no control group above {} is delegated to this user with the controllers needed", own));
}

}  // namespace

Cgroup::Cgroup(const Limits& limits) {
    const std::string directory = fmt::format("{}/gbuild-{}", parent_for(limits), ::getpid());
    if (::mkdir(directory.c_str(), 0755) != 0) throw_errno(fmt::format("cannot create {}", directory));
    directory_ = directory;
    try {
        if (limits.memory) {
            write_setting(directory + "/memory.max", std::to_string(*limits.memory));
            // Without swap accounting there is no such file, and nothing to limit.
            if (::access((directory + "/memory.swap.max").c_str(), W_OK) == 0) {
                write_setting(directory + "/memory.swap.max", "0");
            }
        }
        if (limits.pids) {
            const uint64_t most = std::numeric_limits<uint32_t>::max();
            write_setting(directory + "/pids.max", std::to_string(std::min(*limits.pids, most) + own_threads));
        }
    } catch (...) {
        ::rmdir(directory.c_str());
        throw;
    }
}

Cgroup::~Cgroup() { ::rmdir(directory_.c_str()); }

}  // namespace gbuild::sandbox
