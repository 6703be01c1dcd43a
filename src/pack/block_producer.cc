#include "block_producer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "gbuild/base/error.h"
#include "gbuild/base/text.h"
#include "pack_format.h"

namespace gbuild::pack {
namespace {

constexpr uint64_t progress_step = 1 << 20;

bool all_zero(std::span<const std::byte> block) {
    return block[0] == std::byte{0} && std::memcmp(block.data(), block.data() + 1, block.size() - 1) == 0;
}

}  // namespace

BlockProducer::BlockProducer(tree::EntryStream& entries, const WritePackJob& job) :
    stream_(entries),
    options_(job),
    block_size_(job.options.block_size),
    held_(std::make_unique<std::byte[]>(block_size_)),
    tail_(std::make_unique<std::byte[]>(block_size_)),
    fragment_(std::make_unique<std::byte[]>(block_size_)),
    files_(block_size_) {}

bool BlockProducer::next(BlockJob& job) {
    job.reserve(block_size_);
    for (;;) {
        if (holding_) {
            holding_ = false;
            job.in.swap(held_);
            data_job(job, file_->next_block - 1);
            return true;
        }
        if (file_ && file_->left >= block_size_) {
            if (next_block(job)) return true;
        } else if (file_) {
            if (close_file(job)) return true;
        } else if (ended_ || !next_entry()) {
            ended_ = true;
            if (fragment_used_ == 0) return false;
            fragment_job(job);
            return true;
        }
    }
}

bool BlockProducer::next_entry() {
    check_stop();
    if (!stream_.next(entry_)) {
        if (options_.progress) options_.progress(packed_);
        return false;
    }
    encoded_.add(entry_);
    const tree::Inode& inode = entry_.inode;
    if (entry_.kind == tree::EntryKind::inode && inode.type == tree::FileType::regular && inode.size > 0) {
        open_file(inode.size);
    }
    return true;
}

void BlockProducer::open_file(uint64_t size) {
    if (size / block_size_ > max_blocks_per_file) {
        throw Error(ErrorKind::limit, fmt::format("{} is larger than {}", quoted(entry_.path),
                                                  human_size(max_blocks_per_file * block_size_)))
            .hint("use larger blocks, or leave the file out of the image");
    }
    file_ = OpenFile{};
    file_->record.size = file_->left = size;
    content_.update(std::as_bytes(std::span(&size, 1)));
    if (size < block_size_) return;
    file_->list = &lists_.emplace_back();
    file_->list->number = static_cast<uint32_t>(lists_.size() - 1);
    file_->list->count = size / block_size_;
}

bool BlockProducer::next_block(BlockJob& job) {
    const std::span block(job.in.get(), block_size_);
    read(block);
    const bool hole = all_zero(block);
    const Sha256Sum sum = hole ? Sha256Sum{} : sha256(block);
    content_.update(sum);

    OpenFile& file = *file_;
    const uint64_t index = file.next_block++;
    if (index == 0) {
        file.candidates = heads_.find(sum, file.list->count);
        file.keep_sums = heads_.has_room(sum, file.list->count);
    }
    if (file.keep_sums) file.list->sums.push_back(sum);

    if (!file.candidates.empty()) {
        const BlockList& equal_so_far = *file.candidates.front();
        std::erase_if(file.candidates, [&](const BlockList* list) { return list->sums[index] != sum; });
        if (!file.candidates.empty()) return false;
        if (index > 0) return parts_from(equal_so_far, index, job, hole);
    }
    if (hole) return false;
    data_job(job, index);
    return true;
}

// The file differs at block `index` from the last list it was like. Nothing has been compressed for it so far: the
// common head's blocks are copied, and this block goes on from there.
bool BlockProducer::parts_from(const BlockList& equal_so_far, uint64_t index, BlockJob& job, bool hole) {
    if (!hole) {
        held_.swap(job.in);
        holding_ = true;
    }
    job.kind = BlockJob::Kind::copy_head;
    job.list = file_->list;
    job.source = &equal_so_far;
    job.index = index;
    return true;
}

bool BlockProducer::close_file(BlockJob& job) {
    settle_list();
    bool filled = false;
    if (file_->left > 0) {
        const std::span tail(tail_.get(), static_cast<size_t>(file_->left));
        read(tail);
        const Sha256Sum sum = sha256(tail);
        content_.update(sum);
        filled = place_tail(tail, sum, job);
    }
    content_.finish(file_->record.digest);
    files_.add(file_->record);
    file_.reset();
    return filled;
}

void BlockProducer::settle_list() {
    OpenFile& file = *file_;
    if (!file.list) return;
    if (!file.candidates.empty()) {
        file.list = file.candidates.front();
        lists_.pop_back();
    } else if (file.keep_sums) {
        heads_.add(*file.list);
    }
    file.record.list = file.list->number;
}

bool BlockProducer::place_tail(std::span<const std::byte> tail, const Sha256Sum& sum, BlockJob& job) {
    bool filled = false;
    auto place = tails_.find(sum);
    if (!place) {
        if (fragment_used_ + tail.size() > block_size_) {
            fragment_job(job);
            filled = true;
        }
        place = TailPlace{fragments_, fragment_used_};
        std::memcpy(fragment_.get() + fragment_used_, tail.data(), tail.size());
        fragment_used_ += static_cast<uint32_t>(tail.size());
        tails_.add(sum, *place);
    }
    file_->record.fragment = place->fragment;
    file_->record.fragment_offset = place->offset;
    return filled;
}

void BlockProducer::data_job(BlockJob& job, uint64_t index) const {
    job.kind = BlockJob::Kind::data;
    job.list = file_->list;
    job.index = index;
    job.size = block_size_;
}

void BlockProducer::fragment_job(BlockJob& job) {
    job.kind = BlockJob::Kind::fragment;
    job.size = std::exchange(fragment_used_, 0);
    job.in.swap(fragment_);
    fragments_++;
}

void BlockProducer::read(std::span<std::byte> out) {
    check_stop();
    stream_.read(out);
    file_->left -= out.size();
    packed_ += out.size();
    if (options_.progress && packed_ - reported_ >= progress_step) {
        reported_ = packed_;
        options_.progress(packed_);
    }
}

void BlockProducer::check_stop() const {
    if (options_.stop.stop_requested()) throw Error(ErrorKind::interrupted, "interrupted while packing a layer");
}

}  // namespace gbuild::pack
