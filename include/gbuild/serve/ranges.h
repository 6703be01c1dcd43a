// The Range header of an HTTP request (RFC 9110, section 14).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace gbuild::serve {

struct ByteRange {
    uint64_t first = 0, last = 0;  // both included
    uint64_t size() const { return last - first + 1; }
    bool operator==(const ByteRange&) const = default;
};

// What of a file of `size` bytes is asked for. nullopt: all of it, because the header is malformed, of another unit, or
// names more than 64 ranges, so that it is to be ignored. Empty: nothing that is there (416). Ranges that overlap or
// touch become one, and the result is then sorted; otherwise the order is the client's.
std::optional<std::vector<ByteRange>> parse_ranges(std::string_view header, uint64_t size);

}  // namespace gbuild::serve
