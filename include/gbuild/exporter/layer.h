// A file tree as a tar stream: the one layer of a container image, or a root file system.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "gbuild/base/digest.h"
#include "gbuild/exporter/tar_writer.h"
#include "gbuild/pack/pack.h"
#include "gbuild/tree/tree.h"

namespace gbuild::exporter {

enum class TarUse {
    layer,   // names that begin with ".wh." would be whiteouts
    rootfs,  // any name will do, and files with large holes are stored without them
};

// What a tar archive cannot hold and was left out: sockets, some names: "run/x: a socket", each.
using LeftOut = std::vector<std::string>;

// The tree in the order of its paths, hard links to the first of their names. Throws what reading the packs throws,
// interrupted.
LeftOut write_tar(const tree::Tree& tree, const pack::PackSet& packs, TarUse use, const std::stop_token& stop,
                  const ByteConsumer& output);

// Delivers the contents of a regular file.
using ReadContents = std::function<void(const tree::Inode&, const TakeRun&)>;

// What is at `path`, as of a root file system: a directory becomes the archive's root, a file is alone in it, with its
// own name.
LeftOut write_tar(const tree::Tree& tree, const std::string& path, const ReadContents& read,
                  const std::stop_token& stop, const ByteConsumer& output);

enum class Compression { none, gzip, zstd };
struct LevelRange {
    int lowest, highest, standard;
};
LevelRange level_range(Compression compression);

struct LayerOptions {
    Compression compression = Compression::gzip;
    std::optional<int> level;  // in level_range()
    unsigned threads = 1;
    std::stop_token stop;
};

struct Layer {
    Digest diff_id;  // of the tar
    Digest digest;   // of the blob
    uint64_t size = 0;
    std::string media_type;
    LeftOut left_out;
};

// Writes the blob to `fd`. Its bytes do not depend on `threads`.
Layer write_layer(const tree::Tree& tree, const pack::PackSet& packs, const LayerOptions& options, int fd);

}  // namespace gbuild::exporter
