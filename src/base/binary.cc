#include "gbuild/base/binary.h"

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/fd.h"

namespace gbuild {

void BinaryWriter::varint(uint64_t value) {
    while (value >= 0x80) {
        bytes_.push_back(static_cast<std::byte>(value | 0x80));
        value >>= 7;
    }
    bytes_.push_back(static_cast<std::byte>(value));
}

void BinaryWriter::raw(std::span<const std::byte> bytes) {
    size_t old = bytes_.size();
    bytes_.resize(old + bytes.size());
    if (!bytes.empty()) std::memcpy(bytes_.data() + old, bytes.data(), bytes.size());
}

void BinaryWriter::text(std::string_view text) {
    varint(text.size());
    raw(as_bytes(text));
}

void BinaryReader::fail() const { throw Error(ErrorKind::integrity, fmt::format("{} is damaged", what_)); }

uint64_t BinaryReader::varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
        auto byte = number<uint8_t>();
        uint64_t bits = byte & 0x7f;
        if (shift == 63 && bits > 1) fail();
        value |= bits << shift;
        if (!(byte & 0x80)) return value;
    }
    fail();
}

uint64_t BinaryReader::varint(uint64_t cap) {
    uint64_t value = varint();
    if (value > cap) fail();
    return value;
}

std::span<const std::byte> BinaryReader::take(uint64_t length) {
    if (length > rest_.size()) fail();
    auto taken = rest_.first(static_cast<size_t>(length));
    rest_ = rest_.subspan(taken.size());
    return taken;
}

void BinaryReader::raw(std::span<std::byte> out) {
    auto taken = take(out.size());
    if (!taken.empty()) std::memcpy(out.data(), taken.data(), taken.size());
}

std::string_view BinaryReader::text() { return as_text(take(varint())); }

}  // namespace gbuild
