#include "blob_download.h"

#include <algorithm>

#include <fmt/format.h>

#include "content_encoding.h"
#include "gbuild/base/text.h"

namespace gbuild::registry {

namespace {

// A transfer that broke after this much is a new one as far as giving up is concerned. Large enough that a server
// cannot keep us busy with crumbs.
constexpr uint64_t real_progress = 1u << 20;

struct ContentRange {
    uint64_t first;
    std::optional<uint64_t> total;
};

// "bytes 100-199/200", "bytes 100-199/*" (RFC 9110, 14.4).
std::optional<ContentRange> parse_content_range(std::string_view value) {
    value = trim(value);
    size_t dash = value.find('-'), slash = value.find('/');
    if (!to_lower(value.substr(0, 6)).starts_with("bytes ") || dash == std::string_view::npos ||
        slash == std::string_view::npos || slash < dash) {
        return std::nullopt;
    }
    auto first = parse_decimal(trim(value.substr(6, dash - 6)));
    auto last = parse_decimal(value.substr(dash + 1, slash - dash - 1));
    auto total = parse_decimal(value.substr(slash + 1));
    if (!first || !last || *last < *first || (!total && value.substr(slash + 1) != "*")) return std::nullopt;
    return ContentRange{*first, total};
}

}  // namespace

void BlobDownload::run(const Get& get, Retrier& retrier) {
    retrier.run([&] {
        uint64_t before = sink_.received();
        try {
            attempt(get);
        } catch (const TransientError&) {
            if (sink_.received() >= before + real_progress) retrier.progressed();
            throw;
        }
    });
}

void BlobDownload::attempt(const Get& get) {
    if (sink_.received() > blob_.size) sink_.restart();
    if (sink_.received() == blob_.size) return;
    asked_from_ = use_ranges_ ? sink_.received() : 0;
    std::vector<std::string> headers;
    if (asked_from_ > 0) headers.push_back(fmt::format("Range: bytes={}-", asked_from_));
    Response response = get(std::move(headers), *this);
    if (response.status == 416 && asked_from_ > 0) {
        use_ranges_ = false;
        throw TransientError(ErrorKind::network,
                             fmt::format("{} cannot resume {}", response.url.authority(), subject_.what));
    }
    if (!response.ok()) throw_status(response, subject_);
    if (sink_.received() < blob_.size) {
        if (!content_encoding(response).empty()) throw_unasked_encoding(response, subject_.what);
        throw TransientError(ErrorKind::network,
                             fmt::format("{} sent only {} of the {} bytes of {}", response.url.authority(),
                                         sink_.received(), blob_.size, subject_.what));
    }
}

void BlobDownload::start(const Response& response) {
    skip_ = sink_.received();
    check_encoding(response);
    if (response.status == 206 && asked_from_ > 0) {
        check_range(response);
    } else if (response.status != 200) {
        throw Error(ErrorKind::network, fmt::format("{} answered with status {} when asked for {}",
                                                    response.url.authority(), response.status, subject_.what));
    }
}

// The name of a coding alone means nothing: storage calls a blob gzip that is compressed itself, and sends it as it is.
void BlobDownload::check_encoding(const Response& response) const {
    if (content_encoding(response).empty()) return;
    auto length = parse_decimal(response.headers.find("content-length").value_or(""));
    uint64_t expected = response.status == 206 ? blob_.size - std::min(asked_from_, blob_.size) : blob_.size;
    if (length && *length != expected) throw_unasked_encoding(response, subject_.what);
}

void BlobDownload::check_range(const Response& response) {
    auto range = parse_content_range(response.headers.find("content-range").value_or(""));
    if (range && range->first == asked_from_ && range->total.value_or(blob_.size) == blob_.size) {
        skip_ = 0;
        return;
    }
    use_ranges_ = false;
    throw TransientError(ErrorKind::network, fmt::format("{} sent another range of {} than it was asked for",
                                                         response.url.authority(), subject_.what));
}

void BlobDownload::write(std::span<const std::byte> bytes) {
    size_t skipped = std::min<uint64_t>(skip_, bytes.size());
    skip_ -= skipped;
    bytes = bytes.subspan(skipped);
    if (bytes.empty()) return;
    if (bytes.size() > blob_.size - sink_.received()) {
        throw Error(ErrorKind::integrity,
                    fmt::format("{} is larger than the {} bytes that its manifest says", subject_.what, blob_.size));
    }
    sink_.append(bytes);
}

}  // namespace gbuild::registry
