// Little-endian records: a writer that appends to memory and a reader that never runs past its input.
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gbuild {

static_assert(std::endian::native == std::endian::little, "gbuild's index and squashfs code expects little-endian");

class BinaryWriter {
  public:
    template <std::integral T>
    void number(T value) {
        raw(std::as_bytes(std::span(&value, 1)));
    }
    // LEB128: seven bits a byte, low ones first.
    void varint(uint64_t value);
    void raw(std::span<const std::byte> bytes);
    // A varint length, then the bytes.
    void text(std::string_view text);

    const std::vector<std::byte>& bytes() const { return bytes_; }
    std::vector<std::byte>& bytes() { return bytes_; }
    void clear() { bytes_.clear(); }

  private:
    std::vector<std::byte> bytes_;
};

// Every read past the end, and every overlong varint, is an integrity error that names `what`.
class BinaryReader {
  public:
    BinaryReader(std::span<const std::byte> bytes, std::string what) : rest_(bytes), what_(std::move(what)) {}

    template <std::integral T>
    T number() {
        T value;
        raw(std::as_writable_bytes(std::span(&value, 1)));
        return value;
    }
    uint64_t varint();
    // A varint no larger than `cap`; larger is an integrity error.
    uint64_t varint(uint64_t cap);
    void raw(std::span<std::byte> out);
    std::string_view text();  // points into the input
    std::span<const std::byte> take(uint64_t length);
    size_t left() const { return rest_.size(); }

  private:
    [[noreturn]] void fail() const;
    std::span<const std::byte> rest_;
    std::string what_;
};

}  // namespace gbuild
