// What the Golem registry is told of a .gvmi before its bytes: size, SHA3-224, and the SHA-256 of each chunk in which
// it will be sent.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "gbuild/base/digest.h"
#include "gbuild/golem/image_hash.h"

namespace gbuild::golem {

struct Descriptor {
    uint64_t size = 0;        // of the file
    uint64_t chunk_size = 0;  // of every chunk but the last
    std::array<std::byte, 28> sha3{};
    std::vector<Sha256Sum> chunks;

    // u64 BE magic and version, u64 BE size, u64 BE chunk size, SHA3-224, the chunks' SHA-256.
    std::string encode() const;
    // The lower-case hexadecimal SHA-256 of encode(), by which the registry knows the upload. The same file with
    // another chunk size has another.
    std::string id() const;
    ImageHash hash() const;
    uint64_t chunk_offset(size_t number) const { return number * chunk_size; }
    uint64_t chunk_length(size_t number) const;
};

// The registry keeps no image with more chunks than this.
inline constexpr uint64_t most_chunks = 1000;
// As the network's other tools choose it, so that uploads begun with one can be finished with another.
uint64_t usual_chunk_size(uint64_t file_size);

// Made from the bytes of a file as they come by.
class DescriptorBuilder {
  public:
    // Precondition: chunk_size > 0.
    explicit DescriptorBuilder(uint64_t chunk_size);
    void update(std::span<const std::byte> bytes);
    // To be called once, after the last byte.
    Descriptor finish();

  private:
    Descriptor made_;
    Hasher whole_{HashAlgorithm::sha3_224}, chunk_{HashAlgorithm::sha256};
    uint64_t in_chunk_ = 0;
    void finish_chunk();
};

// Of an open file, in one pass. `progress` gets the bytes read so far; may be empty. Throws io, interrupted; conflict
// when the file grows or shrinks meanwhile.
Descriptor describe(int fd, uint64_t chunk_size, const std::function<void(uint64_t done)>& progress,
                    const std::stop_token& stop);

}  // namespace gbuild::golem
