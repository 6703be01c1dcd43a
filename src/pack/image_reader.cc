#include "gbuild/pack/image_reader.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>

#include "block_reader.h"
#include "gbuild/base/error.h"
#include "gbuild/base/text.h"
#include "image_places.h"
#include "image_tables.h"
#include "image_tree.h"
#include "pack_format.h"
#include "trailer.h"

namespace gbuild::pack {
namespace {

constexpr uint16_t flag_exportable = 0x0080;

SuperblockFacts facts_of(const Superblock& super) {
    SuperblockFacts facts;
    facts.codec = super.codec;
    facts.block_size = super.block_size;
    facts.inode_count = super.inode_count;
    facts.fragment_count = super.fragment_count;
    facts.id_count = super.id_count;
    facts.created = super.modification_time;
    facts.bytes_used = super.bytes_used;
    facts.exportable = (super.flags & flag_exportable) != 0;
    facts.xattrs = super.xattr_table != Superblock::absent;
    return facts;
}

}  // namespace

struct ImageReader::State {
    State(UniqueFd file, const std::string& name) :
        fd(std::move(file)),
        what(name),
        size(gbuild::file_size(fd.get())),
        trailer(read_trailer(fd.get(), what)),
        super(read_superblock(fd.get(), trailer.position, what)),
        facts(facts_of(super)),
        metadata(fd.get(), super, what),
        blocks([this](auto out, uint64_t position) { pread_exact(fd.get(), out, position, what); }, super.codec,
               super.block_size, super.bytes_used, what) {}

    // On-disk sizes of a file's blocks, and its fragment.
    ContentPlace place(const ImageInode& file, BlockSizes& sizes) {
        const bool in_fragment = file.fragment != no_index;
        const uint64_t count = file.size / super.block_size + (!in_fragment && file.size % super.block_size ? 1 : 0);
        if (count > max_blocks_per_file) {
            throw Error(ErrorKind::limit, fmt::format("a file of {} is more than gbuild reads", human_size(file.size)));
        }
        sizes = read_block_sizes(metadata, file, count);
        ContentPlace place{file.size, file.start, sizes.entries()};
        if (in_fragment) {
            const Fragment fragment = read_fragment(metadata, super, file.fragment);
            place.fragment_position = fragment.position;
            place.fragment_size = fragment.size;
            place.fragment_offset = file.fragment_offset;
        }
        return place;
    }

    UniqueFd fd;
    std::string what;
    uint64_t size;
    Trailer trailer;
    Superblock super;
    SuperblockFacts facts;
    MetadataReader metadata;
    BlockReader blocks;
    std::unordered_map<uint32_t, uint64_t> references;  // of the files, once read_tree() has met them
};

ImageReader::ImageReader(const std::string& path) :
    state_(std::make_unique<State>(open_file(path, O_RDONLY), quoted(path))) {}
ImageReader::~ImageReader() = default;

const SuperblockFacts& ImageReader::superblock() const { return state_->facts; }
const std::string& ImageReader::trailer_json() const { return state_->trailer.json; }
uint64_t ImageReader::file_size() const { return state_->size; }

std::string ImageReader::sha3() const {
    constexpr size_t run = 1 << 20;
    const auto buffer = std::make_unique<std::byte[]>(run);
    Hasher hasher(HashAlgorithm::sha3_224);
    for (uint64_t at = 0; at < state_->size;) {
        const std::span part(buffer.get(), static_cast<size_t>(std::min<uint64_t>(run, state_->size - at)));
        pread_exact(state_->fd.get(), part, at, state_->what);
        hasher.update(part);
        at += part.size();
    }
    return hasher.finish_hex();
}

tree::Tree ImageReader::read_tree() const {
    ImageTree image = read_image_tree(state_->metadata, state_->super);
    state_->references = std::move(image.references);
    return std::move(image.tree);
}

namespace {

class NoContents : public RunSource {
  public:
    ContentRun next() override { return {}; }
};

class ImageFileSource : public RunSource {
  public:
    ImageFileSource(BlockReader& blocks, BlockSizes sizes, ContentPlace place) :
        sizes_(std::move(sizes)), runs_(blocks, with_sizes(place)) {}
    ContentRun next() override { return runs_.next(); }

  private:
    ContentPlace with_sizes(ContentPlace place) const {
        place.blocks = sizes_.entries();
        return place;
    }
    BlockSizes sizes_;
    ContentRuns runs_;
};

}  // namespace

std::unique_ptr<RunSource> ImageReader::file_source(const tree::Inode& file) const {
    if (file.content.empty()) return std::make_unique<NoContents>();
    const auto reference = state_->references.find(file.content.number);
    if (reference == state_->references.end()) throw Error(ErrorKind::internal, "a file of another image");
    const ImageInode inode = read_inode(state_->metadata, state_->super, reference->second);
    BlockSizes sizes;
    const ContentPlace place = state_->place(inode, sizes);
    return std::make_unique<ImageFileSource>(state_->blocks, std::move(sizes), place);
}

StoredContents ImageReader::stored(const tree::Inode& file) const {
    StoredContents stored;
    if (file.content.empty()) return stored;
    const auto reference = state_->references.find(file.content.number);
    if (reference == state_->references.end()) throw Error(ErrorKind::internal, "a file of another image");
    const ImageInode inode = read_inode(state_->metadata, state_->super, reference->second);
    BlockSizes sizes;
    const ContentPlace place = state_->place(inode, sizes);
    for (const uint32_t entry : sizes.entries()) {
        stored.blocks += disk_bytes(entry);
    }
    if (stored.blocks > 0) stored.start = inode.start;
    if (inode.fragment == no_index) return stored;
    stored.fragment = place.fragment_position;
    stored.fragment_size = disk_bytes(place.fragment_size);
    stored.fragment_offset = inode.fragment_offset;
    stored.fragment_part = static_cast<uint32_t>(inode.size % state_->super.block_size);
    return stored;
}

void ImageReader::read_file(const tree::Inode& file, const TakeRun& take) const {
    const auto source = file_source(file);
    for (ContentRun run = source->next(); !run.empty(); run = source->next()) take(run);
}

ImagePlace ImageReader::place_of(uint64_t offset, const tree::Tree& tree) const {
    const ImageParts parts{state_->metadata, state_->super, state_->references, state_->trailer.position, state_->size};
    return pack::place_of(parts, offset, tree);
}

}  // namespace gbuild::pack
