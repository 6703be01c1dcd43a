#include "block_reader.h"

#include <fmt/format.h>

#include <algorithm>

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

void read_content(BlockReader& reader, const ContentPlace& place,
                  const std::function<void(std::span<const std::byte>)>& consume) {
    std::unique_ptr<std::byte[]> zeros;
    uint64_t left = place.size;
    uint64_t position = place.start;
    for (uint32_t size : place.blocks) {
        const auto length = static_cast<size_t>(std::min<uint64_t>(left, reader.block_size()));
        left -= length;
        if (size == 0) {
            if (!zeros) zeros = std::make_unique<std::byte[]>(reader.block_size());
            consume({zeros.get(), length});
            continue;
        }
        const std::span<const std::byte> block = reader.block(position, size);
        if (block.size() != length) wrong_length(reader);
        consume(block);
        position += disk_bytes(size);
    }
    if (left == 0) return;
    if (place.fragment_size == 0 || left >= reader.block_size()) wrong_length(reader);
    const std::span<const std::byte> fragment = reader.fragment(place.fragment_position, place.fragment_size);
    if (place.fragment_offset > fragment.size() || left > fragment.size() - place.fragment_offset) wrong_length(reader);
    consume(fragment.subspan(place.fragment_offset, static_cast<size_t>(left)));
}

}  // namespace gbuild::pack
