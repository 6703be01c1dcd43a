#include "gbuild/store/images.h"

#include <algorithm>
#include <tuple>

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/text.h"
#include "records.h"

namespace gbuild::store {

namespace fs = std::filesystem;

std::optional<ImageRecord> find_image(const fs::path& root, const std::string& repository, const std::string& tag) {
    auto text = read_record(root / image_path(repository, tag));
    auto record = text ? parse_image(*text) : std::nullopt;
    if (record && (record->repository != repository || record->tag != tag)) return std::nullopt;
    return record;
}

std::vector<ImageRecord> list_images(const fs::path& root) {
    std::vector<ImageRecord> found;
    std::error_code error;
    fs::directory_iterator entry(root / "images", error), end;
    if (error == std::errc::no_such_file_or_directory) return found;
    for (; !error && entry != end; entry.increment(error)) {
        std::error_code ignored;
        if (!fs::is_regular_file(fs::symlink_status(entry->path(), ignored))) continue;
        auto text = read_record(entry->path());
        auto record = text ? parse_image(*text) : std::nullopt;
        if (record && entry->path() == root / image_path(record->repository, record->tag)) {
            found.push_back(std::move(*record));
        }
    }
    if (error) throw system_error(error.value(), fmt::format("cannot list {}", quoted((root / "images").native())));
    std::sort(found.begin(), found.end(), [](const ImageRecord& a, const ImageRecord& b) {
        return std::tie(b.created, a.repository, a.tag) < std::tie(a.created, b.repository, b.tag);
    });
    return found;
}

}  // namespace gbuild::store
