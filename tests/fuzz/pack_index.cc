// A pack as the store has it. The checksum of its index is made right first: most of what is behind it would not be
// reached otherwise.
#include <cstring>

#include "fuzzing.h"
#include "gbuild/pack/pack.h"

using namespace gbuild;

namespace {

constexpr size_t trailer_size = 56, length_at = 8, sum_at = 16;

std::string with_right_sum(std::string bytes) {
    if (bytes.size() < trailer_size) return bytes;
    uint64_t length = 0;
    const size_t trailer = bytes.size() - trailer_size;
    std::memcpy(&length, bytes.data() + trailer + length_at, sizeof length);
    if (length > trailer) return bytes;
    const Sha256Sum sum = sha256(as_bytes(std::string_view(bytes).substr(trailer - length, length)));
    std::memcpy(bytes.data() + trailer + sum_at, sum.data(), sum.size());
    return bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    return fuzz::with_input([&] {
        const auto pack = pack::Pack::open_any(fuzz::file_of(with_right_sum(std::string(fuzz::text_of(data, size)))));
        pack::PackSet packs(pack->options());
        const uint32_t number = packs.add(pack);
        packs.at(number).visit_entries(number, [&](const tree::LayerEntry& entry) {
            if (entry.inode.content.empty()) return;
            fuzz::with_input([&] { pack::ContentReader(packs).read(entry.inode.content, [](const ContentRun&) {}); });
        });
        pack->holds_its_contents();
    });
}
