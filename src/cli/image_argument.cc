#include "gbuild/cli/image_argument.h"

#include <fmt/format.h>

#include "gbuild/base/text.h"
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
    // A store is made by builds, not by looking for an image.
    if (!fs::is_directory(root, error)) throw no_such_image(text, {});
    store::Store store(root);
    auto name = as_name(text);
    auto record = name ? store.find_image(name->repository, name->tag) : std::nullopt;
    if (!record) throw no_such_image(text, store.images());
    if (!fs::exists(record->file, error)) {
        throw Error(ErrorKind::not_found,
                    fmt::format("the file of {}, {}, is gone", name->text(), quoted(record->file)))
            .hint("build it again");
    }
    std::string file = record->file;
    return {std::move(file), std::move(record)};
}

}  // namespace gbuild::cli
