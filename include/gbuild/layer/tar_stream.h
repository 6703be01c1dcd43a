// A layer's tar stream as entries (image-spec, layer.md): compressed bytes in, entries and contents out, digests
// checked.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "gbuild/base/byte_source.h"
#include "gbuild/tree/layer_tree.h"

namespace gbuild::layer {

// Inflates by magic bytes: gzip (several members, junk after the last one ignored as gzip does, with CRCs checked),
// zstd (window capped), or nothing. Throws integrity for damaged data, limit beyond `max_size` inflated bytes.
std::unique_ptr<ByteSource> decompress(std::unique_ptr<ByteSource> inner, std::string what,
                                       uint64_t max_size = uint64_t{1} << 40);

// The same for archives, which bzip2 and xz may have compressed as well.
std::unique_ptr<ByteSource> decompress_archive(std::unique_ptr<ByteSource> inner, std::string what, uint64_t max_size);

enum class Whiteouts { interpret, keep_as_files };  // ADD unpacks archives literally

// Entries for the root itself ("./", "/", an empty name): a layer gives the image's root its attributes; who unpacks an
// archive into a directory of his own skips them, whatever type they have.
enum class RootEntry { interpret, skip };

struct TarOptions {
    Whiteouts whiteouts = Whiteouts::interpret;
    std::string what = "layer";     // for errors
    std::optional<Digest> diff_id;  // of the uncompressed tar; checked at the end
    RootEntry root = RootEntry::interpret;
};

// Entries of an uncompressed tar: v7, ustar, PAX (global and per-file), GNU long names, GNU and PAX sparse, xattrs
// (SCHILY.xattr.*, LIBARCHIVE.xattr.*), base-256 numbers. Names are bytes, also where PAX asks for UTF-8. POSIX ACLs
// (SCHILY.acl.*) become xattrs with the kernel's names, system.posix_acl_access and _default, and the record's text as
// value: squashfs cannot hold them, but whoever drops them can name them. Owner names are ignored, numbers count. A
// symbolic link's mode is 0777, as Linux has it, whatever the header says.
//
// Hostile input gives an integrity or limit error: names that leave the root, a root that is not a directory, bare
// ".wh.", malformed headers, truncated archives; ids beyond 32 bits, device numbers that squashfs cannot hold, files of
// more than 16 TiB together, holes included. Entry types that are no files (volume labels, dumps) are unsupported. The
// end of the stream between two entries is an end of the archive, and whatever follows the end-of-archive mark is
// ignored, both as in all tar readers. A stream with no entries at all is an empty layer.
std::unique_ptr<tree::EntryStream> read_tar(std::unique_ptr<ByteSource> tar, TarOptions options);

// Any archive that ADD unpacks: tar, plain or compressed with gzip, bzip2, xz or zstd.
std::unique_ptr<tree::EntryStream> read_archive(std::unique_ptr<ByteSource> file, TarOptions options);

// Whether a file may be such an archive, by its first bytes (512 are enough): a compressor's magic, or a tar header
// with a right checksum. What a compressed file holds is only known by reading it.
bool is_archive(std::span<const std::byte> head);
// Whether `file`, inflated, begins with a tar header: whatever is wrong behind that is wrong with an archive. Damaged
// compressed data is no archive. Throws what reading `file` throws.
bool begins_with_tar(std::unique_ptr<ByteSource> file);

}  // namespace gbuild::layer
