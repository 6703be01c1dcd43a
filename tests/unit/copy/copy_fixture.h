// Build contexts on disk and images in memory, for the tests of COPY and ADD.
#pragma once

#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "gbuild/base/atomic_file.h"
#include "gbuild/base/error.h"
#include "gbuild/copy/copy_layer.h"
#include "support/catch.h"

namespace gbuild::test {

namespace fs = std::filesystem;

// A directory of files whose modes are what is asked for, whatever the umask.
class TestContext {
  public:
    TestContext() { fs::permissions(dir_.path(), fs::perms(0755)); }

    const fs::path& path() const { return dir_.path(); }
    TestContext& file(const std::string& name, std::string_view text = "", mode_t mode = 0644) {
        fs::create_directories((path() / name).parent_path());
        std::ofstream(path() / name, std::ios::binary) << text;
        REQUIRE(::chmod((path() / name).c_str(), mode) == 0);
        return *this;
    }
    TestContext& directory(const std::string& name, mode_t mode = 0755) {
        fs::create_directories(path() / name);
        REQUIRE(::chmod((path() / name).c_str(), mode) == 0);
        return *this;
    }
    TestContext& link(const std::string& name, const std::string& target) {
        fs::create_directories((path() / name).parent_path());
        fs::create_symlink(target, path() / name);
        return *this;
    }
    build::ContextDir open(std::string_view ignore = "") const {
        return build::ContextDir(RootedDir(path()), dockerfile::IgnoreRules::parse(ignore, ".dockerignore"));
    }

  private:
    TempDir dir_;
};

// Entries of a tree that a layer puts there.
inline tree::LayerEntry entry(std::string path, tree::FileType type, uint16_t mode, tree::Owner owner = {}) {
    tree::LayerEntry made;
    made.path = std::move(path);
    made.inode.type = type;
    made.inode.mode = mode;
    made.inode.uid = owner.uid;
    made.inode.gid = owner.gid;
    return made;
}
inline tree::LayerEntry dir(std::string path, uint16_t mode = 0755, tree::Owner owner = {}) {
    return entry(std::move(path), tree::FileType::directory, mode, owner);
}
// With contents in pack 0, file `number`.
inline tree::LayerEntry file(std::string path, uint32_t number = 0, uint16_t mode = 0644, tree::Owner owner = {}) {
    tree::LayerEntry made = entry(std::move(path), tree::FileType::regular, mode, owner);
    made.inode.size = 100 + number;
    made.inode.content = {0, number};
    return made;
}
inline tree::LayerEntry soft_link(std::string path, std::string target) {
    tree::LayerEntry made = entry(std::move(path), tree::FileType::symlink, 0777);
    made.inode.target = std::move(target);
    return made;
}
inline tree::LayerEntry hard_link(std::string path, std::string target) {
    tree::LayerEntry made;
    made.kind = tree::EntryKind::hard_link;
    made.path = std::move(path);
    made.target = std::move(target);
    return made;
}
inline tree::Tree tree_of(const tree::LayerTree& layer) {
    tree::Tree tree;
    tree.apply(layer);
    return tree;
}

// What a stream yields, its contents read in runs of odd sizes.
struct Streamed {
    tree::LayerTree entries;
    std::map<std::string, std::string> contents;
};
inline Streamed read_stream(tree::EntryStream& stream) {
    Streamed streamed;
    tree::LayerEntry next;
    while (stream.next(next)) {
        if (next.kind == tree::EntryKind::inode && next.inode.type == tree::FileType::regular) {
            std::string text(next.inode.size, '\0');
            for (size_t at = 0; at < text.size(); at += 1000) {
                size_t run = std::min<size_t>(1000, text.size() - at);
                stream.read(std::as_writable_bytes(std::span(text).subspan(at, run)));
            }
            streamed.contents[next.path] = std::move(text);
        }
        streamed.entries.push_back(next);
    }
    return streamed;
}

// The error that `body` throws.
template <class Body>
Error error_of(Body&& body) {
    try {
        body();
    } catch (const Error& error) {
        return error;
    }
    throw std::runtime_error("no error was thrown");
}

}  // namespace gbuild::test
