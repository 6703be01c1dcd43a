#include "gbuild/cli/image_table.h"

#include <filesystem>
#include <set>

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/text.h"
#include "gbuild/cli/display.h"
#include "gbuild/golem/container_config.h"
#include "gbuild/golem/image_hash.h"
#include "gbuild/pack/image_reader.h"

namespace gbuild::cli {

FileState file_state(const store::ImageRecord& record) {
    std::error_code ignored;
    if (!std::filesystem::exists(record.file, ignored)) return FileState::missing;
    try {
        const std::string trailer = pack::ImageReader(record.file).trailer_json();
        if (golem::parse_trailer_json(trailer).image_id == record.image_id) return FileState::present;
    } catch (const Error& error) {
        // What one may not read may well be the image.
        if (error.kind() != ErrorKind::integrity) return FileState::present;
    }
    return FileState::replaced;
}

namespace {

constexpr size_t short_id = 12;

std::string shown_id(const std::string& id, IdLength length) {
    return safe_text(length == IdLength::full ? id : id.substr(0, short_id));
}

const char* state_name(FileState state) {
    if (state == FileState::present) return "present";
    return state == FileState::missing ? "missing" : "replaced";
}

}  // namespace

std::string images_text(const std::vector<ImageRow>& rows, int64_t now, IdLength length) {
    std::vector<std::vector<std::string>> cells{{"REPOSITORY", "TAG", "IMAGE ID", "CREATED", "SIZE", "HASH", "FILE"}};
    for (const auto& row : rows) {
        const store::ImageRecord& image = row.record;
        std::string file = safe_text(image.file);
        if (row.state != FileState::present) file += fmt::format(" ({})", state_name(row.state));
        cells.push_back({safe_text(image.repository), safe_text(image.tag), shown_id(image.image_id, length),
                         human_age(now - image.created), human_size(image.size), shown_id(image.sha3, length),
                         std::move(file)});
    }
    return format_table(cells);
}

std::string image_ids(const std::vector<ImageRow>& rows, IdLength length) {
    std::string text;
    std::set<std::string> told;
    for (const auto& row : rows) {
        const std::string& id = row.record.image_id;
        if (told.insert(id).second) text += (length == IdLength::full ? "sha256:" : "") + shown_id(id, length) + "\n";
    }
    return text;
}

Json image_fields(const ImageRow& row, int64_t now, IdLength length) {
    const store::ImageRecord& image = row.record;
    return Json{{"Repository", image.repository},
                {"Tag", image.tag},
                {"ID", (length == IdLength::full ? "sha256:" : "") + shown_id(image.image_id, length)},
                {"CreatedSince", human_age(now - image.created)},
                {"CreatedAt", format_rfc3339(image.created)},
                {"Size", human_size(image.size)},
                {"Bytes", image.size},
                {"Hash", image.sha3},
                {"File", image.file},
                {"State", state_name(row.state)}};
}

std::vector<std::string> image_field_names() {
    return {"Repository", "Tag", "ID", "CreatedSince", "CreatedAt", "Size", "Bytes", "Hash", "File", "State"};
}

Json images_json(const std::vector<ImageRow>& rows) {
    Json json = Json::array();
    for (const auto& row : rows) {
        const store::ImageRecord& image = row.record;
        json.push_back(Json{{"repository", image.repository},
                            {"tag", image.tag},
                            {"imageId", image.image_id},
                            {"sha3", image.sha3},
                            {"hash", golem::ImageHash{image.sha3}.task_package()},
                            {"created", format_rfc3339(image.created)},
                            {"size", image.size},
                            {"file", image.file},
                            {"missing", row.state == FileState::missing},
                            {"replaced", row.state == FileState::replaced}});
    }
    return json;
}

}  // namespace gbuild::cli
