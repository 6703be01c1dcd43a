#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/text.h"
#include "gbuild/golem/vm_contract.h"

namespace gbuild::golem {

namespace {

using tree::FileType;
using tree::FollowLast;
using tree::Node;
using tree::Tree;

constexpr uint64_t ram_root = 128u << 20;
constexpr size_t max_named = 5;
constexpr std::string_view default_path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

Warning make_warning(std::string id, std::string message, std::string hint) {
    return {std::move(id), std::move(message), std::nullopt, std::move(hint)};
}

// Calls `visit(path, node)` for what is below `directory`, without what other volumes cover.
template <class Visit>
void walk_below(const Node& directory, const std::string& path, const std::set<std::string>& volumes, Visit& visit) {
    for (const auto& [name, child] : directory.children) {
        std::string below = path.empty() ? name : path + '/' + name;
        if (volumes.count(below) != 0) continue;
        visit(below, *child);
        walk_below(*child, below, volumes, visit);
    }
}

class Checker {
  public:
    Checker(const Tree& tree, const oci::ContainerConfig& config) : tree_(tree), config_(config) {
        for (const auto& volume : config_.volumes) volumes_.insert(tree_.resolve(volume, FollowLast::yes));
    }

    std::vector<Warning> run() && {
        volumes();
        entrypoint();
        user();
        large_files();
        return std::move(warnings_);
    }

  private:
    void warn(std::string id, std::string message, std::string hint) {
        warnings_.push_back(make_warning(std::move(id), std::move(message), std::move(hint)));
    }

    void volumes() {
        if (config_.volumes.empty()) {
            warn("no-volume", "the image has no volume: no file can be sent to it or fetched from it",
                 "add a line such as VOLUME /golem/input /golem/output");
        }
        for (const auto& volume : config_.volumes) volume_content(volume);
    }

    void volume_content(const std::string& volume) {
        std::string path = tree_.resolve(volume, FollowLast::yes);
        const Node* directory = tree_.find(path, FollowLast::no);
        if (!directory) return;
        std::vector<std::string> named;
        size_t count = 0;
        // A directory counts by what is in it; an empty one may be what a program looks for.
        auto visit = [&](const std::string& below, const Node& node) {
            if (!node.children.empty()) return;
            if (count++ < max_named) named.push_back(quoted('/' + below));
        };
        walk_below(*directory, path, volumes_, visit);
        if (count == 0) return;
        std::string rest = count > max_named ? fmt::format(" and {} more", count - max_named) : "";
        warn("volume-content",
             fmt::format("the volume {} hides what the image has there: {}{}", quoted(volume), join(named, ", "), rest),
             "a provider mounts an empty directory over it; put these files elsewhere and copy them at run time");
    }

    void entrypoint() {
        bool has_entrypoint = config_.entrypoint && !config_.entrypoint->empty();
        if (!has_entrypoint && !cmd_starts_a_program()) return;
        warn("entrypoint-not-run",
             fmt::format("{} is not run unless the requestor asks for it", has_entrypoint ? "ENTRYPOINT" : "CMD"),
             "let the requestor start the program, or start the image with its entrypoint");
        if (!has_entrypoint) return;
        const std::string& program = config_.entrypoint->front();
        if (program.find('/') != std::string::npos) return;
        std::string found = find_program(program);
        warn("entrypoint-no-slash",
             fmt::format("the entrypoint {} has no slash: the VM does not search PATH and cannot start it",
                         quoted(program)),
             found.empty() ? "write the program's full path" : "write " + quoted(found));
    }

    bool cmd_starts_a_program() const {
        if (!config_.cmd || config_.cmd->empty()) return false;
        if (config_.cmd->size() > 1) return true;
        const std::string& program = config_.cmd->front();
        static const std::set<std::string_view> shells = {"/bin/sh", "/bin/bash", "/bin/ash", "/usr/bin/bash"};
        return program.find('/') != std::string::npos && shells.count(program) == 0;
    }

    std::string find_program(const std::string& name) const {
        for (const auto& directory : split(config_.env_value("PATH").value_or(std::string(default_path)), ':')) {
            std::string path = directory + '/' + name;
            if (path.starts_with('/') && is_executable(path)) return path;
        }
        return "";
    }

    bool is_executable(const std::string& path) const {
        try {
            const Node* node = tree_.find(path, FollowLast::yes);
            return node && node->inode->type == FileType::regular && (node->inode->mode & 0111) != 0;
        } catch (const Error&) {
            return false;  // links in a circle: nothing to start there
        }
    }

    void user() {
        std::string_view name = std::string_view(config_.user).substr(0, config_.user.find(':'));
        if (name.empty() || name == "root" || parse_decimal(name) == 0u) return;
        warn("user-not-root", fmt::format("USER is {}: the requestor's commands run as that user", config_.user),
             "make sure that it may write to the working directory and to the volumes");
    }

    void large_files() {
        std::string path = tree_.resolve(config_.working_dir, FollowLast::yes);
        const Node* directory = tree_.find(path, FollowLast::no);
        if (path.empty() || !directory || under_volume(path)) return;
        std::string largest;
        uint64_t size = ram_root;
        auto visit = [&](const std::string& below, const Node& node) {
            if (node.inode->type != FileType::regular || node.inode->size <= size) return;
            size = node.inode->size;
            largest = below;
        };
        walk_below(*directory, path, volumes_, visit);
        if (largest.empty()) return;
        warn("image-large",
             fmt::format("{} ({}) cannot be changed in the VM: all changes outside volumes share 128 MiB of RAM",
                         quoted('/' + largest), human_size(size)),
             "this is fine for a file that is only read; otherwise work on a copy in a volume");
    }

    bool under_volume(const std::string& path) const {
        return std::any_of(volumes_.begin(), volumes_.end(),
                           [&](const std::string& volume) { return path == volume || path.starts_with(volume + '/'); });
    }

    const Tree& tree_;
    const oci::ContainerConfig& config_;
    std::set<std::string> volumes_;  // image paths
    std::vector<Warning> warnings_;
};

}  // namespace

std::vector<Warning> check_contract(const Tree& tree, const oci::ContainerConfig& config) {
    return Checker(tree, config).run();
}

}  // namespace gbuild::golem
