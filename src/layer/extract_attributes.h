// Owner, xattrs, mode and mtime of one extracted file.
#pragma once

#include "gbuild/layer/extract.h"
#include "held_file.h"

namespace gbuild::layer {

// Whether the directory is for commands to work in: what the file system does not hold is then recorded there.
bool is_for_commands(const ExtractOptions& options);

// What cannot be given for want of privilege, or because the file system does not hold it, goes to `summary.skipped`.
// `held` must be `file`.
void set_attributes(const HeldFile& held, const HeldName& file, const tree::Inode& inode, const ExtractOptions& options,
                    ExtractSummary& summary);

// The same for a file that has had others; what overlayfs keeps stays.
void replace_attributes(const HeldFile& held, const HeldName& file, const tree::Inode& inode,
                        const ExtractOptions& options, ExtractSummary& summary);

}  // namespace gbuild::layer
