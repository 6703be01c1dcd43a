#include <algorithm>
#include <deque>
#include <map>
#include <optional>

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/text.h"
#include "gbuild/golem/contract_rules.h"
#include "gbuild/golem/vm_contract.h"

namespace gbuild::golem {

namespace {

using tree::EntryKind;
using tree::FileType;
using tree::FollowLast;
using tree::Inode;
using tree::LayerEntry;
using tree::LayerTree;
using tree::Node;
using tree::Tree;

const Node* child_of(const Node* directory, std::string_view name) {
    if (!directory || !directory->is_directory()) return nullptr;
    auto found = directory->children.find(name);
    return found == directory->children.end() ? nullptr : found->second.get();
}

Inode new_inode(FileType type, uint16_t mode, int64_t mtime) {
    Inode inode;
    inode.type = type;
    inode.mode = mode;
    inode.mtime = mtime;
    return inode;
}

LayerEntry entry_of(std::string path, Inode inode) { return {EntryKind::inode, std::move(path), "", std::move(inode)}; }

// What the VM mounts over, and /etc. Names are looked up in the directories themselves, so no link is ever followed.
class SystemEntries {
  public:
    SystemEntries(const Tree& tree, int64_t epoch) : tree_(tree), epoch_(epoch) {}

    LayerTree take() && {
        const Node& root = tree_.root();
        // First, so that what linked directories hold is still there to be linked to.
        etc(root);
        var(root);
        if (root.inode->mode != 0755) {
            Inode inode = *root.inode;
            inode.mode = 0755;
            entries_.push_back(entry_of("", std::move(inode)));
        }
        const Node* dev = directory(&root, "", "dev", 0755);
        directory(dev, "dev/", "pts", 0755);
        directory(dev, "dev/", "shm", 0755);
        directory(&root, "", "proc", 0755);
        directory(&root, "", "sys", 0755);
        directory(&root, "", "tmp", 01777);
        return std::move(entries_);
    }

  private:
    // The directory `name` when it is one; else an entry that makes it one, and nullptr.
    const Node* directory(const Node* parent, const std::string& prefix, const std::string& name, uint16_t mode) {
        const Node* node = child_of(parent, name);
        if (node && node->is_directory()) return node;
        entries_.push_back(entry_of(prefix + name, new_inode(FileType::directory, mode, epoch_)));
        return nullptr;
    }

    // The same, but what a link there leads to stays.
    const Node* kept_directory(const Node* parent, const std::string& prefix, const std::string& name, uint16_t mode) {
        const Node* node = child_of(parent, name);
        if (!node || node->inode->type != FileType::symlink) return directory(parent, prefix, name, mode);
        const std::string path = prefix + name;
        const Node* linked = linked_directory(path);
        if (!linked) return directory(nullptr, prefix, name, mode);
        copy_directory(*linked, path, tree_.resolve(path, FollowLast::yes), path);
        return linked;
    }

    // The VM's own agent makes files in /var/tmp, and powers off where it cannot.
    void var(const Node& root) {
        require_no_file(child_of(&root, "var"), "/var");
        if (const Node* node = child_of(&root, "var");
            node && node->inode->type == FileType::symlink && linked_directory("var") == &root) {
            throw Error(ErrorKind::dockerfile, "/var leads to the root, and the VM needs a directory there")
                .hint("remove the link");
        }
        const Node* node = kept_directory(&root, "", "var", 0755);
        const Node* tmp = child_of(node, "tmp");
        require_no_file(tmp, "/var/tmp");
        // What lies in /tmp is hidden there, too.
        const bool leads_to_tmp = tmp && tmp->inode->type == FileType::symlink && resolved("var/tmp") == "tmp";
        if (leads_to_tmp) {
            directory(nullptr, "var/", "tmp", 01777);
            return;
        }
        agent_directories(kept_directory(node, "var/", "tmp", 01777));
    }

    // An image of files that come from a VM may have them, and the agent wants directories there.
    void agent_directories(const Node* tmp) {
        const Node* agent = child_of(tmp, "guest_agent_private");
        if (!agent) return;
        const Node* kept = directory(tmp, "var/tmp/", "guest_agent_private", 0755);
        if (child_of(kept, "fds")) directory(kept, "var/tmp/guest_agent_private/", "fds", 0755);
    }

    static void require_no_file(const Node* node, std::string_view path) {
        if (!node || node->inode->type != FileType::regular || node->inode->size == 0) return;
        const ContractRule& rule = contract_rule("var-no-directory");
        throw Error(ErrorKind::dockerfile,
                    fmt::format("{} is a file, and the VM needs a directory there: {}", path, rule.vm))
            .hint(std::string(rule.remedy));
    }

    std::string resolved(std::string_view path) const {
        try {
            return tree_.resolve(path, FollowLast::yes);
        } catch (const Error&) {
            return {};  // links in a circle
        }
    }

    void etc(const Node& root) {
        const Node* is_there = child_of(&root, "etc");
        const bool is_real = is_there && is_there->is_directory();
        const Node* node = kept_directory(&root, "", "etc", 0755);
        for (const char* name : {"hosts", "hostname", "resolv.conf"}) {
            const Node* file = child_of(node, name);
            if (file && file->inode->type == FileType::regular) continue;
            if (is_real && leads_to_file_by_relative_links("etc", name)) continue;
            entries_.push_back(entry_of(std::string("etc/") + name, new_inode(FileType::regular, 0644, epoch_)));
        }
        if (!child_of(node, "mtab")) {
            Inode link = new_inode(FileType::symlink, 0777, epoch_);
            link.target = "/proc/mounts";
            entries_.push_back(entry_of("etc/mtab", std::move(link)));
        }
    }

    // What a link leads to; links in a circle lead nowhere, as a dangling one does.
    const Node* linked_directory(std::string_view path) const {
        try {
            const Node* node = tree_.find(path, FollowLast::yes);
            return node && node->is_directory() ? node : nullptr;
        } catch (const Error&) {
            return nullptr;
        }
    }

    // The VM opens the file from outside the image's root: absolute links and what climbs above the root lead
    // elsewhere.
    bool leads_to_file_by_relative_links(const std::string& directory, const std::string& name) const {
        constexpr int most_links = 40;
        std::vector<std::string> here{directory};
        std::deque<std::string> rest{name};
        for (int links = 0; !rest.empty();) {
            const std::string part = rest.front();
            rest.pop_front();
            if (part.empty() || part == ".") continue;
            if (part == "..") {
                if (here.empty()) return false;
                here.pop_back();
                continue;
            }
            here.push_back(part);
            const Node* node = tree_.find(join(here, "/"), FollowLast::no);
            if (!node) return false;
            if (node->inode->type == FileType::symlink) {
                const std::string& target = node->inode->target;
                if (target.starts_with('/') || ++links > most_links) return false;
                here.pop_back();
                const auto parts = split(target, '/');
                rest.insert(rest.begin(), parts.begin(), parts.end());
            } else if (!node->is_directory()) {
                return rest.empty() && node->inode->type == FileType::regular && !is_masked(here.front());
            }
        }
        return false;
    }

    static bool is_masked(std::string_view top) {
        return top == "dev" || top == "proc" || top == "sys" || top == "tmp";
    }

    // `link` is the one that is replaced: a directory that it leads to may hold it.
    void copy_directory(const Node& node, const std::string& to, const std::string& from, const std::string& link) {
        entries_.push_back(entry_of(to, *node.inode));
        for (const auto& [name, child] : node.children) {
            std::string source = from.empty() ? name : from + '/' + name;
            if (child->is_directory())
                copy_directory(*child, to + '/' + name, source, link);
            else if (source != link && child->inode->type == FileType::symlink &&
                     !child->inode->target.starts_with('/'))
                entries_.push_back(entry_of(to + '/' + name, absolute_link(*child->inode, from)));
            else if (source != link)
                entries_.push_back({EntryKind::hard_link, to + '/' + name, source, {}});
        }
    }

    // A link of the directory `from` that leads to the same place from anywhere.
    static Inode absolute_link(const Inode& link, const std::string& from) {
        Inode inode = link;
        inode.target = '/' + (from.empty() ? "" : from + '/') + link.target;
        return inode;
    }

    const Tree& tree_;
    int64_t epoch_;
    LayerTree entries_;
};

// Adds a directory that is missing, and those missing on the way to it.
class DirectoryMaker {
  public:
    DirectoryMaker(const Tree& tree, int64_t epoch, LayerTree& entries) :
        tree_(tree), epoch_(epoch), entries_(entries) {
        for (const auto& entry : entries_) {
            const Node* linked =
                entry.kind == EntryKind::hard_link ? tree_.find(entry.target, FollowLast::no) : nullptr;
            types_[entry.path] = linked ? linked->inode->type : entry.inode.type;
        }
    }

    void make(const std::string& path, std::string_view what) {
        size_t end = 0;
        while (end != path.size()) {
            end = std::min(path.find('/', end == 0 ? 0 : end + 1), path.size());
            std::string part = path.substr(0, end);
            std::optional<FileType> type = type_at(part);
            if (type == FileType::directory) continue;
            if (type) {
                throw Error(ErrorKind::dockerfile,
                            fmt::format("{}: {} is not a directory in the image", what, quoted('/' + part)))
                    .hint("choose another path, or remove what is there");
            }
            types_[part] = FileType::directory;
            entries_.push_back(entry_of(std::move(part), new_inode(FileType::directory, 0755, epoch_)));
        }
    }

  private:
    std::optional<FileType> type_at(const std::string& path) const {
        if (auto added = types_.find(path); added != types_.end()) return added->second;
        const Node* node = tree_.find(path, FollowLast::no);
        return node ? std::optional(node->inode->type) : std::nullopt;
    }

    const Tree& tree_;
    int64_t epoch_;
    LayerTree& entries_;
    std::map<std::string, FileType> types_;  // of the entries
};

void add_mount_points(const Tree& tree, const oci::ContainerConfig& config, int64_t epoch, LayerTree& entries) {
    DirectoryMaker maker(tree, epoch, entries);
    auto add = [&](const std::string& path, const std::string& what) {
        std::string real = with_context(what, [&] { return tree.resolve(path, FollowLast::yes); });
        maker.make(real, what);
        return real;
    };
    for (const auto& volume : config.volumes) {
        std::string what = "volume " + quoted(volume);
        if (add(volume, what).empty()) {
            throw Error(ErrorKind::dockerfile, what + " is the root of the image")
                .hint("name a directory below it, for example VOLUME /golem/work");
        }
    }
    if (!config.working_dir.empty()) add(config.working_dir, "working directory " + quoted(config.working_dir));
}

// Something that is there now and would be another thing after `entries`.
bool replaces(const Tree& tree, const LayerTree& entries) {
    for (const auto& entry : entries) {
        if (!entry.path.empty() && tree.find(entry.path, FollowLast::no)) return true;
    }
    return false;
}

}  // namespace

LayerTree missing_entries(const Tree& tree, const oci::ContainerConfig& config, int64_t epoch) {
    LayerTree entries = SystemEntries(tree, epoch).take();
    if (!replaces(tree, entries)) {
        add_mount_points(tree, config, epoch, entries);
        return entries;
    }
    // Paths may lead elsewhere once a link is gone, so the rest is looked up in the tree as it will be.
    Tree changed = tree.clone();
    changed.apply(entries);
    add_mount_points(changed, config, epoch, entries);
    return entries;
}

}  // namespace gbuild::golem
