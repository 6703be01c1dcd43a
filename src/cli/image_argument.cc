#include "gbuild/cli/image_argument.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "gbuild/base/text.h"
#include "gbuild/cli/image_table.h"
#include "gbuild/golem/image_hash.h"
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

// The hexadecimal digits of an id or hash, or of its beginning, in lower case; "" for anything else.
std::string id_digits(std::string text) {
    if (auto hash = golem::ImageHash::parse(text)) return hash->hex;
    constexpr size_t least = 2;  // one letter is rather a slip of the finger
    for (std::string_view prefix : {"hash:sha3:", "sha3:", "sha256:"}) {
        if (!text.starts_with(prefix)) continue;
        text.erase(0, prefix.size());
        break;
    }
    text = to_lower(text);
    const bool is_id = text.size() >= least && text.find_first_not_of("0123456789abcdef") == std::string::npos;
    return is_id ? text : std::string();
}

Error no_such_image(const std::string& text, const std::vector<store::ImageRecord>& images) {
    return Error(ErrorKind::not_found, fmt::format("{} is neither a file nor the name or id of an image", quoted(text)))
        .hint(image_name_hint(text, images));
}

}  // namespace

std::vector<store::ImageRecord> find_images(const std::string& text, const fs::path& root) {
    if (auto name = as_name(text)) {
        if (auto record = store::find_image(root, name->repository, name->tag)) return {*record};
    }
    std::vector<store::ImageRecord> found;
    const std::string digits = id_digits(text);
    if (digits.empty()) return found;
    std::set<std::string> ids;
    for (store::ImageRecord& record : store::list_images(root)) {
        if (!record.image_id.starts_with(digits) && !record.sha3.starts_with(digits)) continue;
        ids.insert(record.image_id);
        found.push_back(std::move(record));
    }
    if (ids.size() < 2) return found;
    throw Error(ErrorKind::conflict, fmt::format("the ids of {} images begin with {}", ids.size(), quoted(text)))
        .hint("give more of it; gbuild images --no-trunc shows all of each");
}

std::string image_name_hint(const std::string& text, const std::vector<store::ImageRecord>& images) {
    std::vector<std::string> known;
    for (const auto& image : images) {
        const std::string name = image.repository + ":" + image.tag;
        // "app" is app:latest, and there may be others.
        if (image.repository == text) return fmt::format("did you mean {}?", name);
        known.push_back(image.repository);
        known.push_back(name);
    }
    const auto meant = nearest(text, known);
    return meant ? fmt::format("did you mean {}?", *meant) : "gbuild images lists names and ids";
}

ImageArgument find_image_argument(const std::string& text, const fs::path& root) {
    std::error_code error;
    if (fs::status(text, error).type() == fs::file_type::regular) return {text, std::nullopt};
    const std::vector<store::ImageRecord> records = find_images(text, root);
    if (records.empty()) throw no_such_image(text, store::list_images(root));
    // Of several files with one image any will do.
    const auto present = std::find_if(records.begin(), records.end(), [](const store::ImageRecord& record) {
        return file_state(record) == FileState::present;
    });
    const store::ImageRecord& record = present == records.end() ? records.front() : *present;
    const std::string name = record.repository + ":" + record.tag;
    if (present == records.end() && file_state(record) == FileState::missing) {
        throw Error(ErrorKind::not_found, fmt::format("the file of {}, {}, is gone", name, quoted(record.file)))
            .hint("build it again");
    }
    if (present == records.end()) {
        throw Error(ErrorKind::conflict,
                    fmt::format("{} is no longer the image that was built as {}", quoted(record.file), name))
            .hint("build it again, or give the file's name to look at what it is now");
    }
    return {record.file, record};
}

}  // namespace gbuild::cli
