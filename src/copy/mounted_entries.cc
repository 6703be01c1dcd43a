#include "gbuild/copy/mounted_entries.h"

#include <iterator>

namespace gbuild::build {

namespace {

std::string without_slash(const std::string& path) { return path.substr(path.find_first_not_of('/') == 0 ? 0 : 1); }

}  // namespace

std::vector<ContextEntry> mounted_entries(const ContextDir& context, const std::string& absolute) {
    const std::string path = without_slash(absolute);
    const auto top = context.find(path);
    if (!top) throw context.nothing_matches(path);
    std::vector<ContextEntry> entries = {*top};
    // The host's own directory is nothing that COPY looks at either.
    if (path.empty()) entries.front().inode.mode = 0755;
    if (!top->inode.is_directory()) return entries;
    std::vector<ContextEntry> below = context.children(path);
    entries.insert(entries.end(), std::make_move_iterator(below.begin()), std::make_move_iterator(below.end()));
    return entries;
}

}  // namespace gbuild::build
