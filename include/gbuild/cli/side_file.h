// The small files that a build writes beside its image: --iidfile, --metadata-file.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "gbuild/cli/console.h"

namespace gbuild::cli {

class SideFile {
  public:
    // Looks before the work begins whether the file can be written: throws not_found (no such directory), permission,
    // conflict (a directory) naming `option`. "-" is standard output.
    SideFile(std::string option, std::filesystem::path path);

    const std::string& option() const { return option_; }
    const std::filesystem::path& path() const { return path_; }
    bool is_standard_output() const { return path_ == "-"; }
    // A regular file is replaced as a whole; what is something else, such as a pipe or a symbolic link, is written to.
    void write(std::string_view text, Output& standard_output) const;

  private:
    std::string option_;
    std::filesystem::path path_;
};

}  // namespace gbuild::cli
