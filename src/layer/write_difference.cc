#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <unordered_set>
#include <vector>

#include "disk_inode.h"
#include "extract_attributes.h"
#include "gbuild/base/error.h"
#include "gbuild/base/remove_tree.h"
#include "gbuild/layer/directory.h"
#include "overlay_layer.h"
#include "tree_writer.h"

namespace gbuild::layer {
namespace {

using tree::Node;

const Node* find_child(const Node& directory, const std::string& name) {
    const auto found = directory.children.find(name);
    return found == directory.children.end() ? nullptr : found->second.get();
}

// A directory that both trees have; on disk it is opened, or made, when something in it or about it changes.
class Place {
  public:
    Place(int root, DirectoryForm form, const Node& node) : root_(root), form_(form), node_(node) {}
    Place(Place& parent, const std::string& name, const Node& node) :
        root_(parent.root_),
        form_(parent.form_),
        parent_(&parent),
        name_(name),
        path_(join_path(parent.path_, name)),
        node_(node) {}
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;

    const std::string& path() const { return path_; }

    int fd() {
        if (!held_) open();
        return held_->fd();
    }

    // Whether lower layers' names appear in it.
    bool shows_lower() {
        fd();
        return form_ == DirectoryForm::overlay && !hides_lower_;
    }

    // After the last change of what is in it.
    void finish(const ExtractOptions& options, ExtractSummary& summary) {
        if (held_) replace_attributes(*held_, file(), *node_.inode, options, summary);
    }

  private:
    HeldName file() { return {parent_ ? parent_->fd() : root_, name_, path_}; }

    void open() {
        const HeldName here = file();
        if (parent_ && form_ == DirectoryForm::overlay && ::mkdirat(here.directory, name_.c_str(), S_IRWXU) != 0 &&
            errno != EEXIST) {
            fail("create", here);
        }
        held_.emplace(hold(here, S_IFDIR));
        hides_lower_ = (parent_ && parent_->hides_lower_) || is_opaque(*held_);
        // finish() gives it back the mode that it is to have.
        if (held_->set_mode(S_IRWXU) != 0) fail("open", here);
    }

    int root_;
    DirectoryForm form_;
    Place* parent_ = nullptr;
    std::string name_ = ".";
    std::string path_;
    const Node& node_;
    std::optional<HeldFile> held_;
    bool hides_lower_ = false;
};

class DifferenceWriter {
  public:
    DifferenceWriter(int root, DirectoryForm form, const ExtractOptions& options) :
        root_(root), form_(form), options_(options), writer_(options, root) {}

    void run(const Node& from, const Node& to) {
        writer_.expect_links(to);
        count_names(from);
        std::string path;
        collect_links(&from, to, path);
        settle_links();
        Place place(root_, form_, to);
        place.fd();
        write_changes(place, from, to);
        place.finish(options_, writer_.summary());
    }

  private:
    // An inode that has several names in the new tree.
    struct Links {
        const tree::Inode* before = nullptr;  // the one that it has been
        std::vector<std::string> kept;        // names that it had before
        bool has_new = false;
    };

    void count_names(const Node& node) {
        for (const auto& [name, child] : node.children) {
            if (child->is_directory()) {
                count_names(*child);
            } else {
                ++names_before_[child->inode.get()];
            }
        }
    }

    // Trees that were made apart share no inodes. Equal ones are then the same file when it has as many names.
    bool may_be_same(const tree::Inode& before, const tree::Inode& now) const {
        if (&before == &now) return true;
        return before == now && names_before_.at(&before) == writer_.names_of(now);
    }

    // One file is not two, nor two one, however equal.
    bool is_same(const tree::Inode& before, const tree::Inode& now) const {
        if (&before == &now) return true;
        if (!may_be_same(before, now)) return false;
        const auto links = links_.find(&now);
        return links == links_.end() || (links->second.before == &before && claims_.at(&before) == &now);
    }

    void claim(const tree::Inode& before, const tree::Inode& now) {
        if (!may_be_same(before, now)) return;
        const tree::Inode* claimant = claims_.try_emplace(&before, &now).first->second;
        Links& links = links_[&now];
        if (claimant == &now && !links.before) links.before = &before;
    }

    void collect_links(const Node* from, const Node& to, std::string& path) {
        const size_t length = path.size();
        for (const auto& [name, child] : to.children) {
            const Node* before = from ? find_child(*from, name) : nullptr;
            if (!child->is_directory() && writer_.names_of(*child->inode) < 2) continue;
            if (length != 0) path += '/';
            path += name;
            if (child->is_directory()) {
                collect_links(before && before->is_directory() ? before : nullptr, *child, path);
            } else {
                add_link(before && !before->is_directory() ? before->inode.get() : nullptr, *child->inode, path);
            }
            path.resize(length);
        }
    }

    void add_link(const tree::Inode* before, const tree::Inode& now, const std::string& path) {
        if (before) claim(*before, now);
        Links& links = links_[&now];
        if (before && is_same(*before, now)) {
            links.kept.push_back(path);
        } else {
            links.has_new = true;
        }
    }

    // New names of an inode that stays are links to one that it has on disk. A layer that has none gets them all.
    void settle_links() {
        for (const auto& [inode, links] : links_) {
            if (!links.has_new || links.kept.empty()) continue;
            if (const std::string* name = name_on_disk(*inode, links.kept)) {
                writer_.adopt(*inode, *name);
            } else {
                rewritten_.insert(inode);
            }
        }
    }

    const std::string* name_on_disk(const tree::Inode& inode, const std::vector<std::string>& names) const {
        for (const std::string& name : names) {
            const auto [parent, last] = split_path(name);
            const UniqueFd directory = open_beneath(root_, parent, O_PATH | O_DIRECTORY);
            struct stat status {};
            if (!directory || ::fstatat(directory.get(), last.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) continue;
            if (inode.type == tree::FileType::directory || S_ISDIR(status.st_mode)) continue;
            if (form_ == DirectoryForm::whole || !is_whiteout(status)) return &name;
        }
        return nullptr;
    }

    void write_changes(Place& place, const Node& from, const Node& to) {
        for (const auto& [name, before] : from.children) {
            if (!to.children.contains(name)) remove(place, name);
        }
        for (const auto& [name, child] : to.children) {
            const Node* before = find_child(from, name);
            if (before && before->is_directory() && child->is_directory()) {
                write_directory(place, name, *before, *child);
            } else if (!before || before->is_directory() || !is_same(*before->inode, *child->inode) ||
                       rewritten_.contains(child->inode.get())) {
                replace(place, name, *child);
            }
        }
    }

    void write_directory(Place& parent, const std::string& name, const Node& from, const Node& to) {
        Place place(parent, name, to);
        write_changes(place, from, to);
        if (from.inode != to.inode && *from.inode != *to.inode) place.fd();
        place.finish(options_, writer_.summary());
    }

    void remove(Place& place, const std::string& name) {
        const std::string path = join_path(place.path(), name);
        const HeldName file{place.fd(), name, path};
        remove_entry(file.directory, name);
        if (place.shows_lower()) make_whiteout(file);
    }

    void replace(Place& place, const std::string& name, const Node& node) {
        const std::string path = join_path(place.path(), name);
        const HeldName file{place.fd(), name, path};
        remove_entry(file.directory, name);
        writer_.write(file, node, node.is_directory() && place.shows_lower() ? Opaque::yes : Opaque::no);
    }

    int root_;
    DirectoryForm form_;
    const ExtractOptions& options_;
    TreeWriter writer_;
    std::unordered_map<const tree::Inode*, size_t> names_before_;
    std::unordered_map<const tree::Inode*, Links> links_;
    std::unordered_map<const tree::Inode*, const tree::Inode*> claims_;  // old ones with several names, by new ones
    std::unordered_set<const tree::Inode*> rewritten_;
};

}  // namespace

void write_difference(const tree::Tree& from, const tree::Tree& to, const RootedDir& directory, DirectoryForm form,
                      const ExtractOptions& options) {
    DifferenceWriter(directory.fd(), form, options).run(from.root(), to.root());
}

void copy_root_attributes(const tree::Tree& tree, const RootedDir& directory, const ExtractOptions& options) {
    const std::string here = ".";
    const std::string path;
    const HeldName root{directory.fd(), here, path};
    ExtractSummary ignored;
    replace_attributes(hold(root, S_IFDIR), root, *tree.root().inode, options, ignored);
}

}  // namespace gbuild::layer
