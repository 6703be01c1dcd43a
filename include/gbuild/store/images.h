// The images that builds gave a name, looked at without changing the store: nothing is created and nothing removed, so
// a store may be somebody else's, or not be there.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace gbuild::store {

// A result of a build that was given a name.
struct ImageRecord {
    std::string repository;  // "golem-example"
    std::string tag;         // "latest"
    std::string image_id;    // 64 hex digits
    std::string sha3;        // of the file, 56 hex digits
    int64_t created = 0;     // when it was built, seconds; not part of the image
    uint64_t size = 0;
    std::string file;  // absolute path of the .gvmi
};

// Of the store at `root`, newest first; none where there is no store. What is no record is left out. Throws permission,
// io.
std::vector<ImageRecord> list_images(const std::filesystem::path& root);
std::optional<ImageRecord> find_image(const std::filesystem::path& root, const std::string& repository,
                                      const std::string& tag);

}  // namespace gbuild::store
