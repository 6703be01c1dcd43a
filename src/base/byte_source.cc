#include "gbuild/base/byte_source.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include <fmt/format.h>

#include "gbuild/base/error.h"

namespace gbuild {

FileSource::FileSource(UniqueFd fd, size_t buffer_size) :
    fd_(std::move(fd)), buffer_(std::make_unique<std::byte[]>(buffer_size)), size_(buffer_size) {}

std::span<const std::byte> FileSource::next() {
    for (;;) {
        ssize_t n = ::read(fd_.get(), buffer_.get(), size_);
        if (n >= 0) return {buffer_.get(), static_cast<size_t>(n)};
        if (errno != EINTR) throw_errno("cannot read");
    }
}

std::span<const std::byte> MemorySource::next() {
    auto run = rest_.first(std::min(rest_.size(), run_));
    rest_ = rest_.subspan(run.size());
    return run;
}

VerifyingSource::VerifyingSource(std::unique_ptr<ByteSource> inner, Digest expected, std::optional<uint64_t> size,
                                 std::string what) :
    inner_(std::move(inner)),
    expected_(std::move(expected)),
    size_(size),
    what_(std::move(what)),
    hasher_(expected_.algorithm()) {}

std::span<const std::byte> VerifyingSource::next() {
    if (done_) return {};
    auto run = inner_->next();
    if (!run.empty()) {
        seen_ += run.size();
        if (size_ && seen_ > *size_) {
            throw Error(ErrorKind::integrity,
                        fmt::format("{} is longer than the {} bytes it should have", what_, *size_));
        }
        hasher_.update(run);
        return run;
    }
    done_ = true;
    if (size_ && seen_ != *size_) {
        throw Error(ErrorKind::integrity, fmt::format("{} has {} bytes instead of {}", what_, seen_, *size_));
    }
    std::string hex = hasher_.finish_hex();
    if (hex != expected_.hex()) {
        throw Error(ErrorKind::integrity,
                    fmt::format("{} has digest {}… instead of {}…", what_, hex.substr(0, 12), expected_.short_hex()));
    }
    return {};
}

}  // namespace gbuild
