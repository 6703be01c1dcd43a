// Writes nodes of a tree into directories, one after the other.
#pragma once

#include <sys/stat.h>

#include <string>
#include <unordered_map>

#include "extract_attributes.h"
#include "gbuild/base/rooted.h"
#include "gbuild/layer/extract.h"

namespace gbuild::layer {

class Extractor {
  public:
    Extractor(const ExtractOptions& options, const RootedDir& root) : options_(options), root_(root) {}

    // Announces a node and what is below it: names of one inode become hard links of each other.
    void announce(const tree::Node& node);
    // Makes `name` in `directory`, which is at `parent` below the root, with all that is below the node.
    void extract_node(int directory, const std::string& name, const std::string& parent, const tree::Node& node);
    void extract_children(int directory, const std::string& path, const tree::Node& node);

    ExtractSummary take_summary() { return std::move(summary_); }

  private:
    // Where an inode with several names was written first.
    struct Written {
        std::string path;
        dev_t device = 0;
        ino_t number = 0;
    };

    bool link_to_earlier(const HeldName& file, const tree::Node& node);
    void remember(const HeldName& file, const tree::Node& node);
    bool create(const HeldName& file, const tree::Node& node);
    void create_directory(const HeldName& file, const tree::Node& node);
    void create_file(const HeldName& file, const tree::Inode& inode);
    bool create_special(const HeldName& file, const tree::Inode& inode);
    bool create_device(const HeldName& file, const tree::Inode& inode);
    bool skip_device(const HeldName& file);
    struct stat stat_of(const HeldName& file) const;
    [[noreturn]] void fail(std::string_view verb, const HeldName& file) const;

    const ExtractOptions& options_;
    const RootedDir& root_;
    ExtractSummary summary_;
    std::unordered_map<const tree::Inode*, size_t> names_;
    std::unordered_map<const tree::Inode*, Written> written_;
};

}  // namespace gbuild::layer
