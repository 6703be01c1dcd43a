// WWW-Authenticate, as a registry sends it.
#include "fuzzing.h"
#include "gbuild/registry/auth_challenge.h"

using namespace gbuild;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    return fuzz::with_input([&] { registry::parse_challenges(fuzz::text_of(data, size)); });
}
