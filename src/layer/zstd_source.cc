#include "zstd_source.h"

#include <fmt/format.h>
#include <zstd_errors.h>

#include "gbuild/base/error.h"

namespace gbuild::layer {
namespace {

constexpr size_t run_size = size_t{512} * 1024;
// 128 MiB: what `zstd -d` accepts without being told otherwise.
constexpr int max_window_log = 27;

}  // namespace

ZstdSource::ZstdSource(std::unique_ptr<ByteSource> inner, std::string what) :
    inner_(std::move(inner)),
    what_(std::move(what)),
    context_(ZSTD_createDCtx()),
    out_(std::make_unique_for_overwrite<std::byte[]>(run_size)) {
    if (!context_) throw std::bad_alloc();
    ZSTD_DCtx_setParameter(context_.get(), ZSTD_d_windowLogMax, max_window_log);
}

std::span<const std::byte> ZstdSource::next() {
    ZSTD_outBuffer out{out_.get(), run_size, 0};
    while (out.pos < out.size) {
        if (rest_.empty() && !flushing_) {
            rest_ = inner_->next();
            if (rest_.empty()) {
                if (wanted_ != 0) {
                    throw Error(ErrorKind::integrity, fmt::format("{} is damaged: zstd: ends early", what_));
                }
                break;
            }
        }
        ZSTD_inBuffer in{rest_.data(), rest_.size(), 0};
        const size_t before = out.pos;
        wanted_ = ZSTD_decompressStream(context_.get(), &out, &in);
        if (ZSTD_isError(wanted_)) {
            const bool window = ZSTD_getErrorCode(wanted_) == ZSTD_error_frameParameter_windowTooLarge;
            throw Error(window ? ErrorKind::limit : ErrorKind::integrity,
                        fmt::format("{} cannot be decompressed: zstd: {}", what_, ZSTD_getErrorName(wanted_)));
        }
        rest_ = rest_.subspan(in.pos);
        // Output may still be inside the library although all input is consumed: only a full buffer hides it.
        flushing_ = rest_.empty() && wanted_ != 0 && out.pos == out.size && out.pos != before;
    }
    return {out_.get(), out.pos};
}

}  // namespace gbuild::layer
