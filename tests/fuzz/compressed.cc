// Compressed bytes, told by their magic: gzip, zstd, or neither.
#include "fuzzing.h"
#include "gbuild/layer/tar_stream.h"

using namespace gbuild;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    return fuzz::with_input([&] {
        const auto plain = layer::decompress(fuzz::source_of(fuzz::text_of(data, size)), "input", 1 << 20);
        while (!plain->next().empty()) {
        }
    });
}
