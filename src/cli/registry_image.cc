#include "gbuild/cli/registry_image.h"

namespace gbuild::cli {

RegistryImage parse_registry_image(const std::string& text) {
    if (auto hash = golem::ImageHash::parse(text)) return *hash;
    return publish::parse_registry_name(text);
}

publish::ResolvedImage resolve(publish::Publisher& publisher, const RegistryImage& image, const std::stop_token& stop) {
    return std::visit([&](const auto& asked) { return publisher.resolve(asked, stop); }, image);
}

}  // namespace gbuild::cli
