#include "tar_input.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "gbuild/base/error.h"

namespace gbuild::layer {

TarInput::TarInput(std::unique_ptr<ByteSource> source, std::string what, std::optional<Digest> expected) :
    source_(std::move(source)), what_(std::move(what)), expected_(std::move(expected)) {
    if (expected_) hasher_.emplace(expected_->algorithm());
}

bool TarInput::refill() {
    if (!rest_.empty()) return true;
    rest_ = source_->next();
    if (hasher_) hasher_->update(rest_);
    return !rest_.empty();
}

std::span<const std::byte> TarInput::take(uint64_t most, std::string_view inside) {
    if (!refill()) {
        throw Error(ErrorKind::integrity, fmt::format("{} ends in the middle of {}", what_, inside));
    }
    const auto run = rest_.first(static_cast<size_t>(std::min<uint64_t>(most, rest_.size())));
    rest_ = rest_.subspan(run.size());
    position_ += run.size();
    return run;
}

void TarInput::read(std::span<std::byte> out, std::string_view inside) {
    while (!out.empty()) {
        const std::span<const std::byte> run = take(out.size(), inside);
        std::memcpy(out.data(), run.data(), run.size());
        out = out.subspan(run.size());
    }
}

void TarInput::skip(uint64_t count, std::string_view inside) {
    while (count > 0) count -= take(count, inside).size();
}

bool TarInput::at_end() { return !refill(); }

void TarInput::finish() {
    while (refill()) {
        position_ += rest_.size();
        rest_ = {};
    }
    if (!hasher_) return;
    const std::string actual = hasher_->finish_hex();
    if (actual != expected_->hex()) {
        throw Error(ErrorKind::integrity, fmt::format("{} does not have the diffID {} that the image's configuration "
                                                      "gives: its digest is {}",
                                                      what_, expected_->text(), actual));
    }
}

}  // namespace gbuild::layer
