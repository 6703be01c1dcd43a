// A layer's tar, merged into a tree over another layer.
#include <algorithm>
#include <array>

#include "fuzzing.h"
#include "gbuild/layer/tar_stream.h"
#include "gbuild/tree/tree.h"

using namespace gbuild;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    return fuzz::with_input([&] {
        const auto entries = layer::read_tar(fuzz::source_of(fuzz::text_of(data, size)), {});
        tree::LayerTree layer;
        tree::LayerEntry entry;
        std::array<std::byte, 1000> buffer;
        while (entries->next(entry)) {
            if (entry.kind == tree::EntryKind::inode) {
                for (uint64_t left = std::min<uint64_t>(entry.inode.size, size); left > 0;) {
                    const uint64_t zeros = std::min(entries->zeros(), left);
                    entries->skip_zeros(zeros);
                    left -= zeros;
                    const auto piece = std::span(buffer).first(std::min<uint64_t>(left, buffer.size()));
                    entries->read(piece);
                    left -= piece.size();
                }
            }
            layer.push_back(entry);
        }
        tree::Tree tree;
        tree.apply(layer);
        tree.apply(std::move(layer));
    });
}
