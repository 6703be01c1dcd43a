#include "gbuild/registry/base64.h"

#include <cstdint>

namespace gbuild::registry {

namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::optional<uint32_t> value_of(char c) {
    if (c == '-') c = '+';
    if (c == '_') c = '/';
    size_t at = alphabet.find(c);
    if (at == std::string_view::npos) return std::nullopt;
    return static_cast<uint32_t>(at);
}

}  // namespace

std::string base64_encode(std::string_view bytes) {
    std::string out;
    uint32_t bits = 0;
    int held = 0;
    for (char c : bytes) {
        bits = bits << 8 | static_cast<unsigned char>(c);
        for (held += 8; held >= 6; held -= 6) out += alphabet[bits >> (held - 6) & 63];
    }
    if (held > 0) out += alphabet[bits << (6 - held) & 63];
    while (out.size() % 4 != 0) out += '=';
    return out;
}

std::optional<std::string> base64_decode(std::string_view text) {
    size_t padding = 0;
    while (padding < 2 && text.ends_with('=')) {
        text.remove_suffix(1);
        padding++;
    }
    if (text.size() % 4 == 1 || (padding > 0 && (text.size() + padding) % 4 != 0)) return std::nullopt;
    std::string out;
    uint32_t bits = 0;
    int held = 0;
    for (char c : text) {
        auto value = value_of(c);
        if (!value) return std::nullopt;
        bits = bits << 6 | *value;
        held += 6;
        if (held >= 8) {
            held -= 8;
            out += static_cast<char>(bits >> held & 255);
        }
    }
    return out;
}

}  // namespace gbuild::registry
