// Zstandard (RFC 8878) frames, skippable ones included.
#pragma once

#include <zstd.h>

#include <memory>
#include <string>

#include "gbuild/base/byte_source.h"

namespace gbuild::layer {

class ZstdSource : public ByteSource {
  public:
    ZstdSource(std::unique_ptr<ByteSource> inner, std::string what);
    std::span<const std::byte> next() override;

  private:
    struct Free {
        void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
    };

    std::unique_ptr<ByteSource> inner_;
    std::string what_;
    std::unique_ptr<ZSTD_DCtx, Free> context_;
    std::unique_ptr<std::byte[]> out_;
    std::span<const std::byte> rest_;
    size_t wanted_ = 0;  // what the last call said: 0 at the end of a frame
    bool flushing_ = false;
};

}  // namespace gbuild::layer
