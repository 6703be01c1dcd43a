// What gbuild history and gbuild du print.
#pragma once

#include <filesystem>
#include <string>

#include "gbuild/cli/build_record.h"
#include "gbuild/cli/image_argument.h"
#include "gbuild/cli/image_usage.h"
#include "gbuild/cli/json_text.h"

namespace gbuild::cli {

// Of the image as it is. Throws not_found where the store at `root` knows nothing of how it was made.
BuildRecord record_of(const ImageArgument& image, const std::filesystem::path& root);
// The same, without throwing that.
std::optional<BuildRecord> known_record_of(const ImageArgument& image, const std::filesystem::path& root);

enum class Instructions { short_, whole };

std::string history_text(const BuildRecord& record, Instructions instructions);
Json history_json(const BuildRecord& record);

// What is below `path` ("" is the root) in `usage`, which is of it; `record` may be null.
struct UsageView {
    const ImageUsage& image;
    const Usage& usage;
    std::string path;
    const BuildRecord* record = nullptr;
};
std::string usage_text(const UsageView& view);
Json usage_json(const UsageView& view);

}  // namespace gbuild::cli
