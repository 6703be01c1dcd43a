// Digests of files, in time by their data.
#pragma once

#include <cstdint>
#include <span>

#include "gbuild/base/digest.h"

namespace gbuild::build {

// A file's SHA-256 as long as it has no pieces of zeros (64 KiB, counted from its beginning; the last may be shorter).
// Of one that has some, a digest of where these are and of what the others hold, so that they need not be read. It does
// not depend on which zeros are in holes.
class ContentHasher {
  public:
    void update(std::span<const std::byte> bytes);
    void zeros(uint64_t count);
    // Afterwards the object starts afresh.
    Sha256Sum finish();

  private:
    void settle_zeros(uint64_t end);
    void update_with_zeros(uint64_t count);

    Hasher data_{HashAlgorithm::sha256};
    // Another function, so that no file has the sum of one with holes by having the right contents.
    Hasher holes_{HashAlgorithm::sha512};
    bool has_holes_ = false;
    uint64_t size_ = 0;     // taken so far
    uint64_t pending_ = 0;  // zeros at the end of that, in neither of the two
};

struct ContentSum {
    uint64_t size = 0;
    Sha256Sum sum{};              // of ContentHasher
    bool has_capability = false;  // the file on disk, which COPY does not take over
};

// Of an open file. Throws io.
ContentSum sum_file(int fd);

}  // namespace gbuild::build
