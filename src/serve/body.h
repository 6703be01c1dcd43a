// What a response sends: pieces of a file, with text around them when there are several.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "gbuild/serve/ranges.h"

namespace gbuild::serve {

class MultipartBody {
  public:
    // multipart/byteranges of the file `fd` of `size` bytes. `fd` must outlive it.
    MultipartBody(int fd, uint64_t size, const std::vector<ByteRange>& ranges, std::string boundary);

    uint64_t size() const { return size_; }
    std::string content_type() const { return "multipart/byteranges; boundary=" + boundary_; }
    // Some bytes from `position` on; 0 at the end. Throws io, and integrity when the file has become shorter.
    size_t read(uint64_t position, std::span<std::byte> buffer) const;

  private:
    struct Piece {
        uint64_t start = 0;  // in the body
        std::string text;    // or, when empty, the file's range
        ByteRange range;
        uint64_t size() const { return text.empty() ? range.size() : text.size(); }
    };
    void add(Piece piece);

    int fd_;
    std::string boundary_;
    std::vector<Piece> pieces_;
    uint64_t size_ = 0;
};

}  // namespace gbuild::serve
