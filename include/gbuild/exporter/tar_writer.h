// Tar archives (POSIX ustar with PAX records), written so that the same entries always give the same bytes: digests of
// layers stand on them, so no library's version may have a say. PAX records appear only where a header's field is too
// small, and for extended attributes (SCHILY.xattr.*, raw bytes, as docker and Go write and read them).
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "gbuild/tree/inode.h"

namespace gbuild::exporter {

using ByteConsumer = std::function<void(std::span<const std::byte>)>;

class TarWriter {
  public:
    explicit TarWriter(ByteConsumer output) : output_(std::move(output)) {}

    // `path` has no leading "/"; "" is the root, written as "./". After a regular file with a size exactly that many
    // bytes must follow through data(). Throws limit for device numbers that tar cannot hold, internal for a socket.
    void add(const std::string& path, const tree::Inode& inode);
    // A file of which only the data in `extents` follow, through data(), in GNU's PAX format 1.0. The extents are in
    // order and apart from each other.
    struct Extent {
        uint64_t offset = 0;
        uint64_t length = 0;
    };
    void add_sparse(const std::string& path, const tree::Inode& inode, std::span<const Extent> extents);
    // Another name of a file that was added as `target`.
    void add_link(const std::string& path, const std::string& target, const tree::Inode& inode);
    // A regular file 0644 of root's.
    void add_file(const std::string& path, uint64_t size, int64_t mtime);
    void data(std::span<const std::byte> bytes);
    // The end of the archive. Throws integrity when the last file is short.
    void finish();

  private:
    struct Entry;
    void write(const Entry& entry);
    void begin(uint64_t size);
    void pad();

    ByteConsumer output_;
    uint64_t left_ = 0;     // bytes of the current file still to come
    uint64_t padding_ = 0;  // after it
};

// Whether a PAX record can hold an attribute of this name.
bool tar_can_hold(const tree::Xattr& xattr);

}  // namespace gbuild::exporter
