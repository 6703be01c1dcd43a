// A whole tar stream as values.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "gbuild/base/error.h"
#include "gbuild/base/fd.h"
#include "gbuild/layer/tar_stream.h"
#include "gbuild/tree/tree.h"
#include "support/tar_builder.h"

namespace gbuild::layer {

using test::TarBuilder;
using test::TarFields;

// A source that owns its bytes and gives them out in runs.
class OwnedSource : public ByteSource {
  public:
    explicit OwnedSource(std::string bytes, size_t run = SIZE_MAX) :
        bytes_(std::move(bytes)), source_(as_bytes(bytes_), run) {}
    std::span<const std::byte> next() override { return source_.next(); }

  private:
    std::string bytes_;
    MemorySource source_;
};

inline std::unique_ptr<ByteSource> source_of(std::string bytes, size_t run = SIZE_MAX) {
    return std::make_unique<OwnedSource>(std::move(bytes), run);
}

inline std::string drain(ByteSource& source) {
    std::string all;
    for (auto run = source.next(); !run.empty(); run = source.next()) all += as_text(run);
    return all;
}

struct Layer {
    tree::LayerTree entries;
    std::map<std::string, std::string> contents;  // by path, the last of a name
};

inline Layer collect(tree::EntryStream& stream, size_t piece = 4096) {
    Layer layer;
    tree::LayerEntry entry;
    while (stream.next(entry)) {
        std::string contents(entry.inode.size, '?');
        for (size_t at = 0; at < contents.size(); at += piece) {
            const size_t length = std::min(piece, contents.size() - at);
            stream.read(std::as_writable_bytes(std::span(contents.data() + at, length)));
        }
        if (entry.kind == tree::EntryKind::inode && entry.inode.type == tree::FileType::regular) {
            layer.contents[entry.path] = contents;
        }
        layer.entries.push_back(entry);
    }
    return layer;
}

inline Layer read_layer(const std::string& tar, TarOptions options = {}, size_t run = SIZE_MAX) {
    return collect(*read_tar(source_of(tar, run), std::move(options)));
}
inline Layer read_layer(const TarBuilder& tar) { return read_layer(tar.finish()); }

// The only entry of an archive.
inline tree::LayerEntry only_entry(const TarBuilder& tar) {
    Layer layer = read_layer(tar);
    if (layer.entries.size() != 1) throw std::runtime_error("not exactly one entry");
    return layer.entries.front();
}

// What reading throws; nullopt-free: fails when it throws nothing.
inline Error error_of(const std::string& tar, TarOptions options = {}) {
    try {
        read_layer(tar, std::move(options));
    } catch (const Error& error) {
        return error;
    }
    throw std::runtime_error("no error");
}
inline Error error_of(const TarBuilder& tar) { return error_of(tar.finish()); }

}  // namespace gbuild::layer
