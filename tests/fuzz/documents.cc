// Manifests, indexes and configurations of images.
#include "fuzzing.h"
#include "gbuild/oci/image_config.h"
#include "gbuild/oci/manifest.h"

using namespace gbuild;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string_view text = fuzz::text_of(data, size);
    fuzz::with_input([&] {
        const auto document = oci::parse_manifest(text, "");
        if (const auto* index = std::get_if<oci::Index>(&document))
            oci::choose_platform(*index, {"linux", "amd64", ""});
    });
    return fuzz::with_input([&] { oci::parse_image_config(oci::to_json(oci::parse_image_config(text))); });
}
