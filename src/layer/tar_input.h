// The bytes of a tar stream: exact reads, skips, and the digest of everything that went by.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "gbuild/base/byte_source.h"
#include "gbuild/base/digest.h"

namespace gbuild::layer {

class TarInput {
  public:
    TarInput(std::unique_ptr<ByteSource> source, std::string what, std::optional<Digest> expected);

    // Fills `out`; a stream that ends before is an integrity error that says it ended in the middle of `inside`.
    void read(std::span<std::byte> out, std::string_view inside);
    void skip(uint64_t count, std::string_view inside);
    bool at_end();
    // Reads to the end and checks the digest.
    void finish();

    uint64_t position() const { return position_; }
    const std::string& what() const { return what_; }

  private:
    // False at the end of the source.
    bool refill();
    std::span<const std::byte> take(uint64_t most, std::string_view inside);

    std::unique_ptr<ByteSource> source_;
    std::string what_;
    std::optional<Digest> expected_;
    std::optional<Hasher> hasher_;
    std::span<const std::byte> rest_;
    uint64_t position_ = 0;
};

}  // namespace gbuild::layer
