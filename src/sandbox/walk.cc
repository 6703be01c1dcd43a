// Tracee::walk: paths resolved as an emulated process would have it, one name after the other.
#include <limits.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "lent_capabilities.h"
#include "tracee.h"

namespace gbuild::sandbox {

namespace {

constexpr int most_links = 40;  // the kernel's own limit
constexpr uint64_t scoped = RESOLVE_BENEATH | RESOLVE_IN_ROOT;

bool same_file(const struct stat& a, const struct stat& b) { return a.st_dev == b.st_dev && a.st_ino == b.st_ino; }

bool lies_in_procfs(int fd) {
    struct statfs status {};
    return ::fstatfs(fd, &status) == 0 && status.f_type == PROC_SUPER_MAGIC;
}

UniqueFd open_path(int directory, const std::string& name, int flags = 0) {
    return UniqueFd(::openat(directory, name.c_str(), O_PATH | O_CLOEXEC | flags));
}

UniqueFd checked(UniqueFd fd) {
    if (!fd) refuse(errno);
    return fd;
}

bool is_magic_link(int directory, const std::string& name) {
    open_how how{};
    how.flags = O_PATH | O_CLOEXEC;
    how.resolve = RESOLVE_NO_MAGICLINKS;
    const UniqueFd file(static_cast<int>(::syscall(SYS_openat2, directory, name.c_str(), &how, sizeof how)));
    return !file && errno == ELOOP;
}

std::string link_target(int fd) {
    std::array<char, PATH_MAX> target;
    const ssize_t size = ::readlinkat(fd, "", target.data(), target.size());
    if (size < 0) refuse(errno);
    return {target.data(), static_cast<size_t>(size)};
}

uint64_t mount_of(int fd) {
    struct statx status {};
    if (::statx(fd, "", AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW, STATX_MNT_ID, &status) != 0) refuse(errno);
    return status.stx_mnt_id;
}

class Walk {
  public:
    Walk(const Tracee& tracee, LastLink last, const WalkRules& rules, uint64_t resolve) :
        tracee_(tracee), last_(last), rules_(rules), resolve_(resolve) {}

    Walked run(UniqueFd start, std::string path) {
        rest_ = std::move(path);
        root_ = (resolve_ & scoped) != 0 ? duplicate(start.get()) : tracee_.root();
        const bool from_root = rest_.starts_with('/');
        if (from_root && (resolve_ & RESOLVE_BENEATH) != 0) refuse(EXDEV);
        at_ = from_root ? duplicate(root_.get()) : std::move(start);
        here_ = stat_of(at_.get());
        if ((resolve_ & RESOLVE_NO_XDEV) != 0) mount_ = mount_of(at_.get());
        while (auto component = next()) {
            if (auto found = step(*component)) return std::move(*found);
        }
        return {UniqueFd(), "", std::move(at_)};
    }

  private:
    std::optional<std::string> next() {
        const size_t begin = rest_.find_first_not_of('/');
        if (begin == std::string::npos) return std::nullopt;
        const size_t end = rest_.find('/', begin);
        std::string component = rest_.substr(begin, end - begin);
        rest_ = end == std::string::npos ? "" : rest_.substr(end);
        return component;
    }

    // The result, when `component` is the last one.
    std::optional<Walked> step(const std::string& component) {
        if (!S_ISDIR(here_.st_mode)) refuse(ENOTDIR);
        rules_.may_search(at_.get(), here_);
        if (component == ".") return std::nullopt;
        if (component == "..") {
            step_up();
            return std::nullopt;
        }
        const bool is_last = rest_.find_first_not_of('/') == std::string::npos;
        const std::string name = own_name(component);
        UniqueFd file = open_path(at_.get(), name, O_NOFOLLOW);
        if (!file) {
            if (errno != ENOENT || !is_last) refuse(errno);
            return Walked{std::move(at_), name, UniqueFd()};
        }
        const struct stat status = stat_of(file.get());
        // A path that ends in "/" means what a link leads to.
        const bool follow = !is_last || last_ == LastLink::follow || !rest_.empty();
        if (S_ISLNK(status.st_mode) && follow) {
            follow_link(name, file);
            return std::nullopt;
        }
        require_same_mount(file.get());
        if (is_last && !rest_.empty() && !S_ISDIR(status.st_mode)) refuse(ENOTDIR);
        if (is_last && rest_.empty()) return Walked{std::move(at_), name, std::move(file)};
        at_ = std::move(file);
        here_ = status;
        return std::nullopt;
    }

    void step_up() {
        if (!same_file(here_, stat_of(root_.get()))) return go_to(checked(open_path(at_.get(), "..")));
        if ((resolve_ & RESOLVE_BENEATH) != 0) refuse(EXDEV);
    }

    void go_to(UniqueFd directory) {
        require_same_mount(directory.get());
        at_ = std::move(directory);
        here_ = stat_of(at_.get());
    }

    void require_same_mount(int file) const {
        if (mount_ && mount_of(file) != *mount_) refuse(EXDEV);
    }

    // In /proc, "self" is the process that asks, not the one that answers.
    std::string own_name(const std::string& component) const {
        constexpr ino_t proc_root = 1;
        if (component != "self" && component != "thread-self") return component;
        if (here_.st_ino != proc_root || !lies_in_procfs(at_.get())) return component;
        return std::to_string(component == "self" ? tracee_.thread_group() : tracee_.id());
    }

    void follow_link(const std::string& name, const UniqueFd& link) {
        if (++links_ > most_links || (resolve_ & RESOLVE_NO_SYMLINKS) != 0) refuse(ELOOP);
        if (lies_in_procfs(at_.get()) && is_magic_link(at_.get(), name)) return follow_magic_link(name);
        const std::string target = link_target(link.get());
        if (target.empty()) refuse(ENOENT);
        rest_ = target + rest_;
        if (rest_.size() > size_t{2} * PATH_MAX) refuse(ENAMETOOLONG);
        if (!target.starts_with('/')) return;
        if ((resolve_ & RESOLVE_BENEATH) != 0) refuse(EXDEV);
        go_to(duplicate(root_.get()));
    }

    // Its text may be no path at all. What it leads to is the business of the process that has it: ours as well, and
    // what we have open or run is none of the walking one's.
    void follow_magic_link(const std::string& name) {
        if ((resolve_ & RESOLVE_NO_MAGICLINKS) != 0) refuse(ELOOP);
        if ((resolve_ & scoped) != 0) refuse(EXDEV);
        const pid_t whose = tracee_.thread_group_of_proc(at_.get());
        if (whose == tracee_.thread_group()) return go_to(checked(open_path(at_.get(), name)));
        rules_.may_inspect(whose);
        UniqueFd file;
        {
            const LentCapabilities lent(tracee_.effective_capabilities());
            file = checked(open_path(at_.get(), name));
        }
        go_to(std::move(file));
    }

    const Tracee& tracee_;
    LastLink last_;
    const WalkRules& rules_;
    uint64_t resolve_;
    UniqueFd root_, at_;
    struct stat here_ {};  // of at_
    std::optional<uint64_t> mount_;
    std::string rest_;
    int links_ = 0;
};

}  // namespace

Walked Tracee::walk(int directory, const std::string& path, LastLink last, const WalkRules& rules,
                    uint64_t resolve) const {
    if (path.empty()) refuse(ENOENT);
    UniqueFd from;
    if (!path.starts_with('/') || (resolve & scoped) != 0) from = start(directory);
    return Walk(*this, last, rules, resolve).run(std::move(from), path);
}

}  // namespace gbuild::sandbox
