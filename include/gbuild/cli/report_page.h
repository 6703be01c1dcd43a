// An image and how it was built as one page for a browser, which needs nothing else: no network, no other file.
#pragma once

#include <optional>
#include <stop_token>
#include <string>

#include "gbuild/cli/build_record.h"
#include "gbuild/cli/image_usage.h"
#include "gbuild/pack/image_reader.h"

namespace gbuild::cli {

// What the page shows, as JSON. Files that are too small to be seen are summed up, so that it stays a few megabytes
// for any image.
Json report_data(const std::string& file, const pack::ImageReader& image, const ImageUsage& usage,
                 const std::optional<BuildRecord>& record);

// The page around it. Nothing in `data` can end the element that it is in, and the page allows no script but its own.
std::string report_page(const Json& data);

// Both, for the image in `file`. Throws what reading it does, interrupted.
std::string make_report(const std::string& file, const std::filesystem::path& root, const std::stop_token& stop);

}  // namespace gbuild::cli
