#include "gzip_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "gbuild/base/error.h"

namespace gbuild::layer {
namespace {

constexpr std::array<uint8_t, 2> magic = {0x1f, 0x8b};

std::string_view reason(int code) {
    switch (code) {
    case ISAL_INVALID_BLOCK: return "invalid block";
    case ISAL_INVALID_SYMBOL: return "invalid symbol";
    case ISAL_INVALID_LOOKBACK: return "invalid distance";
    case ISAL_INCORRECT_CHECKSUM: return "wrong checksum";
    default: return "damaged data";
    }
}

}  // namespace

GzipSource::GzipSource(std::unique_ptr<ByteSource> inner, std::string what, uint32_t run_size) :
    inner_(std::move(inner)),
    what_(std::move(what)),
    state_(std::make_unique<inflate_state>()),
    run_size_(run_size),
    out_(std::make_unique_for_overwrite<std::byte[]>(run_size)) {
    isal_inflate_init(state_.get());
}

std::span<const std::byte> GzipSource::next() {
    if (done_) return {};
    state_->next_out = reinterpret_cast<uint8_t*>(out_.get());
    state_->avail_out = run_size_;
    while (state_->avail_out > 0) {
        if (!in_member_ && !start_member()) {
            // The layers below check the digest of everything, junk included.
            while (refill()) rest_ = {};
            done_ = true;
            break;
        }
        inflate_some();
        if (state_->block_state == ISAL_BLOCK_FINISH) in_member_ = false;
    }
    return {out_.get(), run_size_ - state_->avail_out};
}

bool GzipSource::refill() {
    if (rest_.empty() && !inner_ended_) {
        rest_ = inner_->next();
        inner_ended_ = rest_.empty();
    }
    return !rest_.empty();
}

std::optional<uint8_t> GzipSource::take_byte() {
    if (!refill()) return std::nullopt;
    const auto byte = std::to_integer<uint8_t>(rest_.front());
    rest_ = rest_.subspan(1);
    return byte;
}

bool GzipSource::start_member() {
    for (const uint8_t expected : magic) {
        if (take_byte() != expected) return false;
    }
    skip_header();
    isal_inflate_reset(state_.get());
    // The library's own header reader forgets the flags between calls, when a header is spread over several runs.
    state_->crc_flag = ISAL_GZIP_NO_HDR_VER;
    in_member_ = true;
    return true;
}

uint8_t GzipSource::header_byte() {
    const std::optional<uint8_t> byte = take_byte();
    if (!byte) throw Error(ErrorKind::integrity, fmt::format("{} is damaged: gzip: ends early", what_));
    return *byte;
}

// RFC 1952, 2.3, after the magic bytes. Nothing in a header matters to the contents.
void GzipSource::skip_header() {
    enum : uint8_t { header_crc = 2, extra = 4, name = 8, comment = 16, reserved = 0xe0 };
    constexpr uint8_t deflate = 8;
    const uint8_t method = header_byte();
    const uint8_t flags = header_byte();
    if (method != deflate || (flags & reserved) != 0) {
        throw Error(ErrorKind::integrity, fmt::format("{} is damaged: gzip: unknown method or flags", what_));
    }
    constexpr int time_system_and_level = 6;
    for (int i = 0; i < time_system_and_level; ++i) header_byte();
    if ((flags & extra) != 0) {
        int length = header_byte();
        length += header_byte() << 8;
        for (int i = 0; i < length; ++i) header_byte();
    }
    for (const uint8_t text : {name, comment}) {
        while ((flags & text) != 0 && header_byte() != 0) {
        }
    }
    for (int i = 0; (flags & header_crc) != 0 && i < 2; ++i) header_byte();
}

void GzipSource::inflate_some() {
    refill();
    constexpr size_t most = 1U << 30;
    const auto given = static_cast<uint32_t>(std::min(rest_.size(), most));
    // The library's pointer is not const, but it does not write to its input.
    state_->next_in = reinterpret_cast<uint8_t*>(const_cast<std::byte*>(rest_.data()));
    state_->avail_in = given;
    const uint32_t room = state_->avail_out;
    const int code = isal_inflate(state_.get());
    if (code < 0) throw Error(ErrorKind::integrity, fmt::format("{} is damaged: gzip: {}", what_, reason(code)));
    const uint32_t used = given - state_->avail_in;
    rest_ = rest_.subspan(used);
    if (used == 0 && state_->avail_out == room && state_->block_state != ISAL_BLOCK_FINISH) {
        throw Error(ErrorKind::integrity, fmt::format("{} is damaged: gzip: ends early", what_));
    }
}

}  // namespace gbuild::layer
