#include "gbuild/base/recorded_owner.h"

#include <fmt/format.h>

#include "gbuild/base/text.h"

namespace gbuild {

namespace {

std::optional<uint32_t> parse_number(std::string_view text) {
    auto number = parse_decimal(text);
    if (!number || *number > UINT32_MAX) return std::nullopt;
    return static_cast<uint32_t>(*number);
}

}  // namespace

std::string encode(RecordedOwner owner) { return fmt::format("{}:{}", owner.uid, owner.gid); }

std::string encode(RecordedDevice device) {
    return fmt::format("{}:{}:{}", device.block ? 'b' : 'c', device.major, device.minor);
}

std::optional<RecordedOwner> parse_recorded_owner(std::string_view text) {
    size_t colon = text.find(':');
    if (colon == std::string_view::npos) return std::nullopt;
    auto uid = parse_number(text.substr(0, colon));
    auto gid = parse_number(text.substr(colon + 1));
    if (!uid || !gid) return std::nullopt;
    return RecordedOwner{*uid, *gid};
}

std::optional<RecordedDevice> parse_recorded_device(std::string_view text) {
    if (text.size() < 2 || (text[0] != 'b' && text[0] != 'c') || text[1] != ':') return std::nullopt;
    // A pair of numbers, as an owner is.
    auto numbers = parse_recorded_owner(text.substr(2));
    if (!numbers) return std::nullopt;
    return RecordedDevice{text[0] == 'b', numbers->uid, numbers->gid};
}

}  // namespace gbuild
