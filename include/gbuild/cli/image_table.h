// What `gbuild images` prints.
#pragma once

#include <string>
#include <vector>

#include "gbuild/cli/json_text.h"
#include "gbuild/store/store.h"

namespace gbuild::cli {

enum class FileState { present, missing };

struct ImageRow {
    store::ImageRecord record;
    FileState state = FileState::present;
};

// A heading and a line an image; `now` is what ages are counted from, in seconds since the epoch.
std::string images_text(const std::vector<ImageRow>& rows, int64_t now);
Json images_json(const std::vector<ImageRow>& rows);

}  // namespace gbuild::cli
