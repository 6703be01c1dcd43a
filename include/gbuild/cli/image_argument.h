// The FILE|TAG|ID argument of the commands that look at images.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "gbuild/store/images.h"

namespace gbuild::cli {

struct ImageArgument {
    std::string file;
    std::optional<store::ImageRecord> record;  // when it was named by its tag or an id
};

// What help says of such an argument.
inline constexpr const char* image_argument_help = "a .gvmi file, or a name or id that gbuild images lists";

// The names that `text` stands for in the store at `root`: a name's, or all of the image whose id or hash begins with
// it, with or without "sha256:", "sha3:" or "hash:sha3:" in front. None when it is neither. Throws conflict when
// several images' ids begin so.
std::vector<store::ImageRecord> find_images(const std::string& text, const std::filesystem::path& root);

// What may be meant by a name that none of `images` has, as a hint.
std::string image_name_hint(const std::string& text, const std::vector<store::ImageRecord>& images);

// An existing file, else what find_images() finds in the store at `root`. Throws not_found with the nearest tag as a
// hint, conflict when the file has become something else.
ImageArgument find_image_argument(const std::string& text, const std::filesystem::path& root);

}  // namespace gbuild::cli
