#include "gbuild/pack/image_writer.h"

#include <algorithm>

#include "census.h"
#include "data_layout.h"
#include "following_hash.h"
#include "gbuild/base/error.h"
#include "metadata_writer.h"
#include "pack_data.h"
#include "pack_format.h"
#include "repack.h"
#include "trailer.h"

namespace gbuild::pack {
namespace {

// squashfs is padded so that a loop or virtio device can hold it; the kernel rounds devices down to this.
constexpr uint64_t device_block = 4096;

uint64_t padded(uint64_t size) { return (size + device_block - 1) / device_block * device_block; }

void check_stop(const std::stop_token& stop) {
    if (stop.stop_requested()) throw Error(ErrorKind::interrupted, "interrupted while writing the image");
}

uint64_t end_of(std::span<const Fragment> fragments, uint64_t otherwise) {
    if (fragments.empty()) return otherwise;
    return fragments.back().position + disk_bytes(fragments.back().size);
}

// By hand and not with copy_file_range(2), which would not show us the bytes to check; it is no faster (measured).
// `written` is told now and then how far the copy is.
void copy_blocks(const PackSet& packs, const DataLayout& layout, int fd,
                 const std::function<void(uint64_t position)>& written) {
    constexpr uint64_t step = 8 << 20;
    const Pack* pack = nullptr;
    std::optional<PackData> data;
    uint64_t told = 0;
    for (const CopyRun& run : layout.copies()) {
        if (pack != &packs.at(run.pack)) {
            pack = &packs.at(run.pack);
            data.emplace(*pack);
        }
        for (uint64_t done = 0; done < run.length;) {
            const std::span<const std::byte> bytes = data->run(run.from + done, run.length - done);
            pwrite_all(fd, bytes, run.to + done);
            done += bytes.size();
            if (run.to + done - told < step) continue;
            told = run.to + done;
            written(told);
        }
    }
}

// Copies the blocks; everything else of the file is in `tables` or written already. Returns the file's hash.
std::string copy_and_hash(const PackSet& packs, const DataLayout& layout, ImageTables& tables, uint64_t data_end,
                          const WriteImageJob& job, int fd) {
    const std::string trailer = encode_trailer(job.trailer_json);
    const uint64_t tail_size = padded(tables.bytes_used) - data_end + trailer.size();
    tables.tables.resize(padded(tables.bytes_used) - data_end);
    const std::span<const std::byte> trailer_bytes = as_bytes(trailer);
    tables.tables.insert(tables.tables.end(), trailer_bytes.begin(), trailer_bytes.end());

    const uint64_t total = data_end + tail_size;
    FollowingHash hash(fd, total, job.watch ? job.watch(total) : nullptr);
    const auto report = [&](uint64_t hashed) {
        check_stop(job.stop);
        if (job.progress) job.progress(hashed, total);
    };
    pwrite_all(fd, tables.head, 0);
    copy_blocks(packs, layout, fd, [&](uint64_t position) {
        hash.written(position);
        report(hash.hashed());
    });
    pwrite_all(fd, tables.tables, data_end);
    hash.written(total);
    return hash.finish(report);
}

}  // namespace

ImageSummary write_image(const tree::Tree& tree, const PackSet& packs, const WriteImageJob& job, int fd) {
    // Who is in the image, and whether squashfs can hold it.
    Census census(tree);
    // Which blocks that takes, and where they go.
    const uint64_t data_start = image_data_start(packs.options());
    const DataLayout layout(packs, census.contents(), data_start);
    // What cannot be copied as it is comes behind what can.
    const std::vector<Fragment> new_fragments =
        repack_tails(packs, layout.moves(), std::max(job.threads, 1u), job.stop, fd, layout.copied_end());
    const uint64_t data_end = end_of(new_fragments, layout.copied_end());
    // With all positions known: the tables, in memory, since the superblock comes first in the file and in its hash.
    ImageTables tables = write_tables({tree, census, packs, layout, new_fragments, data_end, job.superblock_time});
    check_stop(job.stop);

    ImageSummary summary;
    summary.sha3 = copy_and_hash(packs, layout, tables, data_end, job, fd);
    summary.file_size = file_size(fd);
    summary.bytes_used = tables.bytes_used;
    summary.inode_count = census.inode_count();
    summary.dropped_xattrs = census.dropped_xattrs();
    return summary;
}

}  // namespace gbuild::pack
