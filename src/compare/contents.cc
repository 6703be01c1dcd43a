#include "contents.h"

#include <algorithm>
#include <cstring>

#include "gbuild/base/error.h"

namespace gbuild::compare {

namespace {

using Bytes = std::span<const std::byte>;

// Both sources in runs of equal length.
class PairedRuns {
  public:
    PairedRuns(ByteSource& a, ByteSource& b, const std::stop_token& stop) : a_(a), b_(b), stop_(stop) {}

    // False when one of them has ended; longer() then tells whether the other has not.
    bool next(Bytes& a, Bytes& b) {
        if (stop_.stop_requested()) throw Error(ErrorKind::interrupted, "interrupted while comparing");
        if (rest_a_.empty()) rest_a_ = a_.next();
        if (rest_b_.empty()) rest_b_ = b_.next();
        const size_t length = std::min(rest_a_.size(), rest_b_.size());
        if (length == 0) return false;
        a = rest_a_.first(length);
        b = rest_b_.first(length);
        rest_a_ = rest_a_.subspan(length);
        rest_b_ = rest_b_.subspan(length);
        return true;
    }
    bool one_is_longer() const { return !rest_a_.empty() || !rest_b_.empty(); }
    // What is left is read, so that damage in it does not go unnoticed.
    void drain() {
        for (; !rest_a_.empty(); rest_a_ = a_.next()) {
        }
        for (; !rest_b_.empty(); rest_b_ = b_.next()) {
        }
    }

  private:
    ByteSource& a_;
    ByteSource& b_;
    const std::stop_token& stop_;
    Bytes rest_a_, rest_b_;
};

bool equal(Bytes a, Bytes b) { return std::memcmp(a.data(), b.data(), a.size()) == 0; }

size_t mismatch(Bytes a, Bytes b) {
    return static_cast<size_t>(std::mismatch(a.begin(), a.end(), b.begin()).first - a.begin());
}

class RangeCounter {
  public:
    void add(Bytes a, Bytes b) {
        if (!equal(a, b)) {
            for (size_t i = 0; i < a.size(); i++) {
                if (a[i] != b[i]) add_byte(at_ + i);
            }
        }
        at_ += a.size();
    }

    std::optional<ContentChange> finish(bool one_is_longer) && {
        if (change_.bytes == 0 && !one_is_longer) return std::nullopt;
        change_.offset = change_.bytes > 0 ? change_.first_ranges.front().offset : at_;
        return std::move(change_);
    }

  private:
    void add_byte(uint64_t offset) {
        if (change_.bytes == 0 || offset != last_ + 1) {
            change_.range_count++;
            if (change_.first_ranges.size() < ContentChange::most_ranges) change_.first_ranges.push_back({offset, 0});
        }
        if (change_.range_count == change_.first_ranges.size()) change_.first_ranges.back().length++;
        change_.bytes++;
        last_ = offset;
    }

    ContentChange change_;
    uint64_t at_ = 0;
    uint64_t last_ = 0;  // the last byte that differs
};

}  // namespace

std::optional<ContentChange> compare_contents(ByteSource& a, ByteSource& b, const std::stop_token& stop) {
    PairedRuns runs(a, b, stop);
    RangeCounter counter;
    Bytes run_a, run_b;
    while (runs.next(run_a, run_b)) counter.add(run_a, run_b);
    const bool one_is_longer = runs.one_is_longer();
    runs.drain();
    return std::move(counter).finish(one_is_longer);
}

std::optional<uint64_t> first_difference(ByteSource& a, ByteSource& b, const std::stop_token& stop) {
    PairedRuns runs(a, b, stop);
    uint64_t at = 0;
    Bytes run_a, run_b;
    for (; runs.next(run_a, run_b); at += run_a.size()) {
        if (!equal(run_a, run_b)) return at + mismatch(run_a, run_b);
    }
    return runs.one_is_longer() ? std::optional(at) : std::nullopt;
}

}  // namespace gbuild::compare
