#include "gbuild/bases/extraction.h"

namespace gbuild::build {

layer::ExtractOptions extraction_options(layer::Ownership ownership, pack::ContentReader& contents) {
    layer::ExtractOptions options;
    options.ownership = ownership;
    options.device_placeholders = true;
    options.read = [&](const tree::Inode& inode, const TakeRun& take) {
        if (!inode.content.empty()) contents.read(inode.content, take);
    };
    return options;
}

}  // namespace gbuild::build
