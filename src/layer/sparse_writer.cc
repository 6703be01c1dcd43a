#include "sparse_writer.h"

#include <algorithm>

namespace gbuild::layer {
namespace {

constexpr size_t hole_size = 4096;

enum class Zeros { no, yes };

// How many bytes at the front are in pieces of zeros only, or of anything else.
size_t leading_run(std::span<const std::byte> bytes, Zeros zeros) {
    size_t length = 0;
    while (length < bytes.size()) {
        const auto piece = bytes.subspan(length, std::min(hole_size, bytes.size() - length));
        if (all_zero(piece) != (zeros == Zeros::yes)) break;
        length += piece.size();
    }
    return length;
}

}  // namespace

void SparseWriter::write(const ContentRun& run) {
    write_bytes(run.bytes);
    at_ += run.zeros;
}

void SparseWriter::write_bytes(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
        const size_t hole = leading_run(bytes, Zeros::yes);
        const size_t data = leading_run(bytes.subspan(hole), Zeros::no);
        if (data > 0) {
            pwrite_all(fd_, bytes.subspan(hole, data), at_ + hole);
            end_of_data_ = at_ + hole + data;
        }
        at_ += hole + data;
        bytes = bytes.subspan(hole + data);
    }
}

}  // namespace gbuild::layer
