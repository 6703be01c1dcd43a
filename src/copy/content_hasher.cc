#include "gbuild/copy/content_hasher.h"

#include <algorithm>
#include <array>
#include <memory>

#include "gbuild/base/content_run.h"
#include "gbuild/base/sparse_file.h"

namespace gbuild::build {
namespace {

constexpr uint64_t piece_size = uint64_t{64} * 1024;

std::span<const std::byte> bytes_of(const uint64_t& number) { return std::as_bytes(std::span(&number, 1)); }

}  // namespace

void ContentHasher::update(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
        const auto part = bytes.first(std::min<size_t>(bytes.size(), piece_size - size_ % piece_size));
        if (all_zero(part)) {
            zeros(part.size());
        } else {
            settle_zeros(size_ / piece_size * piece_size);
            data_.update(part);
            size_ += part.size();
        }
        bytes = bytes.subspan(part.size());
    }
}

void ContentHasher::zeros(uint64_t count) {
    pending_ += count;
    size_ += count;
}

// Of the pending zeros, those in whole pieces before `end` are a hole; the others share a piece with data.
void ContentHasher::settle_zeros(uint64_t end) {
    const uint64_t begin = size_ - pending_;
    const uint64_t first = std::min((begin + piece_size - 1) / piece_size * piece_size, size_);
    if (first < end) {
        update_with_zeros(first - begin);
        holes_.update(bytes_of(first));
        holes_.update(bytes_of(end));
        has_holes_ = true;
        update_with_zeros(size_ - end);
    } else {
        update_with_zeros(pending_);
    }
    pending_ = 0;
}

void ContentHasher::update_with_zeros(uint64_t count) {
    pass_bytes(ContentRun::hole(count), [&](std::span<const std::byte> zeros) { data_.update(zeros); });
}

Sha256Sum ContentHasher::finish() {
    settle_zeros(size_);
    Sha256Sum sum;
    data_.finish(sum);
    if (has_holes_) {
        holes_.update(bytes_of(size_));
        holes_.update(sum);
        std::array<std::byte, 64> all;
        holes_.finish(all);
        std::copy_n(all.begin(), sum.size(), sum.begin());
    }
    *this = ContentHasher();
    return sum;
}

ContentSum sum_file(int fd) {
    constexpr size_t run_size = size_t{256} * 1024;
    const auto buffer = std::make_unique<std::byte[]>(run_size);
    SparseFile file(fd);
    ContentHasher hasher;
    ContentSum result;
    for (;;) {
        const uint64_t hole = file.zeros();
        file.skip(hole);
        hasher.zeros(hole);
        const size_t got = file.read({buffer.get(), run_size});
        hasher.update({buffer.get(), got});
        result.size += hole + got;
        if (got == 0 && hole == 0) break;
    }
    result.sum = hasher.finish();
    return result;
}

}  // namespace gbuild::build
