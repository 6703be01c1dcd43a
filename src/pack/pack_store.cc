#include "gbuild/pack/pack_store.h"

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/fd.h"

namespace gbuild::pack {

// Entry by entry: a layer's tree and the image's side by side would be the most memory that a build takes.
void apply_pack(tree::Tree& tree, const Pack& pack, uint32_t number, uint64_t max_files) {
    const tree::LayerVisit layer = [&](const auto& take) { pack.visit_entries(number, take); };
    check_file_count(tree, layer, pack.entry_count(), max_files);
    tree.apply(layer);
}

void check_file_count(const tree::Tree& tree, const tree::LayerVisit& layer, uint64_t entries, uint64_t max_files) {
    const uint64_t there = tree.size();
    if (there + entries <= max_files) return;
    uint64_t added = 0;
    layer([&](const tree::LayerEntry& entry) {
        const bool is_file = entry.kind == tree::EntryKind::inode || entry.kind == tree::EntryKind::hard_link;
        if (is_file && !tree.find(entry.path, tree::FollowLast::no)) ++added;
    });
    if (there + added <= max_files) return;
    throw Error(ErrorKind::limit, fmt::format("the image would have {} files, directories and links; the limit is {}",
                                              there + added, max_files))
        .hint("leave some out, or raise the limit with --max-files: each takes some 600 bytes of memory");
}

std::string pack_key(const Digest& layer, const PackOptions& packing) { return layer.text() + " " + packing.key(); }

std::shared_ptr<const Pack> open_stored_pack(const store::Store& store, const std::string& key, const Digest& layer,
                                             const PackOptions& packing) {
    auto fd = store.open_pack(key);
    if (!fd) return nullptr;
    try {
        return Pack::open(std::move(*fd), packing, layer);
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::integrity) throw;
        store.remove_pack(key);
        return nullptr;
    }
}

std::shared_ptr<const Pack> commit_pack(const store::Store& store, AtomicFile& file, const PackOptions& packing) {
    return store.writing([&] {
        auto pack = Pack::open(duplicate(file.fd()), packing);
        file.commit();
        return pack;
    });
}

}  // namespace gbuild::pack
