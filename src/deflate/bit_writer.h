// Bits into bytes, lowest first.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace gbuild::deflate {

// Writes without looking at the end: whoever has it knows how many bits will come. flush() touches up to seven bytes
// past those that count.
class BitWriter {
  public:
    static constexpr size_t slack = 8;  // bytes that must be there after the last one

    explicit BitWriter(std::byte* out) : next_(out) {}

    // At most 56 bits in all between two calls of flush().
    void put(uint64_t bits, unsigned count) {
        buffer_ |= bits << held_;
        held_ += count;
    }
    void flush() {
        if constexpr (std::endian::native == std::endian::little) {
            std::memcpy(next_, &buffer_, sizeof(buffer_));
        } else {
            for (unsigned i = 0; i < 8; i++) next_[i] = static_cast<std::byte>(buffer_ >> (8 * i));
        }
        next_ += held_ >> 3;
        buffer_ >>= held_ & ~7u;
        held_ &= 7;
    }
    // Fills the last byte with zeros.
    void align() {
        flush();
        if (held_ > 0) put(0, 8 - held_);
        flush();
    }
    // On a byte's border only.
    void bytes(std::span<const std::byte> bytes) {
        if (bytes.empty()) return;
        std::memcpy(next_, bytes.data(), bytes.size());
        next_ += bytes.size();
    }
    unsigned held_bits() const { return held_; }
    std::byte* end() const { return next_; }

  private:
    std::byte* next_;
    uint64_t buffer_ = 0;
    unsigned held_ = 0;
};

}  // namespace gbuild::deflate
