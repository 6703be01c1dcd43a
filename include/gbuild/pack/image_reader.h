// Reading a .gvmi back. Nothing of it is trusted: sizes and offsets are checked, a garbage file is an integrity error.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "gbuild/base/content_run.h"
#include "gbuild/base/fd.h"
#include "gbuild/pack/options.h"
#include "gbuild/tree/tree.h"

namespace gbuild::pack {

struct SuperblockFacts {
    Codec codec = Codec::gzip;
    uint32_t block_size = 0;
    uint32_t inode_count = 0;
    uint32_t fragment_count = 0;
    uint16_t id_count = 0;
    int64_t created = 0;
    uint64_t bytes_used = 0;
    bool exportable = false;
    bool xattrs = false;
};

// What a byte of the file belongs to.
struct ImagePlace {
    std::string_view structure;  // "the inode table", "the data"
    std::string path;            // of data: the first file it is of, as an image path
};

// Where a regular file's contents are, and what they take. Files with the same places share them.
struct StoredContents {
    static constexpr uint64_t nowhere = UINT64_MAX;
    uint64_t start = nowhere;  // of the first whole block
    uint64_t blocks = 0;       // bytes of the whole blocks, compressed
    // The end of the file, in a block with other files' ends.
    uint64_t fragment = nowhere;   // where that is
    uint64_t fragment_size = 0;    // its bytes, compressed
    uint32_t fragment_offset = 0;  // of the file's end in it, not compressed
    uint32_t fragment_part = 0;    // likewise, the bytes that are the file's
    bool same_place(const StoredContents& other) const {
        return start == other.start && fragment == other.fragment && fragment_offset == other.fragment_offset;
    }
};

// For one thread at a time.
class ImageReader {
  public:
    // Throws not_found, io; integrity for anything that is not a .gvmi (bad magic, CRC, JSON length).
    explicit ImageReader(const std::string& path);
    ~ImageReader();

    const SuperblockFacts& superblock() const;
    const std::string& trailer_json() const;
    uint64_t file_size() const;
    std::string sha3() const;  // reads the whole file

    // The tree. Throws integrity, or limit for one that would take gigabytes of memory. ContentRef::number of a regular
    // file is its inode number, for read_file.
    tree::Tree read_tree() const;
    // The contents of a regular file of the tree that this object read, in runs. Throws integrity.
    void read_file(const tree::Inode& file, const TakeRun& take) const;
    // The same, for the caller to take run by run. One at a time, and none longer than this object.
    std::unique_ptr<RunSource> file_source(const tree::Inode& file) const;
    // Of such a file. Throws integrity.
    StoredContents stored(const tree::Inode& file) const;
    // `tree` is what this object read last. Throws integrity.
    ImagePlace place_of(uint64_t offset, const tree::Tree& tree) const;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace gbuild::pack
