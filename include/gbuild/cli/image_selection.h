// Which images `gbuild images` lists: its arguments and --filter.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "gbuild/cli/image_table.h"

namespace gbuild::cli {

class ImageSelection {
  public:
    // `names` and reference= are NAME or NAME:TAG with "*" for any text, as is an id; none of them: all. `now`, in
    // seconds since the epoch, is what ages are counted from. Throws usage for an unknown filter, not_found for the
    // image of one.
    ImageSelection(const std::vector<std::string>& names, const std::vector<std::string>& filters,
                   const std::filesystem::path& root, int64_t now);
    bool has(const ImageRow& row) const;

  private:
    void add_filter(const std::string& text, const std::filesystem::path& root, int64_t now);

    std::vector<std::string> names_, references_;
    std::optional<int64_t> before_, since_;  // seconds since the epoch, themselves left out
    std::optional<bool> dangling_;
};

}  // namespace gbuild::cli
