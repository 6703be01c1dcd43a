#include "block_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "gbuild/base/error.h"
#include "pack_format.h"

namespace gbuild::pack {

BlockReader::BlockReader(Read read, Codec codec, uint32_t block_size, uint64_t end, std::string what) :
    read_(std::move(read)),
    block_size_(block_size),
    end_(end),
    what_(std::move(what)),
    decompressor_(make_decompressor(codec)),
    disk_(std::make_unique_for_overwrite<std::byte[]>(block_size)) {}

std::span<const std::byte> BlockReader::block(uint64_t position, uint32_t size) {
    load(position, size, block_);
    return {block_.bytes.get(), block_.length};
}

std::span<const std::byte> BlockReader::fragment(uint64_t position, uint32_t size) {
    if (fragment_at_ != position) {
        fragment_at_.reset();
        load(position, size, fragment_);
        fragment_at_ = position;
    }
    return {fragment_.bytes.get(), fragment_.length};
}

void BlockReader::load(uint64_t position, uint32_t size, Buffer& into) {
    if (!into.bytes) into.bytes = std::make_unique_for_overwrite<std::byte[]>(block_size_);
    const uint32_t length = disk_bytes(size);
    if (length == 0 || length > block_size_) {
        throw Error(ErrorKind::integrity, fmt::format("{} is damaged: a block of {} bytes", what_, length));
    }
    if (position > end_ || length > end_ - position) {
        throw Error(ErrorKind::integrity, fmt::format("{} is damaged: a block lies outside its data", what_));
    }
    const bool stored = (size & stored_bit) != 0;
    const std::span disk(stored ? into.bytes.get() : disk_.get(), length);
    read_(disk, position);
    into.length = stored ? length
                         : with_context([&] { return fmt::format("reading {} at offset {}", what_, position); },
                                        [&] {
                                            return decompressor_->decompress(disk, {into.bytes.get(), block_size_});
                                        });
}

namespace {

[[noreturn]] void wrong_length(const BlockReader& reader) {
    throw Error(ErrorKind::integrity,
                fmt::format("{} is damaged: a file's blocks do not add up to its size", reader.what()));
}

}  // namespace

ContentRun ContentRuns::next() {
    if (entry_ < place_.blocks.size()) return next_block();
    if (left_ > 0) return next_tail();
    return {};
}

ContentRun ContentRuns::next_block() {
    const uint32_t size = place_.blocks[entry_++];
    const uint64_t length = std::min(left_, blocks_of(size) * reader_.block_size());
    left_ -= length;
    if (is_hole(size)) return ContentRun::hole(length);
    const std::span<const std::byte> block = reader_.block(position_, size);
    if (block.size() != length) wrong_length(reader_);
    position_ += disk_bytes(size);
    return block;
}

std::span<const std::byte> ContentRuns::next_tail() {
    if (place_.fragment_size == 0 || left_ >= reader_.block_size()) wrong_length(reader_);
    const std::span<const std::byte> fragment = reader_.fragment(place_.fragment_position, place_.fragment_size);
    if (place_.fragment_offset > fragment.size() || left_ > fragment.size() - place_.fragment_offset)
        wrong_length(reader_);
    return fragment.subspan(place_.fragment_offset, static_cast<size_t>(std::exchange(left_, 0)));
}

void read_content(BlockReader& reader, const ContentPlace& place, const TakeRun& take) {
    ContentRuns runs(reader, place);
    for (ContentRun run = runs.next(); !run.empty(); run = runs.next()) take(run);
}

}  // namespace gbuild::pack
