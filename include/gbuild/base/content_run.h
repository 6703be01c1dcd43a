// Pieces of a file's contents: bytes, or zeros that nobody has to hold.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "gbuild/base/byte_source.h"

namespace gbuild {

struct ContentRun {
    std::span<const std::byte> bytes;
    uint64_t zeros = 0;  // in place of `bytes`

    ContentRun() = default;
    // NOLINTNEXTLINE(google-explicit-constructor): bytes are contents
    ContentRun(std::span<const std::byte> run) : bytes(run) {}
    static ContentRun hole(uint64_t length) {
        ContentRun run;
        run.zeros = length;
        return run;
    }
    uint64_t size() const { return bytes.size() + zeros; }
    bool empty() const { return size() == 0; }
    // Takes away what comes first, `most` bytes or less.
    ContentRun take(uint64_t most);
};

using TakeRun = std::function<void(const ContentRun&)>;

// For whoever wants every byte: passes the run on, zeros in pieces.
void pass_bytes(const ContentRun& run, const std::function<void(std::span<const std::byte>)>& take);
// Zeros, as many as are asked for, but no more than there are at hand: 64 KiB.
std::span<const std::byte> zero_bytes(uint64_t most);
// Whether there is nothing else in `bytes`, which are not empty.
bool all_zero(std::span<const std::byte> bytes);

class RunSource {
  public:
    virtual ~RunSource() = default;
    // The next run; empty at the end, and from then on. Valid until the next call.
    virtual ContentRun next() = 0;
};

// Bytes as runs.
class ByteRuns : public RunSource {
  public:
    // The source must outlive it.
    explicit ByteRuns(ByteSource& source) : source_(source) {}
    ContentRun next() override { return source_.next(); }

  private:
    ByteSource& source_;
};

}  // namespace gbuild
