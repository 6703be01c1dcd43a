#include <fmt/format.h>

#include <algorithm>

#include "gbuild/base/error.h"
#include "pack_index.h"

namespace gbuild::pack {
namespace {

[[noreturn]] void damaged(std::string_view what) {
    throw Error(ErrorKind::integrity, fmt::format("the pack is damaged: {}", what))
        .hint("remove it from the store; the next build packs the layer anew");
}
void require(bool condition, std::string_view what) {
    if (!condition) damaged(what);
}

// Bytes of the index, checked against the trailer's SHA-256.
std::vector<std::byte> read_index_bytes(int fd, uint64_t& data_end) {
    const uint64_t size = file_size(fd);
    require(size >= pack_data_start + pack_trailer_size, "it is too short");
    std::array<std::byte, pack_trailer_size> bytes;
    pread_exact(fd, bytes, size - bytes.size(), "the pack");
    BinaryReader trailer(bytes, "the pack's trailer");
    data_end = trailer.number<uint64_t>();
    const auto length = trailer.number<uint64_t>();
    Sha256Sum sum;
    trailer.raw(sum);
    require(as_text(trailer.take(pack_magic.size())) == pack_magic, "it does not end as a pack does");
    require(data_end >= pack_data_start && data_end <= size && length == size - data_end - bytes.size(),
            "its index is not where it should be");
    std::vector<std::byte> index(length);
    pread_exact(fd, index, data_end, "the pack");
    require(sha256(index) == sum, "its index does not match its checksum");
    return index;
}

class IndexParser {
  public:
    // Without options it takes those that the index names.
    IndexParser(PackIndex& index, std::optional<PackOptions> options) :
        index_(index), wanted_(options), in_(index.bytes, "the pack's index") {}

    void parse() {
        index_.options_key = in_.text();
        read_options();
        require(in_.varint() == index_.data_end, "its data ends elsewhere");
        read_sums();
        const auto layer = Digest::parse(in_.text());
        require(layer.has_value(), "its layer has no name");
        index_.layer = *layer;
        read_fragments();
        read_lists();
        read_files();
        index_.entry_count = in_.varint(in_.left());
        index_.entries_at = index_.bytes.size() - in_.left();
    }

  private:
    void read_options() {
        if (wanted_ && index_.options_key != wanted_->key()) {
            throw Error(ErrorKind::integrity, fmt::format("the pack was made with other options: {} instead of {}",
                                                          index_.options_key, wanted_->key()));
        }
        const auto options = wanted_ ? wanted_ : PackOptions::of_key(index_.options_key);
        if (!options) throw Error(ErrorKind::unsupported, "the pack was made by another version of gbuild");
        options_ = *options;
    }

    // Every record takes at least a byte, which bounds what a count can make us set aside.
    uint64_t count() { return in_.varint(in_.left()); }

    // An on-disk size for `length` bytes; compressed blocks are smaller than what they hold.
    uint32_t size_on_disk(uint64_t length) {
        const uint64_t packed = in_.varint(uint64_t{options_.block_size} << 1 | 1);
        const auto size = static_cast<uint32_t>(packed >> 1);
        const bool stored = (packed & 1) != 0;
        require(stored ? size == length : size < length, "a block has an impossible size");
        return stored ? size | stored_bit : size;
    }
    void check_place(uint64_t start, uint64_t length) {
        require(start >= pack_data_start && start <= index_.data_end && length <= index_.data_end - start,
                "a block lies outside its data");
    }

    void read_sums() {
        const uint64_t count = region_count(index_.data_end);
        require(count <= in_.left() / sizeof(uint32_t), "its data has no checksums");
        index_.region_sums.resize(count);
        for (uint32_t& sum : index_.region_sums) sum = in_.number<uint32_t>();
    }
    void read_fragments() {
        index_.fragments.resize(count());
        for (Fragment& fragment : index_.fragments) {
            fragment.position = in_.varint();
            fragment.length = static_cast<uint32_t>(in_.varint(options_.block_size));
            fragment.size = size_on_disk(fragment.length);
            require(fragment.size != 0, "a fragment is empty");
            check_place(fragment.position, disk_bytes(fragment.size));
        }
    }
    void read_lists() {
        index_.lists.resize(count());
        for (PackIndex::List& list : index_.lists) {
            list.start = in_.varint();
            list.count = in_.varint(max_blocks_per_file);
            read_sizes(list);
        }
        index_.sizes.shrink_to_fit();
    }
    void read_sizes(PackIndex::List& list) {
        BlockSizes sizes;
        uint64_t bytes = 0;
        while (sizes.count() < list.count) {
            if (const uint32_t size = size_on_disk(options_.block_size); size != 0) {
                sizes.add(size);
                bytes += disk_bytes(size);
                continue;
            }
            const uint64_t holes = in_.varint(list.count - sizes.count());
            require(holes > 0, "a run of holes is empty");
            sizes.add_holes(holes);
            list.holes += holes;
        }
        if (bytes > 0) check_place(list.start, bytes);
        list.first = index_.sizes.size();
        list.entries = sizes.entries().size();
        index_.sizes.insert(index_.sizes.end(), sizes.entries().begin(), sizes.entries().end());
    }
    void read_files() {
        index_.files.resize(count());
        for (PackIndex::File& file : index_.files) {
            file.size = in_.varint();
            require(file.size > 0, "a file has no contents");
            if (file.size >= options_.block_size) read_list_reference(file);
            if (file.size % options_.block_size != 0) read_tail(file);
            in_.raw(file.digest);
        }
    }
    void read_list_reference(PackIndex::File& file) {
        const uint64_t list = in_.varint();
        require(list < index_.lists.size() && index_.lists[list].count == file.size / options_.block_size,
                "a file has other blocks than its size says");
        file.list = static_cast<uint32_t>(list);
    }
    void read_tail(PackIndex::File& file) {
        const uint64_t fragment = in_.varint();
        const uint64_t offset = in_.varint(options_.block_size);
        require(fragment < index_.fragments.size() &&
                    offset + file.size % options_.block_size <= index_.fragments[fragment].length,
                "the end of a file lies outside its fragment");
        file.fragment = static_cast<uint32_t>(fragment);
        file.fragment_offset = static_cast<uint32_t>(offset);
    }

    PackIndex& index_;
    std::optional<PackOptions> wanted_;
    PackOptions options_;
    BinaryReader in_;
};

// Entries and files must tell the same story.
void check_entries(const PackIndex& index) {
    EntryDecoder entries = index.entries();
    tree::LayerEntry entry;
    while (entries.next(entry)) {
        const uint32_t number = entry.inode.content.number;
        if (number == tree::ContentRef::none) continue;
        require(number < index.files.size() && index.files[number].size == entry.inode.size,
                "a file and its entry differ");
    }
    require(entries.files() == index.files.size(), "a file has no entry");
}

}  // namespace

PackIndex read_pack_index(int fd, std::optional<PackOptions> options) {
    if (options) options->check();
    PackIndex index;
    index.bytes = read_index_bytes(fd, index.data_end);
    IndexParser(index, options).parse();
    check_entries(index);
    return index;
}

}  // namespace gbuild::pack
