// What is beside the files of a snapshot.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace gbuild::store {

// By what the snapshot was asked for; nullopt unless it is complete.
std::optional<std::string> key_of_snapshot(const std::filesystem::path& snapshot);
// Held by whoever uses it.
std::filesystem::path snapshot_lock_of(const std::filesystem::path& root, const std::filesystem::path& snapshot);

}  // namespace gbuild::store
