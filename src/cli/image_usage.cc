#include "gbuild/cli/image_usage.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <unordered_map>
#include <unordered_set>

#include "gbuild/base/digest.h"
#include "gbuild/base/error.h"

namespace gbuild::cli {

namespace {

using pack::StoredContents;

// What tells places apart.
using Place = std::tuple<uint64_t, uint64_t, uint32_t>;
Place place_of(const StoredContents& stored) { return {stored.start, stored.fragment, stored.fragment_offset}; }

struct Contents {
    const tree::Inode* inode = nullptr;
    StoredContents stored;
    std::vector<std::string> paths;
};

class Measurement {
  public:
    Measurement(const pack::ImageReader& image, const build::Provenance* provenance, const std::stop_token& stop) :
        image_(image), provenance_(provenance), stop_(stop) {}

    ImageUsage run(const tree::Tree& tree, Duplicates duplicates) {
        note_contents(tree.root(), "");
        ImageUsage usage;
        usage.root = add(tree.root(), "");
        if (duplicates == Duplicates::find) usage.duplicates = find_duplicates();
        return usage;
    }

  private:
    void check_stop() const {
        if (stop_.stop_requested()) throw Error(ErrorKind::interrupted, "interrupted");
    }

    // A block with the ends of several files is shared out among them, so it has to be known first how many bytes
    // are in it.
    void note_contents(const tree::Node& node, const std::string& path) {
        for (const auto& [name, child] : node.children) {
            const std::string below = path + "/" + name;
            if (child->is_directory()) {
                note_contents(*child, below);
                continue;
            }
            const tree::Inode* inode = child->inode.get();
            if (inode->content.empty() || !met_.insert(inode).second) continue;
            check_stop();
            const StoredContents stored = image_.stored(*inode);
            auto [found, is_new] = contents_.try_emplace(place_of(stored), Contents{inode, stored, {}});
            if (is_new && stored.fragment != StoredContents::nowhere) ends_[stored.fragment] += stored.fragment_part;
            if (inode->size >= Duplicate::smallest) found->second.paths.push_back(below);
        }
    }

    uint64_t bytes_of(const StoredContents& stored) const {
        if (stored.fragment == StoredContents::nowhere) return stored.blocks;
        const uint64_t all = ends_.at(stored.fragment);
        return stored.blocks + (all == 0 ? 0 : stored.fragment_size * stored.fragment_part / all);
    }

    int next_step() {
        if (!provenance_) return -1;
        while (run_ < provenance_->runs.size() && used_ == provenance_->runs[run_].second) {
            ++run_;
            used_ = 0;
        }
        if (run_ == provenance_->runs.size()) return -1;
        ++used_;
        return provenance_->runs[run_].first;
    }

    // In the order of Tree::walk(), which the steps are told in.
    Usage add(const tree::Node& node, const std::string& name) {
        Usage usage;
        usage.name = name;
        usage.is_directory = node.is_directory();
        usage.step = next_step();
        if (!usage.is_directory) {
            add_file(usage, *node.inode);
            return usage;
        }
        usage.children.reserve(node.children.size());
        for (const auto& [child_name, child] : node.children) {
            const Usage& child_usage = usage.children.emplace_back(add(*child, child_name));
            usage.size += child_usage.size;
            usage.stored += child_usage.stored;
            usage.files += child_usage.files;
            if (child_usage.is_directory) {
                for (const auto& [step, bytes] : child_usage.by_step) usage.by_step[step] += bytes;
            } else if (child_usage.step >= 0) {
                usage.by_step[child_usage.step] += child_usage.size;
            }
        }
        std::stable_sort(usage.children.begin(), usage.children.end(),
                         [](const Usage& a, const Usage& b) { return a.size > b.size; });
        return usage;
    }

    void add_file(Usage& usage, const tree::Inode& inode) {
        usage.files = 1;
        if (inode.type != tree::FileType::regular || inode.content.empty() || !counted_.insert(&inode).second) return;
        usage.size = inode.size;
        const StoredContents stored = image_.stored(inode);
        if (placed_.insert(place_of(stored)).second) usage.stored = bytes_of(stored);
    }

    std::string hash_of(const tree::Inode& inode) const {
        Hasher hasher(HashAlgorithm::sha256);
        image_.read_file(inode, [&](const ContentRun& run) {
            check_stop();
            pass_bytes(run, [&](std::span<const std::byte> bytes) { hasher.update(bytes); });
        });
        return hasher.finish_hex();
    }

    std::vector<Duplicate> find_duplicates() const {
        std::map<uint64_t, std::vector<const Contents*>> by_size;
        for (const auto& [place, contents] : contents_) {
            const uint64_t size = contents.inode->size;
            if (size >= Duplicate::smallest && size <= Duplicate::largest) by_size[size].push_back(&contents);
        }
        std::vector<Duplicate> found;
        for (const auto& [size, all] : by_size) {
            std::map<std::string, std::vector<const Contents*>> by_hash;
            for (const Contents* one : all) by_hash[all.size() > 1 ? hash_of(*one->inode) : ""].push_back(one);
            for (const auto& [hash, same] : by_hash) {
                Duplicate duplicate{size, same.size() == 1, {}};
                for (const Contents* one : same) {
                    duplicate.paths.insert(duplicate.paths.end(), one->paths.begin(), one->paths.end());
                }
                std::sort(duplicate.paths.begin(), duplicate.paths.end());
                if (duplicate.paths.size() > 1) found.push_back(std::move(duplicate));
            }
        }
        const auto repeated = [](const Duplicate& one) { return one.size * (one.paths.size() - 1); };
        std::stable_sort(found.begin(), found.end(),
                         [&](const Duplicate& a, const Duplicate& b) { return repeated(a) > repeated(b); });
        return found;
    }

    const pack::ImageReader& image_;
    const build::Provenance* provenance_;
    const std::stop_token& stop_;
    size_t run_ = 0;
    uint64_t used_ = 0;
    std::unordered_set<const tree::Inode*> met_, counted_;
    std::map<Place, Contents> contents_;
    std::set<Place> placed_;
    std::unordered_map<uint64_t, uint64_t> ends_;  // by a shared block's position: bytes in it
};

}  // namespace

ImageUsage measure(const pack::ImageReader& image, const tree::Tree& tree, const build::Provenance* provenance,
                   Duplicates duplicates, const std::stop_token& stop) {
    return Measurement(image, provenance, stop).run(tree, duplicates);
}

const Usage* find_usage(const Usage& root, const std::string& path) {
    const Usage* at = &root;
    for (size_t begin = 0; begin < path.size();) {
        const size_t end = std::min(path.find('/', begin), path.size());
        const std::string_view name = std::string_view(path).substr(begin, end - begin);
        const auto& children = at->children;
        const auto child =
            std::find_if(children.begin(), children.end(), [&](const Usage& one) { return one.name == name; });
        if (child == children.end()) return nullptr;
        at = &*child;
        begin = end + 1;
    }
    return at;
}

}  // namespace gbuild::cli
