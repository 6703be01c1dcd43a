// Cuts a layer's contents into block jobs, in one order that depends on the contents alone, and leaves out what the
// pack already holds.
#pragma once

#include <deque>

#include "dedup.h"
#include "pack_index.h"

namespace gbuild::pack {

class BlockProducer {
  public:
    BlockProducer(tree::EntryStream& entries, const WritePackJob& job);

    // The next job; false at the end of the layer. Not to be called again after that.
    bool next(BlockJob& job);

    // Whole once every job has been written.
    const std::deque<BlockList>& lists() const { return lists_; }
    const FileTable& files() const { return files_; }
    const EntryEncoder& entries() const { return encoded_; }
    Sha256Sum finish_files_sum() { return files_.finish_sum(); }

  private:
    // The file being cut.
    struct OpenFile {
        FileRecord record;
        uint64_t left = 0;  // bytes not read yet
        uint64_t next_block = 0;
        uint64_t holes = 0;                  // before `next_block`, not in the digest yet
        BlockList* list = nullptr;           // when there is a full block
        bool keep_sums = false;              // later files may be compared with this one
        std::vector<BlockList*> candidates;  // lists equal to this file as far as it has been read
    };

    bool next_entry();
    void open_file(uint64_t size);
    // Each may fill the job; false: there is nothing to do for it yet.
    bool next_block(BlockJob& job);
    bool add_block(const Sha256Sum& sum, BlockJob& job);
    bool add_holes(uint64_t count, BlockJob& job);
    void begin_list(const Sha256Sum& first);
    const BlockList* drop_candidates(const std::function<bool(const BlockList&)>& differs);
    void copy_head(const BlockList& equal_so_far, uint64_t index, BlockJob& job) const;
    void digest_holes();
    bool close_file(BlockJob& job);
    bool place_tail(std::span<const std::byte> tail, const Sha256Sum& sum, BlockJob& job);

    void settle_list();
    void data_job(BlockJob& job, uint64_t index) const;
    void fragment_job(BlockJob& job);
    void read(std::span<std::byte> out);
    void count(uint64_t bytes);
    void check_stop() const;

    tree::EntryStream& stream_;
    const WritePackJob& options_;
    const uint32_t block_size_;

    std::optional<OpenFile> file_;
    bool holding_ = false;  // `held_` is block next_block - 1, read but not handed out yet
    std::unique_ptr<std::byte[]> held_, tail_, fragment_;
    uint32_t fragment_used_ = 0, fragments_ = 0;
    bool ended_ = false;

    TailTable tails_;
    HeadTable heads_;
    std::deque<BlockList> lists_;  // addresses are kept by jobs and by `heads_`
    FileTable files_;
    EntryEncoder encoded_;
    tree::LayerEntry entry_;
    Hasher content_{HashAlgorithm::sha256};
    uint64_t packed_ = 0, reported_ = 0;
};

}  // namespace gbuild::pack
