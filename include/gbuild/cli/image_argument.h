// The FILE|TAG argument of the commands that look at images.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "gbuild/store/images.h"

namespace gbuild::cli {

struct ImageArgument {
    std::string file;
    std::optional<store::ImageRecord> record;  // when it was named by its tag
};

// An existing file, else a tag in the store at `root`. Throws not_found with the nearest tag as a hint, conflict when
// the tag's file has become something else.
ImageArgument find_image_argument(const std::string& text, const std::filesystem::path& root);

}  // namespace gbuild::cli
