// Sparse files in tar: the old GNU format and GNU's PAX formats 0.0, 0.1 and 1.0 (GNU tar's manual, "Storing Sparse
// Files").
#pragma once

#include <cstdint>
#include <vector>

#include "pax.h"
#include "tar_header.h"
#include "tar_input.h"

namespace gbuild::layer {

// Bytes [offset, offset + length) of the file are stored; everything between the extents is a hole.
struct Extent {
    uint64_t offset = 0;
    uint64_t length = 0;
};

struct SparseFile {
    uint64_t size = 0;    // of the file, holes included
    uint64_t stored = 0;  // bytes of contents that follow in the stream
    std::vector<Extent> extents;
};

// Format 'S': the map is in the header and in blocks that follow it, which are read.
SparseFile read_gnu_sparse(const TarBlock& header, uint64_t stored, TarInput& input);

// nullopt when the records describe no sparse file. Format 1.0 has its map before the contents: it is read.
std::optional<SparseFile> read_pax_sparse(const PaxRecords& records, uint64_t stored, TarInput& input);

}  // namespace gbuild::layer
