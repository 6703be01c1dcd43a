// What a cache in a registry consists of: its manifest, the images it names, its steps and their changes.
#include "fuzzing.h"
#include "gbuild/oci/artifact.h"
#include "gbuild/steps/cache_format.h"
#include "gbuild/steps/step_change.h"

using namespace gbuild;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string_view text = fuzz::text_of(data, size);
    fuzz::with_input([&] { oci::parse_artifact(oci::cache_artifact, text, ""); });
    fuzz::with_input([&] { build::decode_references(text); });
    fuzz::with_input([&] { build::decode_changes(text); });
    return fuzz::with_input([&] {
        for (const build::CachedStep& step : build::decode_steps(text)) build::decode_changes(step.changes);
    });
}
