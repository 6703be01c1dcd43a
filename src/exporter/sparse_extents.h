// Which parts of a sparse file a tar archive stores.
#pragma once

#include <vector>

#include "gbuild/exporter/tar_writer.h"
#include "gbuild/pack/pack.h"

namespace gbuild::exporter {

// In order, apart from each other; never empty for a file to be stored sparsely, which begins with one of no length
// when it begins with a hole. Empty for a file whose holes come to less than a gibibyte: every reader of tar archives
// takes what is written out. At most 16,384: smaller holes are written out when there are more.
std::vector<TarWriter::Extent> sparse_extents(const pack::PackedFile& file, uint32_t block_size);

}  // namespace gbuild::exporter
