#include "trailer.h"

#include <fmt/format.h>
#include <libdeflate.h>

#include <array>

#include "gbuild/base/binary.h"
#include "gbuild/base/error.h"
#include "gbuild/base/fd.h"
#include "gbuild/base/text.h"

namespace gbuild::pack {
namespace {

constexpr size_t crc_size = 4;
constexpr size_t digits = 8;
constexpr size_t max_json = 99'999'999;

uint32_t crc32(std::string_view text) { return libdeflate_crc32(0, text.data(), text.size()); }

[[noreturn]] void not_a_gvmi(const std::string& what, std::string_view why) {
    throw Error(ErrorKind::integrity, fmt::format("{} is not a .gvmi image: {}", what, why))
        .hint("it may be cut short or another kind of file; build or download it again");
}

}  // namespace

std::string encode_trailer(const std::string& json) {
    if (json.size() > max_json) {
        throw Error(ErrorKind::limit, fmt::format("the image's configuration has {}, a .gvmi has room for {}",
                                                  human_size(json.size()), human_size(max_json)));
    }
    BinaryWriter out;
    out.number(crc32(json));
    out.raw(as_bytes(json));
    return std::string(as_text(out.bytes())) + fmt::format("{:08}", json.size());
}

Trailer read_trailer(int fd, const std::string& what) {
    const uint64_t size = file_size(fd);
    if (size < crc_size + digits) not_a_gvmi(what, "it is too short");
    std::array<std::byte, digits> end;
    pread_exact(fd, end, size - digits, what);
    const auto length = parse_decimal(as_text(end));
    if (!length) not_a_gvmi(what, "it does not end in the eight digits of its configuration's length");
    if (*length > size - crc_size - digits) not_a_gvmi(what, "its configuration would be longer than the file");
    Trailer trailer;
    trailer.position = size - digits - *length - crc_size;
    std::array<std::byte, crc_size> crc;
    pread_exact(fd, crc, trailer.position, what);
    trailer.json.resize(static_cast<size_t>(*length));
    pread_exact(fd, std::as_writable_bytes(std::span(trailer.json)), trailer.position + crc_size, what);
    if (BinaryReader(crc, what).number<uint32_t>() != crc32(trailer.json)) {
        not_a_gvmi(what, "its configuration does not match its checksum");
    }
    return trailer;
}

}  // namespace gbuild::pack
