// The values of --mount and --chmod.
#include "fuzzing.h"
#include "gbuild/dockerfile/chmod.h"
#include "gbuild/dockerfile/mount.h"

using namespace gbuild;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string_view text = fuzz::text_of(data, size);
    fuzz::with_input([&] { dockerfile::parse_mount(text); });
    return fuzz::with_input([&] { dockerfile::Chmod::parse(text).apply(0644, true); });
}
