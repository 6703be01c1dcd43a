// Small text helpers that several parts share.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gbuild {

std::string to_lower(std::string_view ascii);
bool equal_ignoring_case(std::string_view a, std::string_view b);       // ASCII
std::string_view trim(std::string_view text);                           // ASCII white space
std::vector<std::string> split(std::string_view text, char separator);  // "a,,b" → a, "", b; "" → one empty
std::string join(std::span<const std::string> parts, std::string_view separator);

// A decimal number without sign, white space or overflow; nullopt otherwise.
std::optional<uint64_t> parse_decimal(std::string_view text);

// The candidate nearest to `word` by edit distance, when near enough to be a likely misspelling.
std::optional<std::string> nearest(std::string_view word, std::span<const std::string> candidates);

// Whether `text` is valid UTF-8: no overlong forms, no surrogates.
bool is_utf8(std::string_view text);

// For messages: control characters, invalid UTF-8 and quotes escaped, in double quotes.
std::string quoted(std::string_view text);
// Exact overloads: argument-dependent look-up would otherwise prefer std::quoted for a std::string.
inline std::string quoted(const std::string& text) { return quoted(std::string_view(text)); }
inline std::string quoted(std::string& text) { return quoted(std::string_view(text)); }
inline std::string quoted(const char* text) { return quoted(std::string_view(text)); }
// As quoted(), without the surrounding quotes, and with quotes and backslashes as they are.
std::string printable(std::string_view text);
// "1.4 GB", "58.9 MB", "120 B": powers of 1000, as docker prints them.
std::string human_size(uint64_t bytes);

// RFC 3339 ("2024-05-01T12:00:00Z", fractions and offsets accepted) to seconds since the epoch; nullopt when malformed.
std::optional<int64_t> parse_rfc3339(std::string_view text);
std::string format_rfc3339(int64_t seconds);

}  // namespace gbuild
