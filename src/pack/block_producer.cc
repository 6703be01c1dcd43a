#include "block_producer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "gbuild/base/content_run.h"
#include "gbuild/base/error.h"
#include "gbuild/base/text.h"
#include "pack_format.h"

namespace gbuild::pack {
namespace {

constexpr uint64_t progress_step = 1 << 20;

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
    if (const uint64_t holes = std::min(stream_.zeros(), file_->left) / block_size_; holes > 0) {
        check_stop();
        stream_.skip_zeros(holes * block_size_);
        count(holes * block_size_);
        return add_holes(holes, job);
    }
    const std::span block(job.in.get(), block_size_);
    read(block);
    return all_zero(block) ? add_holes(1, job) : add_block(sha256(block), job);
}

// The block is in the job.
bool BlockProducer::add_block(const Sha256Sum& sum, BlockJob& job) {
    OpenFile& file = *file_;
    const uint64_t index = file.next_block++;
    if (index == 0) begin_list(sum);
    digest_holes();
    content_.update(sum);
    if (file.keep_sums) file.list->sums.add(sum);

    const BlockList* equal_so_far = drop_candidates([&](const BlockList& list) { return !list.sums.is(index, sum); });
    if (!file.candidates.empty()) return false;
    if (!equal_so_far || index == 0) {
        data_job(job, index);
        return true;
    }
    held_.swap(job.in);
    holding_ = true;
    copy_head(*equal_so_far, index, job);
    return true;
}

bool BlockProducer::add_holes(uint64_t count, BlockJob& job) {
    OpenFile& file = *file_;
    const uint64_t index = file.next_block;
    if (index == 0) begin_list({});
    file.next_block += count;
    file.holes += count;
    if (file.keep_sums) file.list->sums.add_holes(count);

    const BlockList* equal_so_far =
        drop_candidates([&](const BlockList& list) { return list.sums.holes_at(index) < count; });
    if (!file.candidates.empty() || !equal_so_far || index == 0) return false;
    copy_head(*equal_so_far, index, job);
    return true;
}

void BlockProducer::begin_list(const Sha256Sum& first) {
    file_->candidates = heads_.find(first, file_->list->count);
    file_->keep_sums = heads_.has_room(first, file_->list->count);
}

// Returns one of the lists that the file has been like until now; null when there was none.
const BlockList* BlockProducer::drop_candidates(const std::function<bool(const BlockList&)>& differs) {
    auto& candidates = file_->candidates;
    if (candidates.empty()) return nullptr;
    const BlockList* const first = candidates.front();
    std::erase_if(candidates, [&](const BlockList* list) { return differs(*list); });
    return first;
}

// The file differs at block `index` from the last list it was like. Nothing has been compressed for it so far: the
// common head's blocks are copied, and it goes on from there.
void BlockProducer::copy_head(const BlockList& equal_so_far, uint64_t index, BlockJob& job) const {
    job.kind = BlockJob::Kind::copy_head;
    job.list = file_->list;
    job.source = &equal_so_far;
    job.index = index;
}

// A run counts as one, whether it was read or passed over.
void BlockProducer::digest_holes() {
    if (file_->holes == 0) return;
    content_.update(Sha256Sum{});
    content_.update(std::as_bytes(std::span(&file_->holes, 1)));
    file_->holes = 0;
}

bool BlockProducer::close_file(BlockJob& job) {
    settle_list();
    digest_holes();
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
    count(out.size());
}

void BlockProducer::count(uint64_t bytes) {
    file_->left -= bytes;
    packed_ += bytes;
    if (options_.progress && packed_ - reported_ >= progress_step) {
        reported_ = packed_;
        options_.progress(packed_);
    }
}

void BlockProducer::check_stop() const {
    if (options_.stop.stop_requested()) throw Error(ErrorKind::interrupted, "interrupted while packing a layer");
}

}  // namespace gbuild::pack
