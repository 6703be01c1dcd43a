// What a store holds, and removing what is not needed any more.
//
// Removing anything is safe at any time: builds hold what they use by open files and by locks, take what is missing for
// something to be made again, and note when they use something. So a build that runs meanwhile succeeds with the same
// bytes. To spare it the work, nothing is removed that was used since the oldest running build began.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "gbuild/store/store.h"

namespace gbuild::store {

enum class ItemKind : uint8_t {
    blob,      // manifests, configurations, layers that are not packed yet
    pack,      // packed layers
    record,    // results of steps, and what else is noted of builds
    snapshot,  // images extracted for commands to run on
    cache,     // directories of RUN --mount=type=cache
    download,  // unfinished ones
    git,       // what was fetched from git repositories
};
inline constexpr ItemKind all_item_kinds[] = {ItemKind::blob,  ItemKind::pack,     ItemKind::record, ItemKind::snapshot,
                                              ItemKind::cache, ItemKind::download, ItemKind::git};
std::string_view kind_name(ItemKind kind);
std::optional<ItemKind> parse_item_kind(std::string_view name);

struct Item {
    ItemKind kind = ItemKind::blob;
    std::filesystem::path path;
    std::string what;       // for blobs that a reference stands for: "docker.io/library/debian:latest linux/amd64"
    uint64_t size = 0;      // allocated to it
    int64_t last_used = 0;  // seconds since the epoch
};

// Of the store at `root`, least recently used first; nothing where there is no store. Changes nothing. Throws
// permission, io.
std::vector<Item> list_items(const std::filesystem::path& root);

struct PruneRequest {
    std::set<ItemKind> kinds;
    std::optional<int64_t> unused_since;  // only what was last used before, in seconds since the epoch
    std::optional<uint64_t> max_size;     // only until all of the store takes no more; least recently used first
    bool pretend = false;                 // only tell
};

struct PruneResult {
    std::vector<Item> removed;
    std::vector<Item> in_use;  // would have been removed, but for a running build
    uint64_t left = 0;         // bytes in the store
};

// Files of other ids can only be removed by who is root of the user namespace in which they were made. Throws io,
// permission.
PruneResult prune(const Store& store, const PruneRequest& request);

// Removes the lock files that nobody holds, of which each step and each copy leaves some. prune() does it, too.
void sweep_locks(const Store& store);

// Removes the trees that builds left behind, or waits for whoever is removing them. prune() does it, too.
void sweep_leavings(const Store& store);

}  // namespace gbuild::store
