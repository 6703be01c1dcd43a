#include "gbuild/cli/build_report.h"

#include <fmt/format.h>

#include "gbuild/base/text.h"
#include "gbuild/cli/display.h"
#include "gbuild/cli/sdk_lines.h"
#include "gbuild/golem/image_hash.h"

namespace gbuild::cli {

namespace {

std::string tag_list(const std::vector<oci::ImageName>& tags) {
    std::string text;
    for (const auto& tag : tags) text += (text.empty() ? "" : ",") + tag.text();
    return text;
}

const char* form_name(build::ContainerOutput::Form form) {
    using Form = build::ContainerOutput::Form;
    if (form == Form::oci) return "oci";
    if (form == Form::docker) return "docker";
    return form == Form::tar ? "tar" : "local";
}

std::string output_line(const build::WrittenOutput& written) {
    const auto& destination = written.output.destination;
    return fmt::format("Wrote {}: {} ({}{}{})\n", form_name(written.output.form),
                       destination ? safe_text(destination->string()) : "standard output", human_size(written.size),
                       written.manifest.empty() ? "" : ", ", written.manifest.text());
}

Json output_json(const build::WrittenOutput& written) {
    const auto& destination = written.output.destination;
    Json json = {{"type", form_name(written.output.form)},
                 {"dest", destination ? std::filesystem::absolute(*destination).string() : "-"},
                 {"size", written.size}};
    if (written.manifest.empty()) return json;
    json["containerimage.digest"] = written.manifest.text();
    json["containerimage.config.digest"] = written.config.text();
    return json;
}

std::string entrypoint_line(const oci::ContainerConfig& config) {
    if (!config.entrypoint || config.entrypoint->empty()) return "";
    std::vector<std::string> words = *config.entrypoint;
    if (config.cmd) words.insert(words.end(), config.cmd->begin(), config.cmd->end());
    return fmt::format("Entrypoint: {} (started only when the requestor asks for it)\n",
                       safe_text(Json(words).dump(-1, ' ', false, Json::error_handler_t::replace)));
}

}  // namespace

std::string image_id(const build::BuildResult& result) {
    if (!result.file.empty()) return "sha256:" + result.image_id;
    for (const auto& written : result.container_outputs) {
        if (!written.config.empty()) return written.config.text();
    }
    return "";
}

std::string build_identity(const build::BuildResult& result) {
    return result.file.empty() ? image_id(result) : result.sha3;
}

std::string build_summary(const build::BuildOptions& options, const build::BuildResult& result) {
    std::string text;
    const bool gvmi = !result.file.empty();
    if (gvmi) {
        for (const auto& tag : options.tags) text += fmt::format("Successfully tagged {}\n", tag.text());
    }
    if (!image_id(result).empty() && (!gvmi || options.tags.empty())) {
        text += fmt::format("Successfully built {}\n", image_id(result).substr(std::string_view("sha256:").size(), 12));
    }
    for (const auto& written : result.container_outputs) text += output_line(written);
    if (!gvmi) return text;
    text += fmt::format("File: {}\n", safe_text(result.file.string()));
    text += fmt::format("Size: {}\n", human_size(result.size));
    text += golem::ImageHash{result.sha3}.task_package() + "\n";
    std::string volumes;
    for (const auto& volume : result.config.volumes) volumes += " " + safe_text(volume);
    text += fmt::format("Volumes:{}\n", volumes.empty() ? " none" : volumes);
    const std::string& directory = result.config.working_dir;
    text += fmt::format("Working directory: {}\n", directory.empty() ? "/" : safe_text(directory));
    if (!result.config.user.empty()) text += fmt::format("User: {}\n", safe_text(result.config.user));
    return text + entrypoint_line(result.config);
}

Json build_metadata(const build::BuildOptions& options, const build::BuildResult& result) {
    Json bases = Json::array();
    for (const auto& base : result.bases) {
        bases.push_back(Json{{"reference", base.reference}, {"digest", base.manifest.text()}});
    }
    Json json = {{"image.name", tag_list(options.tags)}};
    if (!image_id(result).empty()) json["containerimage.config.digest"] = image_id(result);
    for (const auto& written : result.container_outputs) {
        if (written.manifest.empty()) continue;
        json["containerimage.digest"] = written.manifest.text();
        break;
    }
    if (!result.file.empty()) {
        json.update({{"gbuild.imageId", result.image_id},
                     {"gbuild.file", std::filesystem::absolute(result.file).string()},
                     {"gbuild.size", result.size},
                     {"gbuild.sha3", result.sha3},
                     {"gbuild.hash", golem::ImageHash{result.sha3}.task_package()},
                     {"gbuild.manifestHash", golem::ImageHash{result.sha3}.manifest()},
                     {"gbuild.fileUrl", file_url(std::filesystem::absolute(result.file))},
                     {"gbuild.inodes", result.inodes},
                     {"gbuild.compression", std::string(pack::codec_name(options.packing.codec))},
                     {"gbuild.compressor", pack::compressor_in_use(options.packing)}});
    }
    json.update({{"gbuild.platform", options.platform.text()},
                 {"gbuild.volumes", result.config.volumes},
                 {"gbuild.workingDir", result.config.working_dir},
                 {"gbuild.user", result.config.user},
                 {"gbuild.bases", bases}});
    if (!result.container_outputs.empty()) {
        Json outputs = Json::array();
        for (const auto& written : result.container_outputs) outputs.push_back(output_json(written));
        json["gbuild.outputs"] = outputs;
    }
    return json;
}

}  // namespace gbuild::cli
