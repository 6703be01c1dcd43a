// Where the entries of an archive go that ADD unpacks. docker unpacks in a chroot, so symbolic links, of the archive or
// of the image, are followed inside the destination: with `up -> ..` in it, up/etc/f of an archive in /opt/app is
// /opt/app/etc/f.
#pragma once

#include <string>
#include <unordered_set>
#include <vector>

#include "gbuild/tree/layer_tree.h"
#include "gbuild/tree/tree.h"

namespace gbuild::build {

// The symbolic links below a directory of an image, their paths relative to it.
tree::LayerTree links_below(const tree::Tree& image, const std::string& directory);

class ArchivePaths {
  public:
    // `links` are those that the image has below `directory`. A destination that is the image's root needs no help:
    // links are followed inside it anyway.
    ArchivePaths(std::string directory, const tree::LayerTree& links);

    // Turns the paths of an entry from the archive's own into the image's, with no symbolic link in their middle when
    // all entries before are applied. To be called for every entry, in their order.
    void place(tree::LayerEntry& entry);
    // An entry of the same step that comes from elsewhere, with its image path.
    void note(const tree::LayerEntry& entry);

  private:
    std::string confined(const std::string& path) const;
    void remember(const tree::LayerEntry& entry);

    std::string directory_;
    // Rooted at the directory. It has all symbolic links, and of other entries those that took a link's place.
    tree::Tree links_;
};

// The directories that a layer has to make explicitly, because it must not depend on what is below it: a parent that
// the archive only implies would be a symbolic link where the image has one.
class ExplicitParents {
  public:
    // The missing parents of `entry`, topmost first, from those below `directory` on.
    std::vector<tree::LayerEntry> before(const tree::LayerEntry& entry, const std::string& directory, int64_t mtime);

  private:
    std::unordered_set<std::string> made_;
};

}  // namespace gbuild::build
