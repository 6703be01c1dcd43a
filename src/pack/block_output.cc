#include "block_output.h"

#include <libdeflate.h>

#include <algorithm>
#include <array>

#include "gbuild/base/fd.h"
#include "pack_format.h"

namespace gbuild::pack {
namespace {

constexpr size_t buffer_size = 1 << 20;

}  // namespace

BlockOutput::BlockOutput(int fd) : fd_(fd) {
    buffer_.reserve(buffer_size);
    append(std::array<std::byte, pack_data_start>{});
}

void BlockOutput::write(const BlockJob& job) {
    if (job.kind == BlockJob::Kind::copy_head) return copy_head(job);
    const uint64_t at = position_;
    const uint32_t size = job.disk_size();
    append(job.disk());
    if (job.kind == BlockJob::Kind::fragment) {
        fragments_.push_back({at, size, job.size});
        return;
    }
    BlockList& list = *job.list;
    if (list.start == 0) list.start = at;
    list.sizes.resize(job.index);  // holes since the last block
    list.sizes.add(size);
}

// The list begins like another one, whose blocks are in the file by now.
void BlockOutput::copy_head(const BlockJob& job) {
    BlockList& list = *job.list;
    list.sizes = job.source->sizes;
    list.sizes.resize(job.index);
    uint64_t length = 0;
    for (uint32_t size : list.sizes.entries()) length += disk_bytes(size);
    if (length == 0) return;
    flush();
    list.start = position_;
    std::vector<std::byte> run(static_cast<size_t>(std::min<uint64_t>(length, buffer_size)));
    for (uint64_t done = 0; done < length; done += run.size()) {
        run.resize(static_cast<size_t>(std::min<uint64_t>(run.size(), length - done)));
        pread_exact(fd_, run, job.source->start + done, "the pack being written");
        append(run);
    }
}

void BlockOutput::append(std::span<const std::byte> bytes) {
    if (buffer_.size() + bytes.size() > buffer_size) flush();
    add_to_sums(bytes);
    position_ += bytes.size();
    if (bytes.size() > buffer_size) return pwrite_all(fd_, bytes, position_ - bytes.size());
    buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
}

// `bytes` go to position_.
void BlockOutput::add_to_sums(std::span<const std::byte> bytes) {
    for (uint64_t at = position_; !bytes.empty();) {
        const uint64_t left = pack_region_size - at % pack_region_size;
        const auto part = bytes.first(static_cast<size_t>(std::min<uint64_t>(left, bytes.size())));
        if (left == pack_region_size) region_sums_.push_back(0);
        region_sums_.back() = libdeflate_crc32(region_sums_.back(), part.data(), part.size());
        at += part.size();
        bytes = bytes.subspan(part.size());
    }
}

void BlockOutput::flush() {
    pwrite_all(fd_, buffer_, position_ - buffer_.size());
    buffer_.clear();
}

}  // namespace gbuild::pack
