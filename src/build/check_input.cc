#include "gbuild/build/check_input.h"

#include "base_images.h"
#include "inputs.h"

namespace gbuild::build {

dockerfile::Dockerfile read_dockerfile(const BuildOptions& options, std::vector<Warning>& until_error) {
    return load_dockerfile(options, until_error);
}

void warn_until_error(const BuildOptions& options, EventSink& events) {
    std::vector<Warning> warnings;
    try {
        load_dockerfile(options, warnings);
    } catch (const Error&) {
        // Whoever reads it next throws the same.
        for (const Warning& warning : warnings) events.emit(warning);
    }
}

dockerfile::IgnoreRules read_ignore_rules(const BuildOptions& options) { return load_ignore_rules(options); }

std::optional<oci::ImageConfig> remembered_config(const BuildOptions& options, const std::string& reference,
                                                  const oci::Platform& platform) {
    std::error_code ignored;
    if (!std::filesystem::exists(options.store_root, ignored)) return std::nullopt;
    try {
        const store::Store store(options.store_root);
        registry::Client client(options.registry);  // that is not used
        return BaseImages(options, store, nullptr, client, {}, {}).known_config(plan::ImageBase{reference, platform});
    } catch (const Error&) {
        return std::nullopt;  // a store that cannot be read knows nothing
    }
}

}  // namespace gbuild::build
