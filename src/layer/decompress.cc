#include <fmt/format.h>

#include <array>

#include "compression.h"
#include "filter_source.h"
#include "gbuild/base/error.h"
#include "gbuild/base/text.h"
#include "gbuild/layer/tar_stream.h"
#include "gzip_source.h"
#include "zstd_source.h"

namespace gbuild::layer {
namespace {

using namespace std::string_view_literals;

// A few bytes can stand for any number of them: the end is a cap on what comes out.
class CappedSource : public ByteSource {
  public:
    CappedSource(std::unique_ptr<ByteSource> inner, std::string what, uint64_t cap) :
        inner_(std::move(inner)), what_(std::move(what)), left_(cap), cap_(cap) {}

    std::span<const std::byte> next() override {
        const std::span<const std::byte> run = inner_->next();
        if (run.size() > left_) {
            throw Error(ErrorKind::limit, fmt::format("{} inflates to more than {}", what_, human_size(cap_)));
        }
        left_ -= run.size();
        return run;
    }

  private:
    std::unique_ptr<ByteSource> inner_;
    std::string what_;
    uint64_t left_;
    uint64_t cap_;
};

std::unique_ptr<ByteSource> inflater(Compression compression, std::unique_ptr<ByteSource> inner,
                                     const std::string& what, uint32_t run_size) {
    switch (compression) {
    case Compression::none: return inner;
    case Compression::gzip: return std::make_unique<GzipSource>(std::move(inner), what, run_size);
    case Compression::zstd: return std::make_unique<ZstdSource>(std::move(inner), what);
    case Compression::bzip2:
    case Compression::xz: return std::make_unique<FilterSource>(std::move(inner), what);
    }
    throw Error(ErrorKind::internal, "unknown compression");
}

}  // namespace

Compression detect_compression(std::span<const std::byte> head) {
    const std::string_view text = as_text(head);
    if (text.starts_with("\x1f\x8b\x08"sv)) return Compression::gzip;
    if (text.starts_with("\x28\xb5\x2f\xfd"sv)) return Compression::zstd;
    // Skippable frames (RFC 8878, 3.1.2) have sixteen magic numbers.
    if (text.size() >= 4 && (text[0] & 0xf0) == 0x50 && text.substr(1, 3) == "\x2a\x4d\x18"sv) return Compression::zstd;
    if (text.starts_with("BZh"sv) && text.size() >= magic_size) {
        // A block, or the end of an empty stream. "BZh" alone could be a tar's first file name.
        const std::string_view block = text.substr(4, 6);
        if (block == "1AY&SY"sv || block == "\x17\x72\x45\x38\x50\x90"sv) return Compression::bzip2;
    }
    if (text.starts_with("\xfd"
                         "7zXZ\0"sv)) {
        return Compression::xz;
    }
    return Compression::none;
}

PeekedSource::PeekedSource(std::unique_ptr<ByteSource> inner, size_t count) : inner_(std::move(inner)) {
    while (head_.size() < count) {
        const std::span<const std::byte> run = inner_->next();
        if (run.empty()) break;
        head_.insert(head_.end(), run.begin(), run.end());
    }
}

std::span<const std::byte> PeekedSource::next() {
    if (!head_given_) {
        head_given_ = true;
        if (!head_.empty()) return head_;
    }
    return inner_->next();
}

std::unique_ptr<ByteSource> decompress_with(Filters filters, std::unique_ptr<ByteSource> inner, std::string what,
                                            uint64_t max_size, uint32_t run_size) {
    auto peeked = std::make_unique<PeekedSource>(std::move(inner), magic_size);
    Compression compression = detect_compression(peeked->head());
    const bool for_archives = compression == Compression::bzip2 || compression == Compression::xz;
    if (for_archives && filters == Filters::layer) compression = Compression::none;
    auto inflated = inflater(compression, std::move(peeked), what, run_size);
    return std::make_unique<CappedSource>(std::move(inflated), std::move(what), max_size);
}

std::unique_ptr<ByteSource> decompress(std::unique_ptr<ByteSource> inner, std::string what, uint64_t max_size) {
    return decompress_with(Filters::layer, std::move(inner), std::move(what), max_size);
}

std::unique_ptr<ByteSource> decompress_archive(std::unique_ptr<ByteSource> inner, std::string what, uint64_t max_size) {
    return decompress_with(Filters::archive, std::move(inner), std::move(what), max_size);
}

}  // namespace gbuild::layer
