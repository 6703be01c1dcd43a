#include "metadata_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "gbuild/base/error.h"
#include "gbuild/base/fd.h"

namespace gbuild::pack {
namespace {

constexpr size_t metadata_block = 8192;
constexpr size_t cache_blocks = 64;

}  // namespace

MetadataReader::MetadataReader(int fd, const Superblock& super, std::string what) :
    fd_(fd), end_(super.bytes_used), what_(std::move(what)), decompressor_(make_decompressor(super.codec)) {}

void MetadataReader::damaged(std::string_view why) const {
    throw Error(ErrorKind::integrity, fmt::format("{} is damaged: {}", what_, why)).hint("build or download it again");
}

void MetadataReader::read_at(uint64_t position, std::span<std::byte> out) const {
    require(position <= end_ && out.size() <= end_ - position, "a table lies outside its squashfs");
    pread_exact(fd_, out, position, what_);
}

const MetadataReader::CachedBlock& MetadataReader::load(uint64_t position) {
    if (const auto found = cache_.find(position); found != cache_.end()) return found->second;
    constexpr uint16_t stored = 0x8000;
    uint16_t header = 0;
    read_at(position, std::as_writable_bytes(std::span(&header, 1)));
    const size_t length = header & ~stored;
    require(length > 0 && length <= metadata_block, "a metadata block has an impossible size");

    CachedBlock block;
    block.next = position + sizeof header + length;
    std::array<std::byte, metadata_block> disk;
    const std::span in = std::span(disk).first(length);
    read_at(position + sizeof header, in);
    if ((header & stored) != 0) {
        block.bytes.assign(in.begin(), in.end());
    } else {
        block.bytes.resize(metadata_block);
        block.bytes.resize(with_context([&] { return fmt::format("reading the tables of {}", what_); },
                                        [&] { return decompressor_->decompress(in, block.bytes); }));
    }
    if (cached_.size() == cache_blocks) {
        cache_.erase(cached_.front());
        cached_.pop_front();
    }
    cached_.push_back(position);
    return cache_.emplace(position, std::move(block)).first->second;
}

void MetadataReader::read(MetadataPlace& place, std::span<std::byte> out) {
    while (!out.empty()) {
        const CachedBlock& block = load(place.block);
        require(place.offset <= block.bytes.size(), "a reference points behind its metadata block");
        const size_t available = block.bytes.size() - place.offset;
        // Only full blocks are followed by more of the same table.
        require(out.size() <= available || block.bytes.size() == metadata_block, "a table ends too early");
        const size_t length = std::min(out.size(), available);
        if (length > 0) std::memcpy(out.data(), block.bytes.data() + place.offset, length);
        out = out.subspan(length);
        place.offset += static_cast<uint32_t>(length);
        if (!out.empty()) place = {block.next, 0};
    }
}

std::string MetadataReader::text(MetadataPlace& place, size_t length) {
    std::string text(length, '\0');
    read(place, std::as_writable_bytes(std::span(text)));
    return text;
}

void MetadataReader::read_entry(uint64_t table, uint64_t index, std::span<std::byte> out) {
    const uint64_t at = index * out.size();
    uint64_t block = 0;
    read_at(table + at / metadata_block * sizeof block, std::as_writable_bytes(std::span(&block, 1)));
    MetadataPlace place{block, static_cast<uint32_t>(at % metadata_block)};
    read(place, out);
}

}  // namespace gbuild::pack
