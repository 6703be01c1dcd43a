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

enum class Whiteouts { interpret, keep_as_files };  // ADD unpacks archives literally

struct TarOptions {
    Whiteouts whiteouts = Whiteouts::interpret;
    std::string what = "layer";     // for errors
    std::optional<Digest> diff_id;  // of the uncompressed tar; checked at the end
};

// Entries of an uncompressed tar: ustar, PAX (global and per-file), GNU long names, GNU and PAX sparse, xattrs
// (SCHILY.xattr.*, LIBARCHIVE.xattr.*), base-256 numbers. Hostile input gives an integrity or limit error: names that
// leave the root, ids beyond 32 bits, a root that is not a directory, bare ".wh.", truncated archives. A stream with no
// entries at all is an empty layer.
std::unique_ptr<tree::EntryStream> read_tar(std::unique_ptr<ByteSource> tar, TarOptions options);

// Any archive that ADD unpacks: tar, plain or compressed with gzip, bzip2, xz or zstd. `is_archive` looks at the first
// bytes as docker does; 512 bytes are enough.
bool is_archive(std::span<const std::byte> head);
std::unique_ptr<tree::EntryStream> read_archive(std::unique_ptr<ByteSource> file, TarOptions options);

}  // namespace gbuild::layer
