#include "gbuild/base/remove_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/fd.h"
#include "gbuild/base/text.h"

namespace gbuild {

namespace {

// Directories that are not empty are moved to the top of the tree before they are emptied, so that there are never more
// than two levels to keep open.
class Remover {
  public:
    void remove(int directory, const std::string& name) {
        if (!remove_simple(directory, name)) remove_full(directory, name);
        if (first_error_ != 0) throw system_error(first_error_, fmt::format("cannot remove {}", quoted(failed_)));
    }

  private:
    void remove_full(int directory, const std::string& name) {
        top_ = open_directory(directory, name);
        if (!top_) return note(name);
        for_each_full(directory, name, [&](int, const std::string& child) { pending_.push_back(child); });
        while (!pending_.empty()) {
            const std::string next = std::move(pending_.back());
            pending_.pop_back();
            for_each_full(top_.get(), next, [&](int from, const std::string& child) { move_up(from, child); });
            if (::unlinkat(top_.get(), next.c_str(), AT_REMOVEDIR) != 0) note(next);
        }
        if (::unlinkat(directory, name.c_str(), AT_REMOVEDIR) != 0) note(name);
    }

    // False for a directory that is not empty.
    bool remove_simple(int directory, const std::string& name) {
        if (::unlinkat(directory, name.c_str(), 0) == 0 || errno == ENOENT) return true;
        if (errno != EISDIR && errno != EPERM) {
            note(name);
            return true;
        }
        // EPERM is what POSIX has unlink(2) say of a directory.
        if (::unlinkat(directory, name.c_str(), AT_REMOVEDIR) == 0) return true;
        if (errno == ENOTEMPTY || errno == EEXIST || errno == EACCES) return false;
        note(name);
        return true;
    }

    // Removes what is in a directory, but calls `full` for directories that are not empty.
    template <class Full>
    void for_each_full(int directory, const std::string& name, Full&& full) {
        UniqueFd opened = open_directory(directory, name);
        if (!opened) return note(name);
        const int fd = opened.get();
        std::unique_ptr<DIR, int (*)(DIR*)> entries(::fdopendir(opened.release()), ::closedir);
        if (!entries) return note(name);
        while (const dirent* entry = ::readdir(entries.get())) {
            const std::string child = static_cast<const char*>(entry->d_name);
            if (child != "." && child != ".." && !remove_simple(fd, child)) full(fd, child);
        }
    }

    static UniqueFd open_directory(int directory, const std::string& name) {
        constexpr int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
        UniqueFd fd(::openat(directory, name.c_str(), flags));
        // Without write permission it opens, and then nothing in it can be removed.
        struct stat status {};
        const bool locked = !fd ? errno == EACCES : ::fstat(fd.get(), &status) == 0 && (status.st_mode & 0700) != 0700;
        if (!locked) return fd;
        ::fchmodat(directory, name.c_str(), 0700, 0);
        return fd ? std::move(fd) : UniqueFd(::openat(directory, name.c_str(), flags));
    }

    void move_up(int from, const std::string& name) {
        // A directory has to be writable to get another "..".
        ::fchmodat(from, name.c_str(), 0700, 0);
        for (;;) {
            std::string place = fmt::format(".removing-{}", counter_++);
            if (::renameat2(from, name.c_str(), top_.get(), place.c_str(), RENAME_NOREPLACE) == 0) {
                pending_.push_back(std::move(place));
                return;
            }
            if (errno != EEXIST) return note(name);
        }
    }

    void note(const std::string& name) {
        if (first_error_ != 0) return;
        first_error_ = errno;
        failed_ = name;
    }

    UniqueFd top_;
    std::vector<std::string> pending_;
    unsigned counter_ = 0;
    int first_error_ = 0;
    std::string failed_;
};

}  // namespace

void remove_entry(int directory, const std::string& name) { Remover().remove(directory, name); }

void remove_tree(const std::filesystem::path& path) {
    const std::filesystem::path absolute = std::filesystem::absolute(path).lexically_normal();
    const std::filesystem::path named = absolute.has_filename() ? absolute : absolute.parent_path();
    const UniqueFd parent(::open(named.parent_path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!parent && errno == ENOENT) return;
    if (!parent) throw_errno(fmt::format("cannot open {}", quoted(named.parent_path().native())));
    remove_entry(parent.get(), named.filename().native());
}

}  // namespace gbuild
