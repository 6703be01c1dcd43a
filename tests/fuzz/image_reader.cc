// A .gvmi file: its tree, its contents, and what its bytes belong to.
#include <fmt/format.h>

#include "fuzzing.h"
#include "gbuild/pack/image_reader.h"

using namespace gbuild;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    return fuzz::with_input([&] {
        const UniqueFd file = fuzz::file_of(fuzz::text_of(data, size));
        const pack::ImageReader reader(fmt::format("/proc/self/fd/{}", file.get()));
        const tree::Tree tree = reader.read_tree();
        reader.place_of(size / 2, tree);
        tree.walk([&](const std::string&, const tree::Node& node) {
            if (node.inode->type != tree::FileType::regular) return;
            // The first mebibyte: a small image may describe terabytes.
            const auto source = reader.file_source(*node.inode);
            for (uint64_t seen = 0; seen < 1 << 20;) {
                const ContentRun run = source->next();
                if (run.empty()) break;
                seen += run.size();
            }
        });
    });
}
