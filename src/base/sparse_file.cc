#include "gbuild/base/sparse_file.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "gbuild/base/error.h"
#include "gbuild/base/fd.h"

namespace gbuild {

// To ask about a smaller file takes longer than to read it.
constexpr uint64_t smallest_with_holes = uint64_t{64} * 1024;

SparseFile::SparseFile(int fd) : fd_(fd), knows_holes_(file_size(fd) >= smallest_with_holes) {}

uint64_t SparseFile::zeros() {
    if (!knows_holes_) return 0;
    if (at_ >= known_end_) look();
    return in_hole_ ? known_end_ - at_ : 0;
}

void SparseFile::look() {
    in_hole_ = false;
    const off_t data = ::lseek(fd_, static_cast<off_t>(at_), SEEK_DATA);
    if (data < 0 && errno != ENXIO) {
        if (errno != EINVAL && errno != EOPNOTSUPP) throw_errno("cannot look for holes");
        knows_holes_ = false;
        return;
    }
    // No data follow: what is left of the file, as long as it is by now, is a hole.
    const uint64_t hole_end = data < 0 ? std::max(file_size(fd_), at_) : static_cast<uint64_t>(data);
    if (hole_end > at_ || data < 0) {
        in_hole_ = true;
        known_end_ = hole_end;
        return;
    }
    const off_t hole = ::lseek(fd_, static_cast<off_t>(at_), SEEK_HOLE);
    knows_holes_ = hole > data;
    known_end_ = static_cast<uint64_t>(std::max<off_t>(hole, data));
}

size_t SparseFile::read(std::span<std::byte> out) {
    const size_t got = pread_full(fd_, out, at_);
    at_ += got;
    return got;
}

bool SparseFile::at_end() {
    std::byte one;
    return pread_full(fd_, std::span(&one, 1), at_) == 0;
}

}  // namespace gbuild
