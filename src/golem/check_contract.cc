#include <algorithm>
#include <array>
#include <set>

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/text.h"
#include "gbuild/golem/contract_rules.h"
#include "gbuild/golem/vm_contract.h"
#include "gbuild/golem/volumes.h"
#include "named_few.h"

namespace gbuild::golem {

namespace {

using tree::FileType;
using tree::FollowLast;
using tree::Node;
using tree::Tree;

constexpr uint64_t ram_root = 128u << 20;
constexpr std::string_view default_path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

// Where the VM mounts something of its own, as image paths. /tmp is left out for volumes: they are mounted after it.
constexpr std::array<std::string_view, 4> masked = {"dev", "proc", "sys", "tmp"};

bool is_below(std::string_view path, std::string_view directory) {
    return path.starts_with(directory) && (path.size() == directory.size() || path[directory.size()] == '/');
}

// The masked place that `path` is at or below; empty when it is none.
std::string_view masked_place(std::string_view path) {
    for (std::string_view place : masked) {
        if (is_below(path, place)) return place;
    }
    return {};
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
    Checker(const Tree& tree, const oci::ContainerConfig& config, const Places& places) :
        tree_(tree), config_(config), places_(places) {
        for (const auto& volume : clean_volumes(config_.volumes))
            volumes_.insert(tree_.resolve(volume, FollowLast::yes));
    }

    std::vector<Warning> run() && {
        volumes();
        masked_content();
        working_directory();
        entrypoint();
        environment();
        user();
        large_files();
        images();
        return std::move(warnings_);
    }

  private:
    void warn(std::string_view id, const std::string& found, std::string_view instruction, const std::string& name = "",
              std::string remedy = "") {
        Warning warning = contract_warning(id, found, std::move(remedy));
        if (places_) warning.span = places_(instruction, name);
        warnings_.push_back(std::move(warning));
    }

    void volumes() {
        if (config_.volumes.empty()) warn("no-volume", "the image has no volume", "FROM");
        const std::set<std::string> clean = clean_volumes(config_.volumes);
        for (const auto& [inner, outer] : nested_volumes(clean)) {
            warn("volume-nested", fmt::format("the volume {} lies in the volume {}", quoted(inner), quoted(outer)),
                 "VOLUME", inner);
        }
        for (const auto& volume : clean) {
            const std::string path = tree_.resolve(volume, FollowLast::yes);
            const std::string_view place = masked_place(path);
            if (!place.empty() && place != "tmp") {
                warn("volume-masked", fmt::format("the volume {} is in the VM's own /{}", quoted(volume), place),
                     "VOLUME", volume);
            } else {
                volume_content(volume, path);
            }
        }
    }

    void volume_content(const std::string& volume, const std::string& path) {
        const Node* directory = tree_.find(path, FollowLast::no);
        if (!directory) return;
        NamedFew hidden;
        // A directory counts by what is in it; an empty one may be what a program looks for.
        auto visit = [&](const std::string& below, const Node& node) {
            if (node.children.empty()) hidden.add(below);
        };
        walk_below(*directory, path, volumes_, visit);
        if (hidden.empty()) return;
        warn("volume-content",
             fmt::format("the volume {} hides what the image has there, {}", quoted(volume), hidden.text()), "VOLUME",
             volume);
    }

    // Regular files only: base images come with devices and links in /dev, which the VM has, too.
    void masked_content() {
        NamedFew hidden;
        auto visit = [&](const std::string& below, const Node& node) {
            if (node.inode->type == FileType::regular) hidden.add(below);
        };
        for (std::string_view place : masked) {
            const Node* directory = tree_.find(place, FollowLast::no);
            if (directory) walk_below(*directory, std::string(place), volumes_, visit);
        }
        if (hidden.empty()) return;
        warn("content-masked", fmt::format("the VM cannot see {}", hidden.text()), "");
    }

    void working_directory() {
        const std::string path = tree_.resolve(config_.working_dir, FollowLast::yes);
        const std::string_view place = masked_place(path);
        if (place.empty() || path == place || under_volume(path)) return;
        warn("workdir-masked",
             fmt::format("the working directory {} is in the VM's own /{}", quoted(config_.working_dir), place),
             "WORKDIR");
    }

    void entrypoint() {
        bool has_entrypoint = config_.entrypoint && !config_.entrypoint->empty();
        if (!has_entrypoint && !cmd_starts_a_program()) return;
        const std::string_view instruction = has_entrypoint ? "ENTRYPOINT" : "CMD";
        warn("entrypoint-not-run", fmt::format("{} is not run by itself", instruction), instruction);
        // What is started is both, one behind the other.
        const std::string& program = has_entrypoint ? config_.entrypoint->front() : config_.cmd->front();
        if (program.find('/') != std::string::npos || is_executable(config_.working_dir + '/' + program)) return;
        std::string found = find_program(program);
        warn("entrypoint-no-slash", fmt::format("the program {} has no slash", quoted(program)), instruction, "",
             found.empty() ? "" : "write " + quoted(found));
    }

    // What only building takes is no loss.
    static bool is_for_building(std::string_view name) {
        return name == "DEBIAN_FRONTEND" || name.starts_with("PIP_") || name == "SOURCE_DATE_EPOCH";
    }

    void environment() {
        if (!places_) return;
        std::vector<std::string> names;
        std::optional<SourceSpan> place;
        for (const std::string& entry : config_.env) {
            const std::string name = entry.substr(0, entry.find('='));
            const auto set_here = is_for_building(name) ? std::nullopt : places_("ENV", name);
            if (!set_here) continue;
            names.push_back(printable(name));
            if (!place || name == "PATH") place = set_here;
        }
        if (names.empty()) return;
        constexpr size_t most = 5;
        const size_t more = names.size() > most ? names.size() - most : 0;
        names.resize(names.size() - more);
        Warning warning =
            contract_warning("env-not-passed", fmt::format("programs may have to do without {}{}", join(names, ", "),
                                                           more > 0 ? fmt::format(" and {} more", more) : ""));
        warning.span = std::move(place);
        warnings_.push_back(std::move(warning));
    }

    bool cmd_starts_a_program() const {
        if (!config_.cmd || config_.cmd->empty()) return false;
        if (config_.cmd->size() > 1) return true;
        const std::string& program = config_.cmd->front();
        static const std::set<std::string_view> shells = {"sh", "bash", "ash", "dash"};
        if (shells.count(std::string_view(program).substr(program.rfind('/') + 1)) != 0) return false;
        // A lone word is what a base image offers to try it with, as python3 does; in a Dockerfile it is meant.
        return program.find('/') != std::string::npos || (places_ && places_("CMD", "").has_value());
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
        warn("user-not-root", fmt::format("USER is {}", printable(config_.user)), "USER");
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
             fmt::format("{} ({}) may be too large to be changed in the VM", quoted('/' + largest), human_size(size)),
             "");
    }

    void images() {
        NamedFew found;
        tree_.walk([&](const std::string& path, const Node& node) {
            if (node.inode->type == FileType::regular && path.ends_with(".gvmi")) found.add(path);
        });
        if (found.empty()) return;
        warn("image-in-image", fmt::format("the image holds another image, {}", found.text()), "");
    }

    bool under_volume(const std::string& path) const {
        return std::any_of(volumes_.begin(), volumes_.end(),
                           [&](const std::string& volume) { return is_below(path, volume); });
    }

    const Tree& tree_;
    const oci::ContainerConfig& config_;
    const Places& places_;
    std::set<std::string> volumes_;  // image paths
    std::vector<Warning> warnings_;
};

}  // namespace

std::vector<Warning> check_contract(const Tree& tree, const oci::ContainerConfig& config, const Places& places) {
    return Checker(tree, config, places).run();
}

}  // namespace gbuild::golem
