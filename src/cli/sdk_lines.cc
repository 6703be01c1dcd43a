#include "gbuild/cli/sdk_lines.h"

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/text.h"
#include "gbuild/cli/json_text.h"

namespace gbuild::cli {

namespace {

// As a string of JavaScript, Python and JSON, which agree on these.
std::string literal(const std::string& text) { return Json(text).dump(-1, ' ', false, Json::error_handler_t::replace); }

std::string golem_js(const SdkImage& image) {
    if (!image.tag.empty()) return fmt::format("workload: {{ imageTag: {} }}\n", literal(image.tag));
    const std::string url = image.url.empty() ? file_url(image.file) : image.url;
    return fmt::format("workload: {{ imageHash: {}, imageUrl: {} }}\n", literal(image.sha3), literal(url));
}

std::string yapapi(const SdkImage& image) {
    if (!image.tag.empty()) return fmt::format("await vm.repo(image_tag={})\n", literal(image.tag));
    const std::string url = image.url.empty() ? "" : fmt::format(", image_url={}", literal(image.url));
    return fmt::format("await vm.repo(image_hash={}{})\n", literal(image.sha3), url);
}

std::string manifest_entry(const SdkImage& image) {
    Json urls = Json::array();
    if (!image.url.empty()) urls.push_back(image.url);
    return json_document(Json{{"platform", Json{{"arch", "x86_64"}, {"os", "linux"}}},
                              {"urls", std::move(urls)},
                              {"hash", "sha3:" + image.sha3}});
}

std::string task_package(const SdkImage& image) {
    return fmt::format("hash:sha3:{}:{}\n", image.sha3, image.url.empty() ? "URL" : image.url);
}

}  // namespace

std::string percent_encoded(std::string_view path) {
    std::string encoded;
    for (char c : path) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                           std::string_view("/-._~").find(c) != std::string_view::npos;
        encoded += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    return encoded;
}

std::string file_url(const std::filesystem::path& path) { return "file://" + percent_encoded(path.native()); }

std::string sdk_lines(const std::string& sdk, const SdkImage& image) {
    if (sdk == "golem-js") return golem_js(image);
    if (sdk == "yapapi") return yapapi(image);
    if (sdk == "manifest") return manifest_entry(image);
    if (sdk == "task-package") return task_package(image);
    throw Error(ErrorKind::internal, fmt::format("no SDK is named {}", quoted(sdk)));
}

std::string paste_lines(const SdkImage& image) {
    return "golem-js:      " + golem_js(image) + "yapapi:        " + yapapi(image) +
           "task package:  " + task_package(image);
}

}  // namespace gbuild::cli
