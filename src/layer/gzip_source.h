// Gzip (RFC 1952) inflated by ISA-L, all members, with their checksums.
#pragma once

#include <isa-l/igzip_lib.h>

#include <cstdint>
#include <memory>
#include <string>

#include "gbuild/base/byte_source.h"

namespace gbuild::layer {

class GzipSource : public ByteSource {
  public:
    // `inner` must start with a gzip header's magic bytes. Damage behind `run_size` bytes of output is not found before
    // they were given out.
    GzipSource(std::unique_ptr<ByteSource> inner, std::string what, uint32_t run_size);
    std::span<const std::byte> next() override;

  private:
    bool refill();
    std::optional<uint8_t> take_byte();
    // False when what follows is no member: the end, or junk.
    bool start_member();
    uint8_t header_byte();
    void skip_header();
    void inflate_some();

    std::unique_ptr<ByteSource> inner_;
    std::string what_;
    std::unique_ptr<inflate_state> state_;
    uint32_t run_size_;
    std::unique_ptr<std::byte[]> out_;
    std::span<const std::byte> rest_;  // of the inner run, not yet consumed
    bool in_member_ = false;
    bool inner_ended_ = false;
    bool done_ = false;
};

}  // namespace gbuild::layer
