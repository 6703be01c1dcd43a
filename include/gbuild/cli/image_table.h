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

enum class IdLength { shortened, full };

// A heading and a line an image; `now` is what ages are counted from, in seconds since the epoch.
std::string images_text(const std::vector<ImageRow>& rows, int64_t now, IdLength length = IdLength::shortened);
// A line an image, each id once.
std::string image_ids(const std::vector<ImageRow>& rows, IdLength length);
// What templates have of an image, named as docker names it where that has it, and the names.
Json image_fields(const ImageRow& row, int64_t now, IdLength length);
std::vector<std::string> image_field_names();
Json images_json(const std::vector<ImageRow>& rows);

}  // namespace gbuild::cli
