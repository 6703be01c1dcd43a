// What nobody needs any more in a store's tmp/, and its removal while nobody waits for it.
//
// A tree is renamed to tmp/discarded-NAME, from when on it is nobody's. Whoever removes one holds the flock of its
// directory. Large ones are left to a process of their own, which may outlive us; if it is killed, the next process
// that opens the store sees to them.
#pragma once

#include <filesystem>

namespace gbuild::store {

// Removes a directory of `tmp` that nobody uses if there is little in it; else what is left of it is renamed. What can
// be neither removed nor renamed stays; nothing there is fine.
void discard(const std::filesystem::path& directory);

// Has a process in the background remove what was discarded, if there is anything that nobody is removing already. It
// holds none of our descriptors.
void remove_discarded_in_background(const std::filesystem::path& tmp);

// Removes it here, or waits for whoever does. What cannot be removed stays.
void remove_discarded(const std::filesystem::path& tmp);

}  // namespace gbuild::store
