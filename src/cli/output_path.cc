#include "gbuild/cli/output_path.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/text.h"

namespace gbuild::cli {

namespace {

namespace fs = std::filesystem;

constexpr const char* extension = ".gvmi";

// A tag's "/" and a registry's ":" would make directories, or trouble for tools that read "host:path".
std::string file_stem(std::string text) {
    std::replace_if(
        text.begin(), text.end(), [](char c) { return c == '/' || c == ':'; }, '-');
    return text;
}

std::string own_name(const std::vector<oci::ImageName>& tags, const fs::path& context) {
    if (!tags.empty()) return image_file_name(tags.front());
    std::string name = fs::weakly_canonical(context).filename().string();
    return (name.empty() ? "image" : file_stem(name)) + extension;
}

fs::path directory_of(const fs::path& file) { return file.has_parent_path() ? file.parent_path() : fs::path("."); }

void make_directories(const fs::path& directory) {
    std::error_code error;
    fs::create_directories(directory, error);
    if (error) {
        throw system_error(error.value(),
                           fmt::format("cannot make the output directory {}", quoted(directory.string())))
            .hint("choose another place with -o");
    }
}

// Told before the build rather than after it.
void require_directory(const fs::path& directory) {
    if (!fs::is_directory(directory)) {
        throw Error(ErrorKind::not_found,
                    fmt::format("the output directory {} does not exist", quoted(directory.string())))
            .hint("create it, or choose another place with -o");
    }
    if (::access(directory.c_str(), W_OK | X_OK) != 0) {
        throw system_error(errno, fmt::format("cannot write to the output directory {}", quoted(directory.string())))
            .hint("choose another place with -o");
    }
}

// The file behind symbolic links, there or not: a rename would replace the link.
fs::path behind_links(fs::path path) {
    constexpr int max_links = 40;  // as Linux
    for (int links = 0; fs::is_symlink(fs::symlink_status(path)); links++) {
        if (links == max_links) throw system_error(ELOOP, fmt::format("cannot write {}", quoted(path.string())));
        path = path.parent_path() / fs::read_symlink(path);
    }
    return path;
}

}  // namespace

std::string image_file_name(const oci::ImageName& name) {
    return file_stem(name.repository) + "-" + name.tag + extension;
}

fs::path output_path(const std::string& output, const std::vector<oci::ImageName>& tags, const fs::path& context) {
    if (output == "-" || output.rfind("type=", 0) == 0) {
        throw Error(ErrorKind::usage, fmt::format("-o {}: the output is a .gvmi file", quoted(output)))
            .hint("give a file or directory name");
    }
    fs::path path = output;
    std::error_code ignored;
    if (output.empty())
        path = own_name(tags, context);
    else if (output.back() == '/' || fs::is_directory(path, ignored))
        path /= own_name(tags, context);
    // A name that ends in "/" can only mean a directory, so it may be made.
    if (!output.empty() && output.back() == '/') make_directories(path.parent_path());
    require_directory(directory_of(path));
    // The file is renamed over what is there, which would do away with a device such as /dev/null.
    fs::file_status status = fs::status(path, ignored);
    if (fs::exists(status) && !fs::is_regular_file(status)) {
        throw Error(ErrorKind::conflict, fmt::format("{} is there and is not a regular file", quoted(path.string())))
            .hint("choose another place with -o");
    }
    path = behind_links(path);
    require_directory(directory_of(path));
    return path;
}

}  // namespace gbuild::cli
