// Runs COPY steps for the tests: the result lies over the image as a build would lay it.
#pragma once

#include "copy_fixture.h"

namespace gbuild::test {

inline plan::CopyStep copy_step(std::vector<std::string> paths, std::string destination) {
    plan::CopyStep step;
    step.paths = std::move(paths);
    step.destination = std::move(destination);
    return step;
}
inline plan::CopyStep add_step(std::vector<std::string> paths, std::string destination) {
    plan::CopyStep step = copy_step(std::move(paths), std::move(destination));
    step.is_add = true;
    return step;
}

constexpr int64_t test_epoch = 1'000'000;

struct Copied {
    tree::Tree image;  // with the layer applied
    tree::LayerTree ready;
    Streamed packed;
    Digest key;
    bool has_stream = false;
    std::vector<Event> remarks = {};

    const tree::Inode* at(const std::string& path) const {
        const tree::Node* node = image.find(path, tree::FollowLast::no);
        return node ? node->inode.get() : nullptr;
    }
    std::string text(const std::string& path) const { return packed.contents.at(path); }
    tree::Owner owner(const std::string& path) const { return {at(path)->uid, at(path)->gid}; }
};

inline Copied run_copy(const plan::CopyStep& step, std::variant<const build::ContextDir*, build::TreeSource> source,
                       const tree::Tree& image) {
    auto accounts = [] { return tree::Accounts{"bin:x:2:3::/bin:/bin/sh\n", "bin:x:3:\nstaff:x:50:\n"}; };
    build::CopyResult result = build::copy_layer({step, std::move(source), image, accounts, test_epoch});
    Copied copied{image.clone(),      std::move(result.ready),   {},
                  result.content_key, result.to_pack != nullptr, std::move(result.remarks)};
    if (result.to_pack) copied.packed = read_stream(*result.to_pack);
    copied.image.apply(copied.ready);
    copied.image.apply(copied.packed.entries);
    return copied;
}
inline Copied copy(const TestContext& files, const plan::CopyStep& step, const tree::Tree& image = {}) {
    build::ContextDir context = files.open();
    return run_copy(step, &context, image);
}
inline Copied copy_from(const tree::Tree& source, const plan::CopyStep& step, const tree::Tree& image = {}) {
    return run_copy(step, build::TreeSource{&source, "stage \"build\""}, image);
}

}  // namespace gbuild::test
