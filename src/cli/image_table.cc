#include "gbuild/cli/image_table.h"

#include "gbuild/base/text.h"
#include "gbuild/cli/build_report.h"
#include "gbuild/cli/display.h"

namespace gbuild::cli {

std::string images_text(const std::vector<ImageRow>& rows, int64_t now) {
    std::vector<std::vector<std::string>> cells{{"REPOSITORY", "TAG", "IMAGE ID", "CREATED", "SIZE", "FILE"}};
    for (const auto& row : rows) {
        const store::ImageRecord& image = row.record;
        std::string file = safe_text(image.file);
        if (row.state == FileState::missing) file += " (missing)";
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
                            {"hash", golem_hash(image.sha3)},
                            {"created", format_rfc3339(image.created)},
                            {"size", image.size},
                            {"file", image.file},
                            {"missing", row.state == FileState::missing}});
    }
    return json;
}

}  // namespace gbuild::cli
