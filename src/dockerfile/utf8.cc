#include "utf8.h"

namespace gbuild::dockerfile {

namespace {

constexpr char32_t stray_byte = 0xDC00;

unsigned char byte_at(std::string_view text, size_t at) { return static_cast<unsigned char>(text[at]); }

// Bytes of the sequence at `at`; 0 when it is not UTF-8.
size_t sequence_length(std::string_view text, size_t at) {
    unsigned char first = byte_at(text, at);
    if (first < 0x80) return 1;
    size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    if (first < 0xC2 || first > 0xF4 || text.size() - at < length) return 0;
    for (size_t i = 1; i < length; i++) {
        if ((byte_at(text, at + i) & 0xC0) != 0x80) return 0;
    }
    unsigned char second = byte_at(text, at + 1);
    bool bad = (first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F) ||
               (first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F);
    return bad ? 0 : length;
}

}  // namespace

CodePoint first_code_point(std::string_view text) {
    const size_t length = sequence_length(text, 0);
    if (length == 0) return {static_cast<char32_t>(stray_byte + byte_at(text, 0)), 1};
    constexpr unsigned char first_bits[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
    char32_t value = byte_at(text, 0) & first_bits[length];
    for (size_t i = 1; i < length; i++) value = value << 6 | (byte_at(text, i) & 0x3F);
    return {value, length};
}

std::u32string decode(std::string_view text) {
    std::u32string result;
    result.reserve(text.size());
    while (!text.empty()) {
        const CodePoint first = first_code_point(text);
        result += first.value;
        text.remove_prefix(first.length);
    }
    return result;
}

std::string encode(std::u32string_view text) {
    std::string result;
    result.reserve(text.size());
    auto put = [&](char32_t bits) { result += static_cast<char>(bits); };
    auto put_tail = [&](char32_t bits) { put(0x80 | (bits & 0x3F)); };
    for (char32_t c : text) {
        if (c < 0x80) {
            put(c);
        } else if (c < 0x800) {
            put(0xC0 | c >> 6);
            put_tail(c);
        } else if (c >= stray_byte && c <= stray_byte + 0xFF) {
            put(c - stray_byte);
        } else if (c < 0x10000) {
            put(0xE0 | c >> 12);
            put_tail(c >> 6);
            put_tail(c);
        } else {
            put(0xF0 | c >> 18);
            put_tail(c >> 12);
            put_tail(c >> 6);
            put_tail(c);
        }
    }
    return result;
}

}  // namespace gbuild::dockerfile
