#include "gbuild/cli/build_report.h"

#include <fmt/format.h>

#include "gbuild/base/text.h"
#include "gbuild/cli/display.h"

namespace gbuild::cli {

namespace {

std::string tag_list(const std::vector<oci::ImageName>& tags) {
    std::string text;
    for (const auto& tag : tags) text += (text.empty() ? "" : ",") + tag.text();
    return text;
}

}  // namespace

std::string golem_hash(const std::string& sha3) { return "hash:sha3:" + sha3; }

std::string build_summary(const build::BuildOptions& options, const build::BuildResult& result) {
    std::string text;
    for (const auto& tag : options.tags) text += fmt::format("Successfully tagged {}\n", tag.text());
    if (options.tags.empty()) text += fmt::format("Successfully built {}\n", result.image_id.substr(0, 12));
    text += fmt::format("File: {}\n", safe_text(result.file.string()));
    text += fmt::format("Size: {}\n", human_size(result.size));
    text += golem_hash(result.sha3) + "\n";
    std::string volumes;
    for (const auto& volume : result.config.volumes) volumes += " " + safe_text(volume);
    text += fmt::format("Volumes:{}\n", volumes.empty() ? " none" : volumes);
    const std::string& directory = result.config.working_dir;
    text += fmt::format("Working directory: {}\n", directory.empty() ? "/" : safe_text(directory));
    if (!result.config.user.empty()) text += fmt::format("User: {}\n", safe_text(result.config.user));
    return text;
}

Json build_metadata(const build::BuildOptions& options, const build::BuildResult& result) {
    Json bases = Json::array();
    for (const auto& base : result.bases) {
        bases.push_back(Json{{"reference", base.reference}, {"digest", base.manifest.text()}});
    }
    return Json{{"containerimage.config.digest", "sha256:" + result.image_id},
                {"image.name", tag_list(options.tags)},
                {"gbuild.file", std::filesystem::absolute(result.file).string()},
                {"gbuild.size", result.size},
                {"gbuild.sha3", result.sha3},
                {"gbuild.hash", golem_hash(result.sha3)},
                {"gbuild.imageId", result.image_id},
                {"gbuild.inodes", result.inodes},
                {"gbuild.platform", options.platform.text()},
                {"gbuild.compression", std::string(pack::codec_name(options.packing.codec))},
                {"gbuild.volumes", result.config.volumes},
                {"gbuild.workingDir", result.config.working_dir},
                {"gbuild.user", result.config.user},
                {"gbuild.bases", bases}};
}

}  // namespace gbuild::cli
