// Layers in memory, packs and images made of them, and the programs that check the images.
#pragma once

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "gbuild/base/atomic_file.h"
#include "gbuild/base/error.h"
#include "gbuild/base/process.h"
#include "gbuild/pack/image_reader.h"
#include "gbuild/pack/image_writer.h"

namespace gbuild::pack::fixtures {

// Does not compress.
inline std::string noise(size_t size, uint64_t seed) {
    std::mt19937_64 random(seed);
    std::string text(size, '\0');
    for (char& c : text) c = static_cast<char>(random());
    return text;
}

// Compresses about as source code does.
inline std::string prose(size_t size, uint64_t seed) {
    constexpr std::string_view words[] = {"layer", "block ", "the\n", "of", " fragment", "squash", "0x7f", "inode; "};
    std::mt19937_64 random(seed);
    std::string text;
    while (text.size() < size) text += words[random() % std::size(words)];
    text.resize(size);
    return text;
}

class Layer : public tree::EntryStream {
  public:
    using Fill = std::function<void(uint64_t offset, std::span<std::byte> out)>;

    Layer& add(tree::LayerEntry entry, Fill fill = {}) {
        items_.push_back({std::move(entry), std::move(fill)});
        return *this;
    }
    Layer& add(std::string path, tree::Inode inode) {
        tree::LayerEntry entry;
        entry.path = std::move(path);
        entry.inode = std::move(inode);
        return add(std::move(entry));
    }
    Layer& directory(std::string path, uint16_t mode = 0755) {
        tree::Inode inode;
        inode.mode = mode;
        return add(std::move(path), inode);
    }
    Layer& file(std::string path, std::string content, tree::Inode inode = {}) {
        const uint64_t size = content.size();
        return file(
            std::move(path), size,
            [text = std::move(content)](uint64_t offset, std::span<std::byte> out) {
                std::memcpy(out.data(), text.data() + offset, out.size());
            },
            std::move(inode));
    }
    Layer& file(std::string path, uint64_t size, Fill fill, tree::Inode inode = {}) {
        tree::LayerEntry entry;
        entry.path = std::move(path);
        entry.inode = std::move(inode);
        entry.inode.type = tree::FileType::regular;
        entry.inode.size = size;
        return add(std::move(entry), std::move(fill));
    }
    Layer& symlink(std::string path, std::string target) {
        tree::Inode inode;
        inode.type = tree::FileType::symlink;
        inode.mode = 0777;
        inode.target = std::move(target);
        return add(std::move(path), inode);
    }
    Layer& link(std::string path, std::string target) {
        tree::LayerEntry entry;
        entry.kind = tree::EntryKind::hard_link;
        entry.path = std::move(path);
        entry.target = std::move(target);
        return add(std::move(entry));
    }
    Layer& whiteout(std::string path) {
        tree::LayerEntry entry;
        entry.kind = tree::EntryKind::whiteout;
        entry.path = std::move(path);
        return add(std::move(entry));
    }

    bool next(tree::LayerEntry& entry) override {
        if (next_ == items_.size()) return false;
        entry = items_[next_++].entry;
        offset_ = 0;
        return true;
    }
    void read(std::span<std::byte> out) override {
        items_[next_ - 1].fill(offset_, out);
        offset_ += out.size();
    }
    void rewind() { next_ = 0; }
    std::vector<tree::LayerEntry> entries() const {
        std::vector<tree::LayerEntry> all;
        for (const Item& item : items_) all.push_back(item.entry);
        return all;
    }

  private:
    struct Item {
        tree::LayerEntry entry;
        Fill fill;
    };
    std::vector<Item> items_;
    size_t next_ = 0;
    uint64_t offset_ = 0;
};

inline UniqueFd memory_file() {
    UniqueFd fd(memfd_create("test", MFD_CLOEXEC));
    if (!fd) throw_errno("memfd_create");
    return fd;
}
inline UniqueFd memory_file(std::string_view bytes) {
    UniqueFd fd = memory_file();
    pwrite_all(fd.get(), as_bytes(bytes), 0);
    return fd;
}
inline std::string bytes_of(int fd) {
    std::string bytes(file_size(fd), '\0');
    pread_exact(fd, std::as_writable_bytes(std::span(bytes)), 0, "the file");
    return bytes;
}

inline PackOptions small_blocks() {
    PackOptions options;
    options.block_size = 4096;
    return options;
}
inline PackOptions with_codec(Codec codec) {
    PackOptions options;
    options.codec = codec;
    options.level = level_range(codec).standard;
    return options;
}

inline std::string pack_bytes(Layer& layer, const PackOptions& options, unsigned threads = 1) {
    layer.rewind();
    const UniqueFd fd = memory_file();
    WritePackJob job;
    job.options = options;
    job.threads = threads;
    write_pack(layer, job, fd.get());
    return bytes_of(fd.get());
}
inline std::shared_ptr<const Pack> make_pack(Layer& layer, const PackOptions& options, unsigned threads = 1) {
    return Pack::open(memory_file(pack_bytes(layer, options, threads)), options);
}

// Layers merged, with their packs.
struct Stack {
    explicit Stack(const PackOptions& options) : packs(options) {}
    Stack(const PackOptions& options, std::initializer_list<Layer*> layers) : Stack(options) {
        for (Layer* layer : layers) add(*layer);
    }
    Stack& add(Layer& layer, unsigned threads = 1) {
        const uint32_t number = packs.add(make_pack(layer, packs.options(), threads));
        tree.apply(packs.at(number).entries(number));
        return *this;
    }
    std::string contents(const std::string& path) const {
        return read_contents(packs, tree.find(path, tree::FollowLast::no)->inode->content, SIZE_MAX);
    }

    PackSet packs;
    tree::Tree tree;
};

// An image in a directory that goes away with it.
class Image {
  public:
    explicit Image(const Stack& stack, unsigned threads = 1) {
        WriteImageJob job;
        job.threads = threads;
        job.trailer_json = R"({"Image":"test"})";
        const UniqueFd fd = open_file(path(), O_RDWR | O_CREAT | O_EXCL);
        summary_ = write_image(stack.tree, stack.packs, job, fd.get());
    }
    explicit Image(std::string_view bytes) { write_all(open_file(path(), O_WRONLY | O_CREAT | O_EXCL).get(), bytes); }
    std::string path() const { return (directory_.path() / "image.gvmi").native(); }
    std::string sibling(const std::string& name) const { return (directory_.path() / name).native(); }
    std::string bytes() const { return bytes_of(open_file(path(), O_RDONLY).get()); }
    const ImageSummary& summary() const { return summary_; }

  private:
    TempDir directory_;
    ImageSummary summary_;
};

inline std::string read_all(const ImageReader& reader, const tree::Inode& inode) {
    std::string text;
    reader.read_file(inode, [&](const ContentRun& run) {
        pass_bytes(run, [&](std::span<const std::byte> bytes) { text += as_text(bytes); });
    });
    return text;
}

// Everything about a tree but where contents are; files that are one inode show the same first path.
inline std::vector<std::string> describe(const tree::Tree& tree) {
    std::vector<std::string> lines;
    std::map<const tree::Inode*, std::string> first;
    tree.walk([&](const std::string& path, const tree::Node& node) {
        const tree::Inode& inode = *node.inode;
        const std::string& same = first.try_emplace(&inode, path).first->second;
        std::string xattrs;
        for (const tree::Xattr& xattr : inode.xattrs) xattrs += fmt::format(" {}={}", xattr.name, xattr.value);
        lines.push_back(fmt::format("/{} type {} mode {:o} {}:{} mtime {} size {} device {}:{} -> {} ={}{}", path,
                                    static_cast<int>(inode.type), inode.mode, inode.uid, inode.gid, inode.mtime,
                                    inode.size, inode.device_major, inode.device_minor, inode.target, same, xattrs));
    });
    return lines;
}

inline bool have_program(const std::string& name) {
    try {
        run_command({name, "--help"});
        return true;
    } catch (const Error& error) {
        if (error.kind() == ErrorKind::not_found) return false;
        throw;
    }
}

// An image mounted by the running kernel. Needs root; why it could not be mounted otherwise.
class KernelMount {
  public:
    explicit KernelMount(const std::string& image) {
        if (geteuid() != 0) {
            problem_ = "only root can mount";
            return;
        }
        const CommandResult result =
            run_command({"mount", "-t", "squashfs", "-o", "loop,ro", image, directory_.path().native()});
        if (result.exit_code != 0) problem_ = result.err;
    }
    KernelMount(const KernelMount&) = delete;
    KernelMount& operator=(const KernelMount&) = delete;
    ~KernelMount() {
        if (problem_.empty()) run_command({"umount", directory_.path().native()});
    }
    // Empty when mounted.
    const std::string& problem() const { return problem_; }
    std::filesystem::path path(const std::string& inside = {}) const { return directory_.path() / inside; }

  private:
    TempDir directory_;
    std::string problem_;
};

}  // namespace gbuild::pack::fixtures
