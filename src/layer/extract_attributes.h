// Owner, xattrs, mode and mtime of one extracted file.
#pragma once

#include <string>

#include "gbuild/layer/extract.h"

namespace gbuild::layer {

// A file by its name in a directory that is held open; symbolic links are never followed.
struct HeldName {
    int directory;
    const std::string& name;
    const std::string& path;  // in the tree, for messages
};

// What cannot be given for want of privilege, or because the file system does not hold it, goes to `summary.skipped`.
void set_attributes(const HeldName& file, const tree::Inode& inode, Ownership ownership, ExtractSummary& summary);

}  // namespace gbuild::layer
