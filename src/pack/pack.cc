#include "gbuild/pack/pack.h"

#include <sys/mman.h>

#include <algorithm>
#include <atomic>

#include <fmt/format.h>

#include "block_reader.h"
#include "gbuild/base/error.h"
#include "gbuild/base/fd.h"
#include "gbuild/base/text.h"
#include "pack_data.h"
#include "pack_index.h"

namespace gbuild::pack {

namespace {

constexpr uint64_t largest_in_memory = uint64_t{64} * 1024;

// All of a small file, which is then closed; nothing of others.
std::vector<std::byte> take_small(UniqueFd& fd) {
    const uint64_t size = file_size(fd.get());
    if (size > largest_in_memory) return {};
    std::vector<std::byte> bytes(size);
    pread_exact(fd.get(), bytes, 0, "the pack");
    fd.reset();
    return bytes;
}

}  // namespace

struct Pack::State {
    State(UniqueFd file, const PackOptions& with, PackIndex read) :
        fd(std::move(file)), bytes(take_small(fd)), options(with), index(std::move(read)) {}
    UniqueFd fd;  // none when `bytes` has the file
    std::vector<std::byte> bytes;
    PackOptions options;
    PackIndex index;
    std::atomic<bool> damaged = false;
};

Pack::Pack(std::unique_ptr<State> state) : state_(std::move(state)) {}
Pack::~Pack() = default;

std::shared_ptr<const Pack> Pack::open(UniqueFd fd, const PackOptions& options, const std::optional<Digest>& layer) {
    PackIndex index = read_pack_index(fd.get(), options);
    if (layer && index.layer != *layer) {
        throw Error(ErrorKind::integrity,
                    fmt::format("the pack is of another layer: {} instead of {}", index.layer.text(), layer->text()));
    }
    return std::shared_ptr<const Pack>(new Pack(std::make_unique<State>(std::move(fd), options, std::move(index))));
}

std::shared_ptr<const Pack> Pack::open_any(UniqueFd fd) {
    PackIndex index = read_pack_index(fd.get(), {});
    const PackOptions options = *PackOptions::of_key(index.options_key);
    return std::shared_ptr<const Pack>(new Pack(std::make_unique<State>(std::move(fd), options, std::move(index))));
}

void Pack::read(std::span<std::byte> bytes, uint64_t position) const {
    if (state_->fd) return pread_exact(state_->fd.get(), bytes, position, "the pack");
    const std::span<const std::byte> all(state_->bytes);
    if (position > all.size() || bytes.size() > all.size() - position) {
        throw Error(ErrorKind::integrity, "the pack is shorter than its index says");
    }
    std::copy_n(all.begin() + static_cast<ptrdiff_t>(position), bytes.size(), bytes.begin());
}

UniqueFd Pack::open_file() const {
    if (state_->fd) return duplicate(state_->fd.get());
    UniqueFd copy(::memfd_create("pack", MFD_CLOEXEC));
    if (!copy) throw_errno("cannot make a file in memory");
    write_all(copy.get(), state_->bytes);
    return copy;
}

const PackOptions& Pack::options() const { return state_->options; }
const std::string& Pack::options_key() const { return state_->index.options_key; }
const Digest& Pack::layer() const { return state_->index.layer; }
uint64_t Pack::data_end() const { return state_->index.data_end; }
size_t Pack::file_count() const { return state_->index.files.size(); }
size_t Pack::entry_count() const { return state_->index.entry_count; }
std::span<const Fragment> Pack::fragments() const { return state_->index.fragments; }

std::span<const uint32_t> Pack::region_sums() const { return state_->index.region_sums; }
bool Pack::damaged() const { return state_->damaged; }
void Pack::set_damaged() const { state_->damaged = true; }

bool Pack::is_whole() const {
    try {
        PackData data(*this);
        for (uint64_t at = 0; at < data_end();) at += data.run(at, data_end() - at).size();
    } catch (const Error&) {
    }
    return !damaged();
}

PackedFile Pack::file(uint32_t number) const {
    const PackIndex::File& file = state_->index.files.at(number);
    const uint32_t block_size = state_->options.block_size;
    PackedFile packed;
    packed.size = file.size;
    packed.fragment = file.fragment;
    packed.fragment_offset = file.fragment_offset;
    packed.digest = file.digest;
    if (file.size >= block_size) {
        const PackIndex::List& list = state_->index.lists[file.list];
        packed.start = list.start;
        packed.sparse = list.holes * block_size;
        packed.blocks = std::span(state_->index.sizes).subspan(list.first, list.entries);
    }
    return packed;
}

void Pack::visit_entries(uint32_t pack, const std::function<void(tree::LayerEntry&&)>& visit) const {
    EntryDecoder entries = state_->index.entries();
    tree::LayerEntry entry;
    while (entries.next(entry)) {
        if (entry.inode.content.number != tree::ContentRef::none) entry.inode.content.pack = pack;
        visit(std::move(entry));
    }
}

tree::LayerTree Pack::entries(uint32_t pack) const {
    tree::LayerTree layer;
    layer.reserve(entry_count());
    visit_entries(pack, [&](tree::LayerEntry&& entry) { layer.push_back(std::move(entry)); });
    return layer;
}

Digest Pack::contents_digest() const {
    Hasher files(HashAlgorithm::sha256);
    for (const PackIndex::File& file : state_->index.files) files.update(file.digest);
    Sha256Sum sum;
    files.finish(sum);
    return contents_digest_of(std::span(state_->index.bytes).subspan(state_->index.entries_at), sum);
}

uint32_t PackSet::add(std::shared_ptr<const Pack> pack) {
    auto packs = packs_.lock();
    packs->push_back(std::move(pack));
    return static_cast<uint32_t>(packs->size() - 1);
}

const Pack& PackSet::at(uint32_t index) const { return *packs_.lock()->at(index); }
size_t PackSet::size() const { return packs_.lock()->size(); }

ContentPlace place_of(const Pack& pack, const PackedFile& file) {
    ContentPlace place{file.size, file.start, file.blocks};
    if (file.fragment == PackedFile::no_fragment) return place;
    const Fragment& fragment = pack.fragments()[file.fragment];
    place.fragment_position = fragment.position;
    place.fragment_size = fragment.size;
    place.fragment_offset = file.fragment_offset;
    return place;
}

struct ContentReader::Source {
    Source(const Pack& of, const PackOptions& options) :
        pack(of), data(of), reader(data.reader(), options.codec, options.block_size, of.data_end(), "the pack") {}
    const Pack& pack;
    PackData data;
    BlockReader reader;
};

ContentReader::ContentReader(const PackSet& packs) : packs_(packs) {}
ContentReader::~ContentReader() = default;

void ContentReader::read(tree::ContentRef content, const TakeRun& take) {
    std::unique_ptr<Source>& source = sources_[content.pack];
    if (!source) source = std::make_unique<Source>(packs_.at(content.pack), packs_.options());
    read_content(source->reader, place_of(source->pack, source->pack.file(content.number)), take);
}

std::string read_contents(const PackSet& packs, tree::ContentRef content, size_t cap) {
    std::string text;
    if (content.empty()) return text;
    const uint64_t size = packs.at(content.pack).file(content.number).size;
    if (size > cap) {
        throw Error(ErrorKind::limit,
                    fmt::format("a file of {} where at most {} are expected", human_size(size), human_size(cap)));
    }
    text.reserve(static_cast<size_t>(size));
    ContentReader(packs).read(content, [&](const ContentRun& run) {
        text += as_text(run.bytes);
        text.append(static_cast<size_t>(run.zeros), '\0');
    });
    return text;
}

}  // namespace gbuild::pack
