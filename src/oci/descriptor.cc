#include "descriptor.h"

namespace gbuild::oci {

namespace {

constexpr size_t max_urls = 64;

// nullopt for one that names nothing, as Go writes a platform nobody filled in. An empty system means linux.
std::optional<Platform> read_platform(const JsonValue& value) {
    auto text = [&](std::string_view key) {
        auto member = value.get(key);
        return member ? member->string() : std::string();
    };
    Platform platform{text("os"), text("architecture"), text("variant")};
    if (platform.architecture.empty()) {
        if (platform.os.empty()) return std::nullopt;
        value.require("architecture").fail("is empty");
    }
    if (platform.os.empty()) platform.os = "linux";
    return platform;
}

}  // namespace

std::map<std::string, std::string> read_annotations(const JsonValue& object) {
    auto annotations = object.get("annotations");
    return annotations ? annotations->string_map() : std::map<std::string, std::string>();
}

Descriptor read_descriptor(const JsonValue& value) {
    Descriptor descriptor;
    descriptor.media_type = value.require("mediaType").string();
    descriptor.digest = value.require("digest").digest();
    descriptor.size = value.require("size").size();
    if (auto urls = value.get("urls")) descriptor.urls = urls->strings(max_urls);
    descriptor.annotations = read_annotations(value);
    if (auto platform = value.get("platform")) descriptor.platform = read_platform(*platform);
    return descriptor;
}

nlohmann::json descriptor_json(const Descriptor& descriptor) {
    nlohmann::json out = {
        {"mediaType", descriptor.media_type}, {"digest", descriptor.digest.text()}, {"size", descriptor.size}};
    if (!descriptor.urls.empty()) out["urls"] = descriptor.urls;
    if (!descriptor.annotations.empty()) out["annotations"] = descriptor.annotations;
    if (descriptor.platform) {
        out["platform"] = {{"os", descriptor.platform->os}, {"architecture", descriptor.platform->architecture}};
        if (!descriptor.platform->variant.empty()) out["platform"]["variant"] = descriptor.platform->variant;
    }
    return out;
}

}  // namespace gbuild::oci
