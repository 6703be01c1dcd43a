#include "user_namespace.h"

#include <fcntl.h>
#include <pwd.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include <fmt/format.h>

#include "child_process.h"
#include "gbuild/base/error.h"
#include "gbuild/base/process.h"
#include "gbuild/base/text.h"
#include "stage.h"

namespace gbuild::sandbox {

namespace {

constexpr size_t ranges_cap = 1 << 20;

void write_proc(const char* path, const std::string& text) {
    UniqueFd fd(::open(path, O_WRONLY | O_CLOEXEC));
    if (!fd) fail_stage(fmt::format("open({})", path));
    // The kernel takes a map in one write or not at all.
    if (::write(fd.get(), text.data(), text.size()) < 0) fail_stage(fmt::format("write({})", path));
}

void map_single(uid_t uid, gid_t gid) {
    // A group could be left to gain what it is refused: without this the kernel takes no map from us.
    write_proc("/proc/self/setgroups", "deny");
    write_proc("/proc/self/uid_map", fmt::format("0 {} 1", uid));
    write_proc("/proc/self/gid_map", fmt::format("0 {} 1", gid));
}

std::string file_or_empty(const char* path) {
    try {
        return read_text_file(path, ranges_cap);
    } catch (const Error&) {
        return "";
    }
}

std::string name_of(uid_t uid) {
    const passwd* entry = ::getpwuid(uid);
    return entry ? entry->pw_name : "";
}

std::vector<std::string> map_command(const char* program, pid_t process, uint32_t own, IdRange range) {
    return {program,
            fmt::format("{}", process),
            "0",
            fmt::format("{}", own),
            "1",
            "1",
            fmt::format("{}", range.first),
            fmt::format("{}", range.count)};
}

// What a helper process, still outside the namespace, does for `process`: only set-uid programs may write such maps.
// Returns what went wrong, empty when nothing did.
std::string map_ranges(pid_t process, uid_t uid, gid_t gid, const IdRanges& ranges) {
    const std::vector<std::string> commands[] = {map_command("newuidmap", process, uid, ranges.users),
                                                 map_command("newgidmap", process, gid, ranges.groups)};
    for (const auto& command : commands) {
        try {
            CommandResult result = run_command(command);
            if (result.exit_code == 0) continue;
            std::string_view said = trim(result.err);
            return fmt::format("{}: {}", command[0], said.empty() ? "failed" : said);
        } catch (const Error& error) {
            return error.message();
        }
    }
    return "";
}

class MapHelper {
  public:
    MapHelper(uid_t uid, gid_t gid, const IdRanges& ranges) : process_(start(uid, gid, ranges)) {
        go_.read.reset();
        answer_.write.reset();
    }
    // Once the calling process is in its namespace.
    void map() {
        write_all(go_.write.get(), "x");
        std::string problem = read_text(answer_.read.get(), 1 << 16, "the answer of newuidmap");
        process_.wait();
        if (!problem.empty()) throw StageFailure{problem, EPERM};
    }

  private:
    pid_t start(uid_t uid, gid_t gid, const IdRanges& ranges) {
        const pid_t parent = ::getpid();
        const pid_t pid = fork_into(0);
        if (pid != 0) return pid;
        go_.write.reset();
        std::byte byte;
        if (read_full(go_.read.get(), std::span(&byte, 1)) == 1) {
            write_all(answer_.write.get(), map_ranges(parent, uid, gid, ranges));
        }
        ::_exit(0);
    }

    Pipe go_ = make_pipe(), answer_ = make_pipe();
    OwnedChild process_;
};

}  // namespace

std::optional<IdRange> find_range(std::string_view text, std::string_view name, uint32_t id) {
    const std::string number = std::to_string(id);
    for (const std::string& line : split(text, '\n')) {
        std::vector<std::string> fields = split(trim(line), ':');
        if (fields.size() != 3 || fields[0].empty() || (fields[0] != name && fields[0] != number)) continue;
        auto first = parse_decimal(fields[1]), count = parse_decimal(fields[2]);
        if (!first || !count || *count == 0 || *first + *count > UINT32_MAX || *first > UINT32_MAX) continue;
        return IdRange{static_cast<uint32_t>(*first), static_cast<uint32_t>(*count)};
    }
    return std::nullopt;
}

std::optional<IdRanges> ranges_of_caller() {
    const uid_t uid = ::geteuid();
    const std::string name = name_of(uid);
    auto users = find_range(file_or_empty("/etc/subuid"), name, uid);
    auto groups = find_range(file_or_empty("/etc/subgid"), name, uid);
    if (!users || !groups) return std::nullopt;
    return IdRanges{*users, *groups};
}

void enter_user_namespace(Isolation isolation) {
    const uid_t uid = ::geteuid();
    const gid_t gid = ::getegid();
    if (isolation == Isolation::single) {
        check_stage(::unshare(CLONE_NEWUSER), "unshare(user namespace)");
        return map_single(uid, gid);
    }
    auto ranges = ranges_of_caller();
    if (!ranges) throw StageFailure{"ranges of /etc/subuid and /etc/subgid", ENOENT};
    MapHelper helper(uid, gid, *ranges);
    check_stage(::unshare(CLONE_NEWUSER), "unshare(user namespace)");
    helper.map();
}

}  // namespace gbuild::sandbox
