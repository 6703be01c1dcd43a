// How the Golem SDKs name an image: lines to paste into a requestor's script.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace gbuild::cli {

struct SdkImage {
    std::string sha3;            // 56 hex digits
    std::filesystem::path file;  // absolute
    std::string url;             // where providers can get it; may be empty
    std::string tag;             // "USER/REPO:TAG" of the Golem registry; may be empty
};

// As a path in a URL has it.
std::string percent_encoded(std::string_view path);
// "file:///home/me/app.gvmi".
std::string file_url(const std::filesystem::path& path);

// "golem-js", "yapapi", "manifest" or "task-package", each with a line end. A task package needs a URL: without one it
// has the place-holder URL.
std::string sdk_lines(const std::string& sdk, const SdkImage& image);

// All of them, for the end of a build or a push on a terminal.
std::string paste_lines(const SdkImage& image);

}  // namespace gbuild::cli
