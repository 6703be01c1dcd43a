#include "contents.h"

#include <algorithm>
#include <cstring>

#include "gbuild/base/error.h"

namespace gbuild::compare {

namespace {

using Bytes = std::span<const std::byte>;

// A piece of both, of equal length.
struct Pair {
    Bytes a, b;
    uint64_t zeros = 0;  // in both, in place of bytes
};

// Both sources in runs of equal length.
class PairedRuns {
  public:
    PairedRuns(RunSource& a, RunSource& b, const std::stop_token& stop) : a_(a), b_(b), stop_(stop) {}

    // False when one of them has ended; one_is_longer() then tells whether the other has not.
    bool next(Pair& pair) {
        if (stop_.stop_requested()) throw Error(ErrorKind::interrupted, "interrupted while comparing");
        if (rest_a_.empty()) rest_a_ = a_.next();
        if (rest_b_.empty()) rest_b_ = b_.next();
        uint64_t length = std::min(rest_a_.size(), rest_b_.size());
        if (length == 0) return false;
        pair = {};
        if (rest_a_.zeros > 0 && rest_b_.zeros > 0) {
            pair.zeros = length;
        } else {
            length = std::min<uint64_t>(length, zero_bytes(length).size());
        }
        const ContentRun a = rest_a_.take(length);
        const ContentRun b = rest_b_.take(length);
        if (pair.zeros == 0) pair = {bytes_of(a), bytes_of(b)};
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
    static Bytes bytes_of(const ContentRun& run) { return run.zeros > 0 ? zero_bytes(run.zeros) : run.bytes; }

    RunSource& a_;
    RunSource& b_;
    const std::stop_token& stop_;
    ContentRun rest_a_, rest_b_;
};

bool equal(Bytes a, Bytes b) { return a.empty() || std::memcmp(a.data(), b.data(), a.size()) == 0; }

size_t mismatch(Bytes a, Bytes b) {
    return static_cast<size_t>(std::mismatch(a.begin(), a.end(), b.begin()).first - a.begin());
}

class RangeCounter {
  public:
    void add(const Pair& pair) {
        if (!equal(pair.a, pair.b)) {
            for (size_t i = 0; i < pair.a.size(); i++) {
                if (pair.a[i] != pair.b[i]) add_byte(at_ + i);
            }
        }
        at_ += pair.a.size() + pair.zeros;
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

std::optional<ContentChange> compare_contents(RunSource& a, RunSource& b, const std::stop_token& stop) {
    PairedRuns runs(a, b, stop);
    RangeCounter counter;
    Pair pair;
    while (runs.next(pair)) counter.add(pair);
    const bool one_is_longer = runs.one_is_longer();
    runs.drain();
    return std::move(counter).finish(one_is_longer);
}

std::optional<uint64_t> first_difference(RunSource& a, RunSource& b, const std::stop_token& stop) {
    PairedRuns runs(a, b, stop);
    uint64_t at = 0;
    Pair pair;
    for (; runs.next(pair); at += pair.a.size() + pair.zeros) {
        if (!equal(pair.a, pair.b)) return at + mismatch(pair.a, pair.b);
    }
    return runs.one_is_longer() ? std::optional(at) : std::nullopt;
}

}  // namespace gbuild::compare
