#include "packets.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/text.h"

namespace gbuild::git {

namespace {

constexpr size_t length_digits = 4;
constexpr size_t largest_packet = 65520;
constexpr size_t longest_complaint = 1000;

Error bad_answer(const std::string& why) {
    Error error(ErrorKind::network, "the server's answer is not git's protocol: " + why);
    error.hint("check the URL");
    return error;
}

}  // namespace

std::string packet(std::string_view bytes) {
    if (bytes.size() > largest_packet - length_digits) throw Error(ErrorKind::internal, "a packet is too large");
    return fmt::format("{:04x}{}", bytes.size() + length_digits, bytes);
}

PacketReader::PacketReader(Channel& channel) : channel_(channel), buffer_(largest_packet) {}

std::string_view PacketReader::peek(size_t size) {
    if (start_ + size > buffer_.size()) {
        std::memmove(buffer_.data(), buffer_.data() + start_, end_ - start_);
        end_ -= start_;
        start_ = 0;
    }
    while (end_ - start_ < size) {
        const size_t got = channel_.read(std::span(buffer_).subspan(end_));
        if (got == 0) break;
        end_ += got;
        received_ += got;
    }
    return {buffer_.data() + start_, std::min(size, end_ - start_)};
}

std::string_view PacketReader::take(size_t size) {
    const std::string_view bytes = peek(size);
    if (bytes.size() < size) throw bad_answer("it ends early");
    start_ += size;
    return bytes;
}

std::optional<std::string_view> PacketReader::next() {
    const std::string_view digits = take(length_digits);
    size_t length = 0;
    const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), length, 16);
    if (code != std::errc() || end != digits.data() + digits.size()) {
        throw bad_answer(fmt::format("{} is no packet's length", quoted(digits)));
    }
    if (length == 0) return std::nullopt;
    if (length < length_digits || length > largest_packet) {
        throw bad_answer(fmt::format("a packet has the length {}", length));
    }
    const std::string_view bytes = take(length - length_digits);
    if (bytes.starts_with("ERR ")) {
        throw Error(ErrorKind::network,
                    fmt::format("the server says: {}", printable(trim(bytes.substr(4, longest_complaint)))));
    }
    return bytes;
}

std::optional<std::string_view> PacketReader::next_line() {
    auto line = next();
    if (line && line->ends_with('\n')) line->remove_suffix(1);
    return line;
}

bool PacketReader::is_at_pack() { return peek(length_digits) == "PACK"; }

std::span<const char> PacketReader::next_bytes() {
    peek(1);
    const std::span<const char> bytes(buffer_.data() + start_, end_ - start_);
    start_ = end_ = 0;
    return bytes;
}

}  // namespace gbuild::git
