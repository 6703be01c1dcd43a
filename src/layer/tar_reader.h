// A tar stream as layer entries. Our own parser, since libarchive (3.6) changes names in PAX headers to Unicode's
// composed form, ignores global PAX headers, and reports malformed headers as warnings that later ones overwrite.
#pragma once

#include "gbuild/layer/tar_stream.h"
#include "pax.h"
#include "sparse.h"
#include "tar_header.h"
#include "tar_input.h"

namespace gbuild::layer {

class TarReader : public tree::EntryStream {
  public:
    TarReader(std::unique_ptr<ByteSource> tar, TarOptions options);
    bool next(tree::LayerEntry& entry) override;
    void read(std::span<std::byte> out) override;
    uint64_t zeros() override;
    void skip_zeros(uint64_t count) override { at_ += count; }

  private:
    // A header with the extended headers before it applied.
    struct Member {
        TarBlock block{};
        TarHeader header;
        PaxRecords pax;
    };
    enum class Use { entry, none };

    bool next_member(Member& member);
    bool read_block(TarBlock& block);
    std::string read_extension(const TarHeader& header);
    Use make_entry(const Member& member, tree::LayerEntry& entry);
    tree::Inode make_inode(const Member& member, tree::FileType type) const;
    void begin_contents(const Member& member);
    void skip_contents();
    enum class Stored { no, yes };
    struct Run {
        uint64_t length;
        Stored stored;
    };
    Run current_run();

    TarInput input_;
    Whiteouts whiteouts_;
    RootEntry root_;
    PaxRecords global_;
    uint64_t total_size_ = 0;  // of all files, holes included

    // The current file.
    std::string name_;             // for messages
    std::vector<Extent> extents_;  // what is stored of it
    size_t extent_ = 0;            // the first that is not read to its end
    uint64_t at_ = 0;              // position in the file, holes included
    uint64_t size_ = 0;            // of the file, holes included
    uint64_t stored_left_ = 0;     // bytes of it still to come in the stream
    uint64_t padding_ = 0;
};

}  // namespace gbuild::layer
