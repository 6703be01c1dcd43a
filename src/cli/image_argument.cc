#include "gbuild/cli/image_argument.h"

#include <fmt/format.h>

#include "gbuild/base/text.h"
#include "gbuild/cli/image_table.h"
#include "gbuild/oci/reference.h"

namespace gbuild::cli {

namespace {

namespace fs = std::filesystem;

std::optional<oci::ImageName> as_name(const std::string& text) {
    try {
        return oci::parse_image_name(text);
    } catch (const Error&) {
        return std::nullopt;
    }
}

Error no_such_image(const std::string& text, const std::vector<store::ImageRecord>& images) {
    Error error(ErrorKind::not_found, fmt::format("{} is neither a file nor a tag", quoted(text)));
    std::vector<std::string> known;
    for (const auto& image : images) {
        known.push_back(image.repository);
        known.push_back(image.repository + ":" + image.tag);
    }
    auto meant = nearest(text, known);
    return error.hint(meant ? fmt::format("did you mean {}?", *meant) : "gbuild images lists the tags");
}

}  // namespace

ImageArgument find_image_argument(const std::string& text, const fs::path& root) {
    std::error_code error;
    if (fs::status(text, error).type() == fs::file_type::regular) return {text, std::nullopt};
    auto name = as_name(text);
    auto record = name ? store::find_image(root, name->repository, name->tag) : std::nullopt;
    if (!record) throw no_such_image(text, store::list_images(root));
    switch (file_state(*record)) {
    case FileState::present: break;
    case FileState::missing:
        throw Error(ErrorKind::not_found,
                    fmt::format("the file of {}, {}, is gone", name->text(), quoted(record->file)))
            .hint("build it again");
    case FileState::replaced:
        throw Error(ErrorKind::conflict,
                    fmt::format("{} is no longer the image that was built as {}", quoted(record->file), name->text()))
            .hint("build it again, or give the file's name to look at what it is now");
    }
    std::string file = record->file;
    return {std::move(file), std::move(record)};
}

}  // namespace gbuild::cli
