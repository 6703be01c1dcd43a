// Whether the store still holds what was put there: everything that builds rely on is read.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <stop_token>
#include <string>
#include <vector>

#include "gbuild/store/check.h"

namespace gbuild::build {

struct FsckProblem {
    store::Item item;
    std::string what;
    bool removed = false;
};

struct FsckResult {
    std::map<store::ItemKind, uint64_t> checked;
    std::map<store::ItemKind, uint64_t>
        unchecked;                      // nothing tells what they should be: caches, an image without layers
    std::vector<FsckProblem> problems;  // by path

    bool is_sound() const;  // no problem is left
};

// Blobs by their digests; packs by their indexes, names and the digests of all files in them; records by their
// checksums; images that were extracted, file by file, by the packs of their layers. Beside builds that run, what they
// remove or make meanwhile is no problem. With `repair` what is damaged is removed unless it is in use: builds make it
// again. Throws permission, io, and interrupted when a stop is requested.
FsckResult fsck(const store::Store& store, bool repair, const std::stop_token& stop);

}  // namespace gbuild::build
