#include "gbuild/base/remove_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/fd.h"
#include "gbuild/base/text.h"

namespace gbuild {

namespace {

// Directories further down are moved up to the top and removed from there.
constexpr size_t max_depth = 64;
// How often a directory is emptied that somebody goes on filling.
constexpr int max_rounds = 10;

using Directory = std::unique_ptr<DIR, int (*)(DIR*)>;

class Remover {
  public:
    explicit Remover(size_t most = SIZE_MAX) : left_(most) {}

    // Whether it came to the end.
    bool run(int parent, const std::string& name) {
        path_ = name;
        if (::unlinkat(parent, name.c_str(), 0) != 0) remove_refused(parent, name, [&] { remove_top(parent, name); });
        if (error_) throw Error(*error_);
        return left_ > 0;
    }

  private:
    struct Name {
        std::string name;
        bool is_directory = false;
    };

    // After unlink(2) of something that may be a directory: not every file system says so in the listing. Linux calls
    // that EISDIR, POSIX EPERM.
    template <class RemoveDirectory>
    void remove_refused(int parent, const std::string& name, RemoveDirectory&& remove_directory) {
        const int refusal = errno;
        if (refusal == EISDIR || (refusal == EPERM && is_directory(parent, name))) return remove_directory();
        errno = refusal;
        note("remove");
    }

    static bool is_directory(int parent, const std::string& name) {
        struct stat status {};
        return ::fstatat(parent, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(status.st_mode);
    }

    void remove_top(int parent, const std::string& name) {
        const Directory top = open_directory(parent, name);
        if (!top) return;
        top_ = ::dirfd(top.get());
        for (int round = 0;; round++) {
            empty(top.get(), 0, round);
            while (!moved_.empty() && left_ > 0) {
                const std::string next = std::move(moved_.back());
                moved_.pop_back();
                remove_directory(top_, next, 0);
            }
            if (is_removed(parent, name, round)) return;
        }
    }

    // Also when that fails for good.
    bool is_removed(int parent, const std::string& name, int round) {
        if (::unlinkat(parent, name.c_str(), AT_REMOVEDIR) == 0) return true;
        if (left_ == 0) return true;
        // When something stays in it, trying again is of no use.
        if ((errno == ENOTEMPTY || errno == EEXIST) && !error_ && round < max_rounds) return false;
        note("remove");
        return true;
    }

    // What is gone already is fine.
    void note(std::string_view verb) {
        if (!error_ && errno != ENOENT) error_ = system_error(errno, fmt::format("cannot {} {}", verb, quoted(path_)));
    }

    Directory open_directory(int parent, const std::string& name) {
        constexpr int flags = O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
        UniqueFd fd(::openat(parent, name.c_str(), O_RDONLY | flags));
        if (!fd && errno == EACCES) {
            // An O_PATH descriptor can be had of any directory, but not be given to fchmod(2).
            const UniqueFd held(::openat(parent, name.c_str(), O_PATH | flags));
            if (held) ::chmod(fmt::format("/proc/self/fd/{}", held.get()).c_str(), S_IRWXU);
            fd = UniqueFd(::openat(parent, name.c_str(), O_RDONLY | flags));
        }
        struct stat status {};
        // Without write permission it opens, and then nothing in it can be removed.
        if (fd && ::fstat(fd.get(), &status) == 0 && (status.st_mode & S_IRWXU) != S_IRWXU) ::fchmod(fd.get(), S_IRWXU);
        Directory directory(fd ? ::fdopendir(fd.get()) : nullptr, ::closedir);
        if (directory) {
            static_cast<void>(fd.release());
        } else {
            note("open");
        }
        return directory;
    }

    static std::vector<Name> list(DIR* directory) {
        std::vector<Name> names;
        while (const dirent* entry = ::readdir(directory)) {
            std::string name = static_cast<const char*>(entry->d_name);
            if (name != "." && name != "..") names.push_back({std::move(name), entry->d_type == DT_DIR});
        }
        return names;
    }

    void empty(DIR* directory, size_t depth, int round) {
        if (round > 0) ::rewinddir(directory);
        const int fd = ::dirfd(directory);
        const size_t length = path_.size();
        for (const Name& child : list(directory)) {
            if (left_ == 0) return;
            left_--;
            path_ += '/';
            path_ += child.name;
            if (child.is_directory) {
                remove_directory(fd, child.name, depth);
            } else if (::unlinkat(fd, child.name.c_str(), 0) != 0) {
                remove_refused(fd, child.name, [&] { remove_directory(fd, child.name, depth); });
            }
            path_.resize(length);
        }
    }

    void remove_directory(int parent, const std::string& name, size_t depth) {
        if (depth == max_depth) return move_up(parent, name);
        const Directory directory = open_directory(parent, name);
        if (!directory) return;
        for (int round = 0;; round++) {
            empty(directory.get(), depth + 1, round);
            if (is_removed(parent, name, round)) return;
        }
    }

    void move_up(int parent, const std::string& name) {
        if (::unlinkat(parent, name.c_str(), AT_REMOVEDIR) == 0) return;
        // A directory has to be writable to get another "..".
        if (!open_directory(parent, name)) return;
        for (;;) {
            std::string place = fmt::format(".removing-{}", counter_++);
            if (::renameat2(parent, name.c_str(), top_, place.c_str(), RENAME_NOREPLACE) == 0) {
                moved_.push_back(std::move(place));
                return;
            }
            if (errno != EEXIST) return note("remove");
        }
    }

    std::string path_;
    size_t left_;  // entries that are looked at before it gives up
    int top_ = -1;
    std::vector<std::string> moved_;
    unsigned counter_ = 0;
    std::optional<Error> error_;
};

}  // namespace

void remove_entry(int directory, const std::string& name) { Remover().run(directory, name); }

bool remove_some_of_tree(const std::filesystem::path& path, size_t most) {
    const std::filesystem::path absolute = std::filesystem::absolute(path).lexically_normal();
    return Remover(most).run(AT_FDCWD, absolute.has_filename() ? absolute.native() : absolute.parent_path().native());
}

void remove_tree(const std::filesystem::path& path) { remove_some_of_tree(path, SIZE_MAX); }

}  // namespace gbuild
