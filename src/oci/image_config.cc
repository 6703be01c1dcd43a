#include "gbuild/oci/image_config.h"

#include <algorithm>

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/text.h"
#include "gbuild/oci/container_json.h"
#include "gbuild/oci/json.h"
#include "gbuild/oci/manifest.h"

namespace gbuild::oci {

namespace {

constexpr int64_t go_zero_time = -62135596800;  // 0001-01-01T00:00:00Z: how docker writes "not set"

std::optional<int64_t> read_created(const JsonValue& root, std::vector<std::string>& repairs) {
    auto created = root.get("created");
    if (!created || (created->is_string() && created->string().empty())) return std::nullopt;
    auto seconds = created->is_string() ? parse_rfc3339(created->string()) : std::nullopt;
    if (!seconds) repairs.push_back("created is not a time of RFC 3339; ignoring it");
    if (!seconds) return std::nullopt;
    if (*seconds == go_zero_time) return std::nullopt;
    return seconds;
}

std::vector<Digest> read_diff_ids(const JsonValue& root) {
    std::vector<Digest> diff_ids;
    // Go writes what an image without layers does not have as null, "" or not at all. Layers without diffIDs are found
    // out where their number is compared with the manifest's.
    auto rootfs = root.get("rootfs");
    if (!rootfs) return diff_ids;
    if (auto type = rootfs->get("type"); type && !type->string().empty() && type->string() != "layers") {
        type->fail(fmt::format("must be \"layers\", not {}", quoted(type->string())));
    }
    if (auto list = rootfs->get("diff_ids")) {
        for (const auto& element : list->elements(max_layers)) diff_ids.push_back(element.digest());
    }
    return diff_ids;
}

}  // namespace

std::optional<std::string> ContainerConfig::env_value(std::string_view name) const {
    for (const auto& entry : env) {
        size_t equals = entry.find('=');
        if (std::string_view(entry).substr(0, equals) == name) {
            return equals == std::string::npos ? std::string() : entry.substr(equals + 1);
        }
    }
    return std::nullopt;
}

void ContainerConfig::set_env(std::string_view name, std::string_view value) {
    std::string text = fmt::format("{}={}", name, value);
    auto found = std::find_if(env.begin(), env.end(),
                              [&](std::string_view entry) { return entry.substr(0, entry.find('=')) == name; });
    if (found != env.end())
        *found = std::move(text);
    else
        env.push_back(std::move(text));
}

ImageConfig parse_image_config(std::string_view json) {
    nlohmann::json document = parse_json(json, "image configuration", {.bytes = max_config_size});
    JsonValue root(document, "image configuration");
    ImageConfig config;
    auto text = [&](std::string_view key) {
        auto member = root.get(key);
        return member ? member->string() : std::string();
    };
    config.platform = {text("os"), text("architecture"), text("variant")};
    if (auto author = root.get("author"); author && author->is_string()) config.author = author->string();
    if (auto container = root.get("config")) {
        ContainerReading reading = read_container_config(*container);
        config.config = std::move(reading.config);
        config.repairs = std::move(reading.repairs);
    }
    config.created = read_created(root, config.repairs);
    config.diff_ids = read_diff_ids(root);
    return config;
}

std::string to_json(const ImageConfig& config) {
    nlohmann::json root;  // a sorted map
    root["architecture"] = config.platform.architecture;
    root["os"] = config.platform.os;
    if (!config.platform.variant.empty()) root["variant"] = config.platform.variant;
    if (config.created) root["created"] = format_rfc3339(*config.created);
    if (!config.author.empty()) root["author"] = config.author;
    root["config"] = container_config_json(config.config);
    auto& rootfs = root["rootfs"];
    rootfs["type"] = "layers";
    rootfs["diff_ids"] = nlohmann::json::array();
    for (const auto& diff_id : config.diff_ids) rootfs["diff_ids"].push_back(diff_id.text());
    return dump_json(root);
}

}  // namespace gbuild::oci
