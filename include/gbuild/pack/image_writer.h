// Assembling an image: a merged tree and the packs its contents are in become one squashfs, with a trailer.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <stop_token>
#include <string>

#include "gbuild/pack/pack.h"
#include "gbuild/tree/tree.h"

namespace gbuild::pack {

struct WriteImageJob {
    int64_t superblock_time = 0;  // seconds; clamped to u32
    std::string trailer_json;     // the .gvmi trailer's JSON
    unsigned threads = 1;
    std::function<void(uint64_t done, uint64_t total)> progress;  // may be empty
    // Told the file's size once that is known; what it returns gets all bytes of the file, in order, from a thread of
    // the writer's. May be empty.
    std::function<std::function<void(std::span<const std::byte>)>(uint64_t size)> watch;
    std::stop_token stop;
};

struct ImageSummary {
    uint64_t file_size = 0;   // squashfs, padding and trailer
    uint64_t bytes_used = 0;  // the squashfs alone
    uint32_t inode_count = 0;
    std::string sha3;                         // SHA3-224 of the whole file, 56 hex digits
    std::vector<std::string> dropped_xattrs;  // "path: system.posix_acl_access": squashfs cannot hold them
};

// Writes squashfs ‖ padding to 4096 ‖ trailer to `fd` (open for reading and writing, empty). Compressed blocks are
// copied, never compressed again, except fragment blocks of which a part is dead: their live tails are repacked, so
// that no byte of a file that is not in the image gets into it. The bytes are a pure function of the tree, the contents
// and the packing options. Throws io, no_space, limit (more than 65,535 distinct ids, name longer than 256 bytes, …).
ImageSummary write_image(const tree::Tree& tree, const PackSet& packs, const WriteImageJob& job, int fd);

}  // namespace gbuild::pack
