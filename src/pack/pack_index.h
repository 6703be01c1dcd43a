// The tables of a pack's index, written and read back.
#pragma once

#include <deque>

#include "block_job.h"
#include "block_output.h"
#include "entry_codec.h"
#include "gbuild/pack/pack.h"
#include "pack_format.h"

namespace gbuild::pack {

// A file's record while a pack is being written.
struct FileRecord {
    uint64_t size = 0;
    uint32_t list = 0;      // when size reaches a block
    uint32_t fragment = 0;  // when size is not a multiple of the block size
    uint32_t fragment_offset = 0;
    Sha256Sum digest{};
};

// Files in the order of their entries.
class FileTable {
  public:
    explicit FileTable(uint32_t block_size) : block_size_(block_size) {}
    void add(const FileRecord& file);
    uint64_t count() const { return count_; }
    std::span<const std::byte> bytes() const { return out_.bytes(); }
    // Of the digests of all files. To be called once, after the last.
    Sha256Sum finish_sum();

  private:
    uint32_t block_size_;
    BinaryWriter out_;
    Hasher digests_{HashAlgorithm::sha256};
    uint64_t count_ = 0;
};

// What stands for a layer's contents: its entries' bytes, and the sum of the digests of its files.
Digest contents_digest_of(std::span<const std::byte> entries, const Sha256Sum& files);

// Everything of the index before the entries' bytes.
std::vector<std::byte> encode_index_head(const PackOptions& options, const Digest& layer, const BlockOutput& output,
                                         const std::deque<BlockList>& lists, const FileTable& files,
                                         uint64_t entry_count);
std::array<std::byte, pack_trailer_size> encode_pack_trailer(uint64_t data_end, uint64_t length, const Sha256Sum& sum);

// A read and checked index.
struct PackIndex {
    struct List {
        uint64_t start = 0;
        uint64_t count = 0;  // blocks
        size_t first = 0;    // into `sizes`
        size_t entries = 0;  // there
        uint64_t holes = 0;
    };
    struct File {
        uint64_t size = 0;
        uint32_t list = 0;
        uint32_t fragment = PackedFile::no_fragment;
        uint32_t fragment_offset = 0;
        Sha256Sum digest{};
    };
    uint64_t data_end = 0;
    std::string options_key;
    Digest layer;
    std::vector<uint32_t> region_sums;
    std::vector<Fragment> fragments;
    std::vector<List> lists;
    std::vector<uint32_t> sizes;  // entries of BlockSizes
    std::vector<File> files;
    uint64_t entry_count = 0;
    std::vector<std::byte> bytes;  // the whole index as read
    size_t entries_at = 0;         // where in `bytes` the entries begin

    EntryDecoder entries() const { return {std::span(bytes).subspan(entries_at), entry_count}; }
};

// Throws integrity unless the file is a whole pack made with `options`; with any, when there are none.
PackIndex read_pack_index(int fd, std::optional<PackOptions> options);

}  // namespace gbuild::pack
