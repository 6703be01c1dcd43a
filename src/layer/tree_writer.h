// Nodes of a tree, written to a directory on disk with everything below them.
#pragma once

#include <sys/stat.h>

#include <optional>
#include <string>
#include <unordered_map>

#include "gbuild/layer/extract.h"
#include "gbuild/tree/tree.h"
#include "held_file.h"

namespace gbuild::layer {

// Whether a new directory hides what the layers below have there.
enum class Opaque { no, yes };

// Paths are those of the directory that `root` holds open. All must outlive the writer.
class TreeWriter {
  public:
    TreeWriter(const ExtractOptions& options, int root) : options_(options), root_(root) {}

    // The inodes below `node` that have several names become hard links as far as they are written.
    void expect_links(const tree::Node& node);
    size_t names_of(const tree::Inode& inode) const;
    // The inode is on disk already under this name; others become links to it.
    void adopt(const tree::Inode& inode, const std::string& path);

    // The name must be free. Throws as extract() does.
    void write(const HeldName& file, const tree::Node& node, Opaque opaque = Opaque::no);
    void write_children(int directory, const std::string& path, const tree::Node& node);

    ExtractSummary& summary() { return summary_; }

  private:
    // Where an inode with several names was written first.
    struct Written {
        std::string path;
        dev_t device = 0;
        ino_t number = 0;
    };

    bool link_to_earlier(const HeldName& file, const tree::Inode& inode);
    HeldFile create_directory(const HeldName& file, const tree::Node& node);
    HeldFile create_file(const HeldName& file);
    void write_contents(const HeldFile& held, const HeldName& file, const tree::Inode& inode);
    // nullopt: it was left out.
    std::optional<HeldFile> create_special(const HeldName& file, const tree::Inode& inode);
    std::optional<HeldFile> replace_device(const HeldName& file, const tree::Inode& inode);
    std::optional<HeldFile> create(const HeldName& file, const tree::Node& node);
    void remember(const HeldFile& held, const HeldName& file, const tree::Inode& inode);

    const ExtractOptions& options_;
    int root_;
    ExtractSummary summary_;
    std::unordered_map<const tree::Inode*, size_t> names_;
    std::unordered_map<const tree::Inode*, Written> written_;
};

}  // namespace gbuild::layer
