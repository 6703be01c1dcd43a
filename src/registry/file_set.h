// The files of an image on disk, by name: a directory, or the members of a tar. Names never lead out of it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>

#include "gbuild/base/blob_sink.h"
#include "gbuild/base/digest.h"
#include "gbuild/base/fd.h"
#include "gbuild/registry/image_source.h"

namespace gbuild::registry {

// A stretch of an open file. Reading moves no file position, so threads may share it.
class FileExtent {
  public:
    FileExtent(std::shared_ptr<const UniqueFd> fd, uint64_t offset, uint64_t size) :
        fd_(std::move(fd)), offset_(offset), size_(size) {}

    uint64_t size() const { return size_; }
    // Throws limit beyond `cap`; `what` names the text.
    std::string read_text(uint64_t cap, const std::string& what) const;
    // The first bytes, at most as many as `out` holds.
    size_t read_head(std::span<std::byte> out) const;
    // Appends what follows sink.received() of these bytes; throws interrupted when asked to stop.
    void append_rest(BlobSink& sink, const std::stop_token& stop) const;
    Digest sha256(const std::stop_token& stop) const;

  private:
    template <class Consume>
    void read_from(uint64_t start, const std::stop_token& stop, Consume&& consume) const;

    std::shared_ptr<const UniqueFd> fd_;
    uint64_t offset_;
    uint64_t size_;
};

// Thread-safe once opened.
class FileSet {
  public:
    virtual ~FileSet() = default;
    // The regular file at `path`; nullopt when nothing is there. Links are followed inside the set only.
    virtual std::optional<FileExtent> find(const std::string& path) const = 0;
};

// A directory or a tar; a compressed tar as `unpack` makes it. Throws not_found; what `unpack` throws; and as TarIndex
// does, for a compressed tar where there is no `unpack`.
std::unique_ptr<FileSet> open_file_set(const std::string& path, const UnpackArchive& unpack = {});

// Throws integrity unless `text` has this digest and size.
void verify_text(std::string_view text, const Digest& digest, uint64_t size, const std::string& what);

}  // namespace gbuild::registry
