// What `gbuild images` prints.
#pragma once

#include <string>
#include <vector>

#include "gbuild/cli/json_text.h"
#include "gbuild/store/images.h"

namespace gbuild::cli {

// What is under the name that a build wrote its image to.
enum class FileState {
    present,   // that image
    missing,   // nothing
    replaced,  // something else: another build's image, or no image at all
};
// Reads the file's trailer, not all of it.
FileState file_state(const store::ImageRecord& record);

struct ImageRow {
    store::ImageRecord record;
    FileState state = FileState::present;
};

// A heading and a line an image; `now` is what ages are counted from, in seconds since the epoch.
std::string images_text(const std::vector<ImageRow>& rows, int64_t now);
Json images_json(const std::vector<ImageRow>& rows);

}  // namespace gbuild::cli
