#include "gbuild/cli/image_table.h"

#include <filesystem>

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

std::string images_text(const std::vector<ImageRow>& rows, int64_t now) {
    std::vector<std::vector<std::string>> cells{{"REPOSITORY", "TAG", "IMAGE ID", "CREATED", "SIZE", "FILE"}};
    for (const auto& row : rows) {
        const store::ImageRecord& image = row.record;
        std::string file = safe_text(image.file);
        if (row.state != FileState::present) file += row.state == FileState::missing ? " (missing)" : " (replaced)";
        cells.push_back({safe_text(image.repository), safe_text(image.tag), safe_text(image.image_id.substr(0, 12)),
                         human_age(now - image.created), human_size(image.size), std::move(file)});
    }
    return format_table(cells);
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
