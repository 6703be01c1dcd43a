// Where COPY writes: the image so far, seen together with what the step has put on it.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "gbuild/base/digest.h"
#include "gbuild/base/error.h"
#include "gbuild/copy/copy_source.h"
#include "gbuild/tree/accounts.h"
#include "gbuild/tree/tree.h"

namespace gbuild::build {

// Contents that no pack has yet.
struct NewContents {
    std::string path;                     // below the context; of a heredoc its name
    const ContextDir* context = nullptr;  // not of a heredoc
    const std::string* text = nullptr;    // a heredoc's
    Sha256Sum digest{};                   // set before the contents are packed
};

struct Placed {
    tree::Inode inode;
    std::optional<NewContents> contents;
    // Files of one source with equal, non-null pointers are hard links to one another.
    const tree::Inode* shared = nullptr;
    size_t source = 0;
};

// By image path; parents sort before what is in them.
using Placement = std::map<std::string, Placed>;

// An archive to unpack into the step's destination.
struct ArchiveFile {
    std::string path;  // below the context
    const ContextDir* context = nullptr;
    Digest digest;  // of the archive, and its size, set before it is unpacked
    uint64_t size = 0;
};

// Later parts lie over earlier ones.
using CopyPart = std::variant<Placement, ArchiveFile>;

enum class Existing { overwrite, keep };

class CopyDestination {
  public:
    // `lower` is nullptr when the step must not look at the image. Directories that are made belong to `owner`.
    CopyDestination(const tree::Tree* lower, tree::Owner owner, int64_t epoch) :
        lower_(lower), owner_(owner), epoch_(epoch) {}

    // The image path of a destination, symbolic links followed.
    std::string resolve(const std::string& path) const;
    bool is_directory(const std::string& path) const;

    // Every missing directory of `path`, with `mode`. Throws dockerfile when something else is in the way.
    void make_directories(const std::string& path, uint16_t mode);
    // A copied directory. Attributes of one that exists are overwritten or kept. Throws dockerfile, naming `source`,
    // when something else is in its place, a symbolic link to a directory included.
    void put_directory(const std::string& path, Placed placed, Existing existing, const std::string& source);
    // A copied file of any other type. Throws dockerfile when a directory is in its place.
    void put_file(const std::string& path, Placed placed);
    // The directory must have been made.
    void put_archive(ArchiveFile archive);

    std::vector<CopyPart> take_parts() { return std::move(parts_); }

  private:
    std::optional<tree::FileType> type_at(const std::string& path) const;
    void place(const std::string& path, Placed placed);
    Error no_directory(const std::string& path, const std::string& source) const;

    const tree::Tree* lower_;
    tree::Owner owner_;
    int64_t epoch_;
    std::unordered_map<std::string, tree::FileType> placed_;
    std::vector<CopyPart> parts_;
};

}  // namespace gbuild::build
