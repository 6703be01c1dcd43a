// What was last written to an output file, so that it is not written again while it is still there.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "gbuild/base/events.h"
#include "gbuild/engine/build_result.h"
#include "gbuild/store/store.h"

namespace gbuild::build {

struct OutputRecord {
    std::string image_key;  // stands for all that the image's bytes and the warnings about it depend on
    BuildResult result;     // without bases
    std::vector<Warning> warnings;
};

// Of the file at `path` (absolute), when it is the one that was written: not touched since, as far as the file system
// knows.
std::optional<OutputRecord> read_output_record(const store::Store& store, const std::filesystem::path& path);
// Of the file that has just been put there.
void put_output_record(const store::Store& store, const std::filesystem::path& path, const OutputRecord& record);

}  // namespace gbuild::build
