// Writing a tree to a directory on disk, through directory descriptors that cannot leave it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "gbuild/base/content_run.h"
#include "gbuild/base/rooted.h"
#include "gbuild/tree/tree.h"

namespace gbuild::layer {

enum class Ownership {
    apply,   // needs the privilege to chown and mknod
    ignore,  // the files are the extracting user's
    record,  // the files are the extracting user's, their owners and devices recorded (base/recorded_owner.h)
};

struct ExtractOptions {
    Ownership ownership = Ownership::ignore;
    // With ignore: devices are made all the same, which needs the privilege to mknod.
    bool devices = false;
    // With apply: the directory is one for commands to work in (with record it always is).
    bool device_placeholders = false;
    // Delivers the contents of a regular file.
    std::function<void(const tree::Inode&, const TakeRun&)> read;

    bool makes_devices() const { return ownership == Ownership::apply || devices; }
};

struct ExtractSummary {
    uint64_t files = 0;
    uint64_t bytes = 0;
    std::vector<std::string> skipped;  // "dev/null: device nodes need root", …
};

// Creates everything below `tree`'s node at `path` (a file: that file alone, under its name) in `root`, which must be
// empty or not contain the names. Modes, mtimes (directories last), xattrs, hard links, holes. Nothing is written
// through a symbolic link, whoever changes the directory meanwhile. The attributes of `root` itself stay as they are.
// With Ownership::ignore devices are left out unless they are asked for, and the setuid and setgid bits of files and
// the attributes trusted.* and security.*, capabilities among them, whoever extracts. What is left out, xattrs that the
// file system refuses included, is in `skipped`.
//
// In a directory for commands device nodes that cannot be made are recorded (base/recorded_owner.h), and so are
// attributes that are the true root's, where they are refused: take_snapshot() translates both back. Attributes that
// overlayfs, gbuild or the host's security module would take for their own are left out. Owners of symbolic links,
// FIFOs and sockets are not recorded.
//
// Throws not_found, conflict, io, no_space; unsupported for an owner that the user namespace does not have.
ExtractSummary extract(const tree::Tree& tree, const std::string& path, const RootedDir& root,
                       const ExtractOptions& options);

// All of the tree, into a directory that may hold files already: directories are merged and take the tree's attributes,
// other files are replaced, what the tree does not have stays. Throws conflict before anything is changed where one of
// the two is a directory and the other is not; otherwise as extract().
ExtractSummary extract_over(const tree::Tree& tree, const RootedDir& root, const ExtractOptions& options);

}  // namespace gbuild::layer
