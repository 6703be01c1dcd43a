// gbuild's own deflate encoder (RFC 1951), in the zlib format that squashfs calls gzip (RFC 1950), and as gzip (RFC
// 1952).
//
// Its output is part of what gbuild promises: the same bytes on every machine, from every compiler and for every
// version of every library. It is a function of the input and the level alone, made with integers only; docs/deflate.md
// specifies each choice. A change of the output raises `encoder_version`, which is part of every pack's key.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace gbuild::deflate {

constexpr int encoder_version = 1;

constexpr int lowest_level = 1, highest_level = 9, standard_level = 6;
constexpr size_t longest_input = size_t{1} << 24;  // bytes of one call

// Belongs to one thread. Holds about 1 MB, and five times the longest input so far.
class Encoder {
  public:
    // `level` is from lowest_level to highest_level.
    explicit Encoder(int level);
    ~Encoder();
    Encoder(Encoder&&) noexcept;
    Encoder& operator=(Encoder&&) noexcept;

    // Each writes one whole stream for `in`, of at most longest_input bytes, into `out` and returns its length; 0 when
    // it does not fit there, and then `out` holds nothing of use.
    size_t zlib(std::span<const std::byte> in, std::span<std::byte> out);
    size_t gzip(std::span<const std::byte> in, std::span<std::byte> out);

  private:
    struct State;
    std::unique_ptr<State> state_;
};

// Room that a stream for `length` bytes never exceeds, whatever the bytes and the format.
size_t longest_stream(size_t length);

}  // namespace gbuild::deflate
