#include "gbuild/base/content_run.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace gbuild {

std::span<const std::byte> zero_bytes(uint64_t most) {
    static constexpr std::array<std::byte, size_t{64} * 1024> zeros{};
    return std::span(zeros).first(static_cast<size_t>(std::min<uint64_t>(most, zeros.size())));
}

ContentRun ContentRun::take(uint64_t most) {
    const uint64_t length = std::min(most, size());
    if (zeros > 0) {
        zeros -= length;
        return hole(length);
    }
    const ContentRun first(bytes.first(static_cast<size_t>(length)));
    bytes = bytes.subspan(first.bytes.size());
    return first;
}

void pass_bytes(const ContentRun& run, const std::function<void(std::span<const std::byte>)>& take) {
    if (!run.bytes.empty()) take(run.bytes);
    for (uint64_t left = run.zeros; left > 0;) {
        const auto piece = zero_bytes(left);
        take(piece);
        left -= piece.size();
    }
}

bool all_zero(std::span<const std::byte> bytes) {
    return bytes[0] == std::byte{0} && std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0;
}

}  // namespace gbuild
