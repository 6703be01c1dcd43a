// What follows the squashfs in a .gvmi: CRC-32 (ISO-HDLC) of the JSON, u32 little-endian; the JSON; its length as eight
// decimal digits.
#pragma once

#include <cstdint>
#include <string>

namespace gbuild::pack {

// Throws limit when the JSON's length has more than eight digits.
std::string encode_trailer(const std::string& json);

struct Trailer {
    std::string json;
    uint64_t position = 0;  // where the trailer begins
};
// Throws integrity, naming `what`, for a file that does not end in a trailer.
Trailer read_trailer(int fd, const std::string& what);

}  // namespace gbuild::pack
