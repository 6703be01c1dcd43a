// Whether the store still holds what was put there.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "gbuild/store/housekeeping.h"
#include "gbuild/store/store.h"

namespace gbuild::store {

// Everything that prune knows of, and the records of what references stand for and of images' names, as records.
std::vector<Item> list_all(const std::filesystem::path& root);

// What is wrong with a blob or a record, which is read as a whole; nullopt when nothing is, or when it is gone
// meanwhile. Throws permission, io.
std::optional<std::string> damage_of(const Item& item);

// Removes an item unless it is in use. False when it stays. Throws permission, io.
bool remove_unused(const Store& store, const Item& item);

// Keeps the snapshot from being removed or made; nullopt when somebody does that now.
std::optional<FileLock> hold_snapshot(const Store& store, const Item& item);
// What an extracted image was asked for by (Store::snapshot); nullopt when it is incomplete.
std::optional<std::string> snapshot_key(const Item& item);

}  // namespace gbuild::store
