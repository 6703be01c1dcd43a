#include "pack_index.h"

#include <algorithm>

namespace gbuild::pack {
namespace {

// A squashfs on-disk size with the stored bit moved to the lowest place, where it costs nothing.
uint64_t pack_size(uint32_t size) { return uint64_t{disk_bytes(size)} << 1 | ((size & stored_bit) != 0 ? 1 : 0); }

void put_sizes(BinaryWriter& out, const BlockList& list) {
    BlockSizes sizes = list.sizes;
    sizes.resize(list.count);
    for (uint32_t entry : sizes.entries()) {
        out.varint(is_hole(entry) ? 0 : pack_size(entry));
        if (is_hole(entry)) out.varint(blocks_of(entry));
    }
}

}  // namespace

void FileTable::add(const FileRecord& file) {
    out_.varint(file.size);
    if (file.size >= block_size_) out_.varint(file.list);
    if (file.size % block_size_ != 0) {
        out_.varint(file.fragment);
        out_.varint(file.fragment_offset);
    }
    out_.raw(file.digest);
    digests_.update(file.digest);
    count_++;
}

Sha256Sum FileTable::finish_sum() {
    Sha256Sum sum;
    digests_.finish(sum);
    return sum;
}

Digest contents_digest_of(std::span<const std::byte> entries, const Sha256Sum& files) {
    Hasher hasher(HashAlgorithm::sha256);
    hasher.update("gbuild layer 2\n");
    hasher.update(files);
    hasher.update(entries);
    Sha256Sum sum;
    hasher.finish(sum);
    return Digest::of_sha256(sum);
}

std::vector<std::byte> encode_index_head(const PackOptions& options, const Digest& layer, const BlockOutput& output,
                                         const std::deque<BlockList>& lists, const FileTable& files,
                                         uint64_t entry_count) {
    BinaryWriter out;
    out.text(options.key());
    out.varint(output.position());
    for (uint32_t sum : output.region_sums()) out.number(sum);
    out.text(layer.text());
    out.varint(output.fragments().size());
    for (const Fragment& fragment : output.fragments()) {
        out.varint(fragment.position);
        out.varint(fragment.length);
        out.varint(pack_size(fragment.size));
    }
    out.varint(lists.size());
    for (const BlockList& list : lists) {
        out.varint(list.start);
        out.varint(list.count);
        put_sizes(out, list);
    }
    out.varint(files.count());
    out.raw(files.bytes());
    out.varint(entry_count);
    return std::move(out.bytes());
}

std::array<std::byte, pack_trailer_size> encode_pack_trailer(uint64_t data_end, uint64_t length, const Sha256Sum& sum) {
    BinaryWriter out;
    out.number(data_end);
    out.number(length);
    out.raw(sum);
    out.raw(std::as_bytes(std::span(pack_magic)));
    std::array<std::byte, pack_trailer_size> trailer;
    std::copy(out.bytes().begin(), out.bytes().end(), trailer.begin());
    return trailer;
}

}  // namespace gbuild::pack
