// Texts of many kinds, made by arithmetic alone: the same on every machine.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace gbuild::deflate::samples {

class Random {
  public:
    explicit Random(uint64_t seed) : state_(seed * 2 + 1) {}
    uint32_t below(uint32_t limit) {
        state_ = state_ * 6364136223846793005u + 1442695040888963407u;
        return static_cast<uint32_t>((state_ >> 33) % limit);
    }

  private:
    uint64_t state_;
};

inline std::string noise(size_t size, uint64_t seed, uint32_t alphabet = 256) {
    Random random(seed);
    std::string text(size, '\0');
    for (char& c : text) c = static_cast<char>(random.below(alphabet));
    return text;
}

inline std::string prose(size_t size, uint64_t seed) {
    constexpr std::string_view words[] = {"layer", "block ", "the\n", "of", " fragment", "squash", "0x7f", "inode; "};
    Random random(seed);
    std::string text;
    while (text.size() < size) text += words[random.below(std::size(words))];
    text.resize(size);
    return text;
}

// Like a program: tables of numbers that grow slowly, in between text and zeros.
inline std::string binary(size_t size, uint64_t seed) {
    Random random(seed);
    std::string text;
    for (uint32_t number = 0; text.size() < size;) {
        for (int i = 0; i < 64; i++) {
            number += random.below(97);
            text += {static_cast<char>(number), static_cast<char>(number >> 8), static_cast<char>(number >> 16), '\0'};
        }
        text += prose(random.below(300), number);
        text.append(random.below(100), '\0');
    }
    text.resize(size);
    return text;
}

inline std::span<const std::byte> as_bytes(std::string_view text) { return std::as_bytes(std::span(text)); }

}  // namespace gbuild::deflate::samples
