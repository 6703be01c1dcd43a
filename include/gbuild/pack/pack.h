// Packs: a layer's contents as finished squashfs data and fragment blocks, with an index.
//
// File format: 96 bytes reserved (a squashfs superblock's place), blocks, index, trailer. The index holds the layer
// tree and for each regular file its size, block sizes, position, fragment reference and content digest, and checksums
// of everything before it. Nothing read back is trusted: a malformed pack is an integrity error when it is opened,
// damaged blocks are one when they are read.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "gbuild/base/content_run.h"
#include "gbuild/base/digest.h"
#include "gbuild/base/fd.h"
#include "gbuild/base/synchronized.h"
#include "gbuild/pack/options.h"
#include "gbuild/tree/layer_tree.h"

namespace gbuild::pack {

struct WritePackJob {
    PackOptions options;
    // What the layer is called: its diffID. Without one it is called by its contents (Pack::contents_digest).
    std::optional<Digest> layer;
    unsigned threads = 1;
    // Called with the uncompressed bytes packed so far, from one thread at a time; may be empty.
    std::function<void(uint64_t)> progress;
    std::stop_token stop;  // an interrupted error soon after it is requested
};

// Reads the stream to its end and writes the pack to `fd` (open for reading and writing, empty). The bytes written are
// a pure function of the entries and the options, not of `threads`. Memory: a few blocks per thread (some 50 MB at
// most), tables of at most 60 MB that find equal contents, and for each entry its record in the index, some 100 bytes.
// Throws what the stream throws, io, no_space, limit (a file of more than 2^24 blocks), interrupted.
void write_pack(tree::EntryStream& entries, const WritePackJob& job, int fd);

// A file's blocks are listed by their on-disk sizes, with squashfs's "stored" bit for those that are not compressed; in
// place of holes stands their number, with `hole_bit`. So a file of nothing else has one entry, however large it is.
constexpr uint32_t hole_bit = 1u << 31;
constexpr bool is_hole(uint32_t entry) { return (entry & hole_bit) != 0; }
constexpr uint64_t blocks_of(uint32_t entry) { return is_hole(entry) ? entry & ~hole_bit : 1; }

// Where a regular file's bytes are in its pack.
struct PackedFile {
    static constexpr uint32_t no_fragment = UINT32_MAX;
    uint64_t size = 0;
    uint64_t start = 0;               // position of the first data block
    uint64_t sparse = 0;              // bytes in holes
    uint32_t fragment = no_fragment;  // index into Pack::fragments()
    uint32_t fragment_offset = 0;
    std::span<const uint32_t> blocks;  // see hole_bit
    Sha256Sum digest{};                // equal digests: equal contents, whatever the pack (same block size)
};

struct Fragment {
    uint64_t position = 0;
    uint32_t size = 0;    // on disk, with the "stored" bit
    uint32_t length = 0;  // bytes used, uncompressed
};

class Pack {
  public:
    // Reads and checks the index. A small pack is read as a whole, so that as many as a build has steps can be open
    // without a descriptor each. Throws integrity, io; integrity, too, for the pack of another layer than `layer`.
    static std::shared_ptr<const Pack> open(UniqueFd fd, const PackOptions& options,
                                            const std::optional<Digest>& layer = {});
    // The same for whatever layer and options, whose library may be another one. Throws unsupported for a pack of
    // another version.
    static std::shared_ptr<const Pack> open_any(UniqueFd fd);
    ~Pack();

    // Of the file, into all of `bytes`. Throws integrity where it ends before.
    void read(std::span<std::byte> bytes, uint64_t position) const;
    // The file, or a copy of it, to be read at any position.
    UniqueFd open_file() const;
    const PackOptions& options() const;
    const std::string& options_key() const;  // with which it was made
    const Digest& layer() const;             // what it was called when it was made
    uint64_t data_end() const;
    size_t file_count() const;               // files with contents
    PackedFile file(uint32_t number) const;  // `blocks` points into the pack object
    std::span<const Fragment> fragments() const;
    std::span<const uint32_t> region_sums() const;  // see PackData
    // Whether something was read that is not what was packed, or could not be read. For any thread.
    bool damaged() const;
    void set_damaged() const;
    // Reads all of the data to find that out.
    bool is_whole() const;
    // Decompresses everything to find out whether each file has the contents that its digest stands for.
    bool holds_its_contents() const;
    size_t entry_count() const;
    // Stands for the entries and their contents, however they are packed.
    Digest contents_digest() const;
    // The layer's tree; ContentRef::pack of every regular file with contents is `pack`.
    tree::LayerTree entries(uint32_t pack) const;
    // The same, entry by entry, without holding them all.
    void visit_entries(uint32_t pack, const std::function<void(tree::LayerEntry&&)>& visit) const;

  private:
    struct State;
    explicit Pack(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

// The packs of a build; ContentRef::pack indexes it. Thread-safe: a pack that is in it stays.
class PackSet {
  public:
    explicit PackSet(PackOptions options) : options_(options) {}
    uint32_t add(std::shared_ptr<const Pack> pack);
    const Pack& at(uint32_t index) const;
    size_t size() const;
    const PackOptions& options() const { return options_; }

  private:
    PackOptions options_;
    mutable Synchronized<std::vector<std::shared_ptr<const Pack>>> packs_;
};

// Reads files' contents, quickest in the order in which they were packed: what is read of a pack serves the files that
// follow. Not thread-safe; the packs must outlive it.
class ContentReader {
  public:
    explicit ContentReader(const PackSet& packs);
    ~ContentReader();
    ContentReader(const ContentReader&) = delete;
    ContentReader& operator=(const ContentReader&) = delete;

    // The contents in runs of at most a block, or of holes. `content` is not empty.
    void read(tree::ContentRef content, const TakeRun& take);

  private:
    struct Source;
    const PackSet& packs_;
    std::map<uint32_t, std::unique_ptr<Source>> sources_;  // by pack
};

// The whole contents of a packed file, for small files such as /etc/passwd: a limit error beyond `cap` bytes.
std::string read_contents(const PackSet& packs, tree::ContentRef content, size_t cap);

}  // namespace gbuild::pack
