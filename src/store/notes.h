// The files of notes: the sha256 of key and contents, the key's length as 32 bits, the key, the contents.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace gbuild::store {

// The key of the note in a file; nullopt when the file is damaged, or gone.
std::optional<std::string> key_of_note(const std::filesystem::path& path);

}  // namespace gbuild::store
