// Files on disk, held by descriptors.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "gbuild/base/fd.h"
#include "gbuild/tree/inode.h"

namespace gbuild::layer {

// A file by its name in a directory that is held open; symbolic links are never followed. A directory itself is "." in
// it.
struct HeldName {
    int directory;
    const std::string& name;
    const std::string& path;  // in the tree, for messages
};

// Throws errno as "cannot VERB PATH".
[[noreturn]] void fail(std::string_view verb, const HeldName& file);

// A file that is open, whatever kind it is.
class HeldFile {
  public:
    enum class Access {
        full,  // regular files and directories
        path,  // O_PATH: opening it could block, or do something
    };
    HeldFile(UniqueFd fd, Access access) : fd_(std::move(fd)), access_(access) {}

    int fd() const { return fd_.get(); }

    // All extended attributes that can be listed, sorted by name. Throws system errors naming `path`.
    std::vector<tree::Xattr> xattrs(const std::string& path) const;
    bool has_xattr(const char* name) const;
    bool has_xattr(const char* name, std::string_view value) const;

    // 0 or an errno.
    int set_xattr(const std::string& name, std::string_view value) const;
    int remove_xattr(const std::string& name) const;
    int set_mode(mode_t mode) const;

  private:
    template <class Call>
    ssize_t permitted(Call&& call) const;
    ssize_t get_xattr(const char* name, char* buffer, size_t size) const;
    std::vector<std::string> xattr_names(const std::string& path) const;
    std::string by_descriptor() const;

    UniqueFd fd_;
    Access access_;
};

// For reading, without blocking; an empty descriptor and errno when it fails. Files of our own that we may not read are
// made readable for the moment of opening them.
UniqueFd open_readable(const HeldName& file, int flags);
// The directory; throws.
UniqueFd open_directory(const HeldName& file);
// Regular files and directories in full, others by path. `mode` tells which; throws conflict when it is not so.
HeldFile hold(const HeldName& file, mode_t mode);

// A path of names below `root` ("" is the root); symbolic links on the way are errors. An empty descriptor and errno
// when it fails.
UniqueFd open_beneath(int root, const std::string& path, int flags);

// What is in a directory, in unsigned byte order.
std::vector<std::string> sorted_names(int directory, const std::string& path);

// "a/b", "c" → "a/b/c"; "", "c" → "c".
std::string join_path(const std::string& directory, std::string_view name);
// "a/b/c" → "a/b" and "c"; "c" → "" and "c".
struct SplitPath {
    std::string directory;
    std::string name;
};
SplitPath split_path(const std::string& path);

}  // namespace gbuild::layer
