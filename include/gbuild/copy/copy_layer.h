// COPY and ADD: what a step makes of its sources, as a layer.
//
// Follows BuildKit (fsutil's copier) where the Dockerfile reference is silent:
//  - A directory source copies its contents. The destination directory of such a copy keeps its attributes when it is
//    there already, and is made as a parent when it is not; directories below it take the source's attributes, whether
//    they were there or not. A destination that ends in "/" or is a directory takes files into
//    itself.
//  - A source that is itself a symbolic link is followed, found by wildcard or not; links below a directory are copied.
//  - Parents that are missing are made with the --chown owner, else 0:0, and with the mode of an octal --chmod, else
//    0755.
//  - A file never replaces a directory nor a directory anything else: an error that names both.
//  - A pattern with wildcards may match nothing; when nothing is copied at all, a warning says so.
//  - A socket of a context becomes an empty file; those of stages and images are copied as they are.
//  - --exclude patterns count from the copied directory, and meet a file that is a source itself by its name or path;
//    --parents patterns count from the pivot, or from the source's root, and leave existing directories as they are.
//  - --chmod does not change symbolic links, directories that were there, nor what an archive unpacks, the directory
//    made for it included.
//  - ADD of a URL makes a file of mode 0600, named by the URL's path where the destination is a directory, and unpacks
//  it
//    only with --unpack; ADD of a repository copies the files of a commit as those of a directory.
//  - An archive gives its destination no attributes, and cannot leave it: symbolic links are followed inside it.
//  - --link makes the destination's parents anew whatever is there, as real directories.
// Differing on purpose: hard links in a build context become separate files (identical contents share their blocks in
// the image anyway) while those of a stage or image stay links; extended attributes of a context are not copied, which
// a warning says of file capabilities.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "gbuild/base/digest.h"
#include "gbuild/base/events.h"
#include "gbuild/copy/copy_inputs.h"
#include "gbuild/plan/plan.h"
#include "gbuild/tree/accounts.h"
#include "gbuild/tree/tree.h"

namespace gbuild::build {

// All references and pointers must stay valid while the result's `to_pack` is in use.
struct CopyRequest {
    const plan::CopyStep& step;
    std::variant<const ContextDir*, TreeSource> source;  // where step.paths are; null when there are none
    const tree::Tree& target;                            // the image so far; not looked at by --link
    // The image's account files; asked for once, and only when --chown has a name in it.
    std::function<tree::Accounts()> accounts;
    int64_t epoch = 0;  // mtime of what comes from a directory or heredoc, upper bound for the mtimes of the rest
    FetchRemote remote = {};
};

// A step's layer in two parts, to be applied one after the other: `ready` first.
struct CopyResult {
    // Entries with no contents, or whose contents are in the source tree's packs. Empty when everything is in
    // `to_pack`.
    tree::LayerTree ready;
    // Entries to pack; null when there is nothing new (COPY --from). Throws integrity when a file is no longer what
    // `content_key` was made from.
    std::unique_ptr<tree::EntryStream> to_pack;
    // Stands for everything `to_pack` yields: paths, types, modes, owners, mtimes, link targets and the files' bytes.
    // Two equal keys make the same pack. Empty when `to_pack` is null.
    Digest content_key;
    std::vector<Event> remarks;  // warnings and notices about the sources
};

// Reads every selected file of a directory once, for `content_key`. Throws dockerfile (without a place), not_found,
// permission, unsupported, io.
CopyResult copy_layer(const CopyRequest& request);

}  // namespace gbuild::build
