#include "resolver.h"

#include <fmt/format.h>

#include <algorithm>

#include "gbuild/base/error.h"
#include "gbuild/base/text.h"

namespace gbuild::tree {
namespace {

constexpr int max_links = 40;  // as Linux

class Walk {
  public:
    Walk(const Node& root, std::string_view path) : root_(root), asked_(path), rest_(path) {}

    Resolution run(FollowLast follow, const MayFollow& may_follow) {
        std::string_view rest = rest_;
        for (std::string_view name = take_component(rest); !name.empty(); name = take_component(rest)) {
            if (name == "." || name == "..") {
                step_by_dots(name);
                continue;
            }
            const Node* child = enter(name);
            if (child == nullptr || child->inode->type != FileType::symlink) continue;
            if (rest.empty() && follow == FollowLast::no) continue;
            if (may_follow && !may_follow(path())) return {path(), nullptr, true};
            rest = expand(child->inode->target, rest);
        }
        const Node* node = steps_.empty() ? &root_ : steps_.back().node;
        return {path(), node, detoured_};
    }

  private:
    struct Step {
        std::string name;
        const Node* node;
    };

    const Node* current() const { return steps_.empty() ? &root_ : steps_.back().node; }

    void step_by_dots(std::string_view name) {
        if (current() == nullptr || !current()->is_directory()) detoured_ = true;
        if (name == ".." && !steps_.empty()) steps_.pop_back();
    }

    const Node* enter(std::string_view name) {
        const Node* child = nullptr;
        if (const Node* directory = current(); directory != nullptr) {
            const auto found = directory->children.find(name);
            if (found != directory->children.end()) child = found->second.get();
        }
        steps_.push_back({std::string(name), child});
        return child;
    }

    std::string_view expand(const std::string& target, std::string_view rest) {
        if (++links_ > max_links) {
            throw Error(ErrorKind::integrity,
                        fmt::format("too many symbolic links in path {}", gbuild::quoted(asked_)));
        }
        steps_.pop_back();
        if (target.starts_with('/')) steps_.clear();
        rest_ = target + "/" + std::string(rest);
        return rest_;
    }

    std::string path() const {
        std::string joined;
        for (const Step& step : steps_) {
            if (!joined.empty()) joined += '/';
            joined += step.name;
        }
        return joined;
    }

    const Node& root_;
    std::string_view asked_;
    std::string rest_;
    std::vector<Step> steps_;
    int links_ = 0;
    bool detoured_ = false;
};

}  // namespace

std::string_view take_component(std::string_view& rest) {
    rest.remove_prefix(std::min(rest.find_first_not_of('/'), rest.size()));
    const std::string_view component = rest.substr(0, rest.find('/'));
    rest.remove_prefix(component.size());
    rest.remove_prefix(std::min(rest.find_first_not_of('/'), rest.size()));
    return component;
}

Resolution resolve_in(const Node& root, std::string_view path, FollowLast follow, const MayFollow& may_follow) {
    return Walk(root, path).run(follow, may_follow);
}

}  // namespace gbuild::tree
