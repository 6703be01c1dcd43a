#include "body.h"

#include <algorithm>

#include <fmt/format.h>

#include "gbuild/base/fd.h"

namespace gbuild::serve {

MultipartBody::MultipartBody(int fd, uint64_t size, const std::vector<ByteRange>& ranges, std::string boundary) :
    fd_(fd), boundary_(std::move(boundary)) {
    for (const ByteRange& range : ranges) {
        add({0,
             fmt::format("{}--{}\r\nContent-Type: application/octet-stream\r\nContent-Range: bytes {}-{}/{}\r\n\r\n",
                         pieces_.empty() ? "" : "\r\n", boundary_, range.first, range.last, size),
             {}});
        add({0, "", range});
    }
    add({0, fmt::format("\r\n--{}--\r\n", boundary_), {}});
}

void MultipartBody::add(Piece piece) {
    piece.start = size_;
    size_ += piece.size();
    pieces_.push_back(std::move(piece));
}

size_t MultipartBody::read(uint64_t position, std::span<std::byte> buffer) const {
    if (position >= size_) return 0;
    // The last that starts at or before the position.
    auto piece = std::upper_bound(pieces_.begin(), pieces_.end(), position,
                                  [](uint64_t wanted, const Piece& one) { return wanted < one.start; });
    --piece;
    const uint64_t inside = position - piece->start;
    const auto count = static_cast<size_t>(std::min<uint64_t>(piece->size() - inside, buffer.size()));
    if (piece->text.empty()) {
        pread_exact(fd_, buffer.first(count), piece->range.first + inside, "the served file");
    } else {
        const auto text = as_bytes(piece->text).subspan(static_cast<size_t>(inside), count);
        std::copy(text.begin(), text.end(), buffer.begin());
    }
    return count;
}

}  // namespace gbuild::serve
