// The small files that a build writes beside its image: --iidfile, --metadata-file.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "gbuild/base/atomic_file.h"
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
    // A regular file is replaced as a whole by commit(); what is something else, such as a pipe or a symbolic link, is
    // written to by pass_on(). In this order.
    void write(std::string text);
    void pass_on(Output& standard_output) const;
    void commit();
    // All three, for a file that stands alone.
    void write(std::string text, Output& standard_output);

  private:
    std::string option_;
    std::filesystem::path path_;
    std::string text_;
    std::optional<AtomicFile> file_;  // once it is written; nullopt for what is something else
};

}  // namespace gbuild::cli
