#include "gbuild/cli/side_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include <fmt/format.h>

#include "gbuild/base/atomic_file.h"
#include "gbuild/base/error.h"
#include "gbuild/base/text.h"

namespace gbuild::cli {

namespace fs = std::filesystem;

SideFile::SideFile(std::string option, fs::path path) : option_(std::move(option)), path_(std::move(path)) {
    if (is_standard_output()) return;
    std::error_code ignored;
    if (fs::is_directory(path_, ignored)) {
        throw Error(ErrorKind::conflict, fmt::format("{} {} is a directory", option_, quoted(path_.native())))
            .hint("give the name of a file");
    }
    if (fs::exists(path_, ignored)) return;
    const fs::path directory = path_.has_parent_path() ? path_.parent_path() : fs::path(".");
    if (!fs::is_directory(directory, ignored)) {
        throw Error(ErrorKind::not_found, fmt::format("{} {}: the directory {} does not exist", option_,
                                                      quoted(path_.native()), quoted(directory.native())))
            .hint("create it, or choose another place");
    }
    if (::access(directory.c_str(), W_OK | X_OK) != 0) {
        throw system_error(errno, fmt::format("{}: cannot write to {}", option_, quoted(directory.native())));
    }
}

void SideFile::write(std::string text) {
    text_ = std::move(text);
    if (is_standard_output()) return;
    with_context([&] { return fmt::format("writing {}", option_); },
                 [&] {
                     std::error_code ignored;
                     const fs::file_status status = fs::symlink_status(path_, ignored);
                     if (fs::exists(status) && !fs::is_regular_file(status)) return;
                     file_.emplace(path_);
                     write_all(file_->fd(), text_);
                 });
}

void SideFile::pass_on(Output& standard_output) const {
    if (is_standard_output()) return standard_output.write(text_);
    if (file_) return;
    with_context([&] { return fmt::format("writing {}", option_); },
                 [&] {
                     const UniqueFd fd = open_file(path_, O_WRONLY | O_CREAT | O_TRUNC | O_NOCTTY);
                     write_all(fd.get(), text_);
                 });
}

void SideFile::commit() {
    if (!file_) return;
    with_context([&] { return fmt::format("writing {}", option_); }, [&] { file_->commit(); });
}

void SideFile::write(std::string text, Output& standard_output) {
    write(std::move(text));
    pass_on(standard_output);
    commit();
}

}  // namespace gbuild::cli
