#include "gbuild/copy/source_names.h"

#include <algorithm>

#include <fmt/format.h>

#include "gbuild/base/text.h"
#include "gbuild/dockerfile/pattern.h"

namespace gbuild::build {

namespace {

struct Branch {
    std::string shown;  // as the pattern reached it
    std::string real;   // without symbolic links
};

std::vector<Branch> step_down(const SourceNames& names, const std::vector<Branch>& branches,
                              const std::string& component, bool last) {
    dockerfile::Pattern pattern(component);
    std::vector<Branch> next;
    for (const Branch& branch : branches) {
        for (const SourceNames::Name& name : names.list(branch.real)) {
            if (!last && name.type != tree::FileType::directory) continue;
            if (!pattern.matches(name.name)) continue;
            next.push_back({join_path(branch.shown, name.name), join_path(branch.real, name.name)});
        }
    }
    return next;
}

// A pattern that matches nothing but `path`.
std::string literal_pattern(std::string_view path) {
    std::string pattern;
    for (const char c : path) {
        if (c == '*' || c == '?' || c == '[')
            pattern += fmt::format("[{}]", c);
        else if (c == '\\')
            pattern += "\\\\";
        else
            pattern += c;
    }
    return pattern;
}

// For a pattern that is also the name of something.
std::string hint_for_literal(const std::string& pattern) {
    return fmt::format("to name {} itself, write {}", quoted(pattern), printable(literal_pattern(pattern)));
}

}  // namespace

std::string clean_source(std::string_view pattern) {
    std::vector<std::string> parts;
    for (std::string& part : split(pattern, '/')) {
        if (part.empty() || part == ".") continue;
        if (part != "..")
            parts.push_back(std::move(part));
        else if (!parts.empty())
            parts.pop_back();
    }
    return join(parts, "/");
}

std::string shown(std::string_view path) {
    constexpr size_t enough = 100;
    return path.size() <= enough ? quoted(path) : quoted(path.substr(0, enough)) + "…";
}

std::string some_of(const std::vector<std::string>& names) {
    constexpr size_t enough = 5;
    std::vector<std::string> first;
    for (size_t i = 0; i < std::min(names.size(), enough); i++) first.push_back(shown(names[i]));
    const size_t more = names.size() - first.size();
    return join(first, ", ") + (more > 0 ? fmt::format(" and {} more", more) : "");
}

Warning capability_warning(const std::vector<std::string>& names) {
    return {"capability-dropped",
            fmt::format("file capabilities are not copied from a context: {}", some_of(names)),
            {},
            "set them in the image: RUN setcap …"};
}

bool has_wildcards(std::string_view pattern) {
    for (size_t i = 0; i < pattern.size(); i++) {
        char c = pattern[i];
        if (c == '*' || c == '?' || c == '[') return true;
        if (c == '\\') i++;
    }
    return false;
}

std::vector<std::string> matching_paths(const SourceNames& names, const std::string& pattern) {
    std::vector<std::string> parts = split(pattern, '/');
    auto wild = std::find_if(parts.begin(), parts.end(), has_wildcards);
    std::string base = join(std::span(parts.begin(), wild), "/");
    auto found = names.find(base);
    if (!found) return {};
    if (wild == parts.end()) return {base};
    if (found->type != tree::FileType::directory) return {};
    std::vector<Branch> branches = {{base, found->path}};
    const auto step_through = [&] {
        for (auto part = wild; part != parts.end(); ++part) {
            branches = step_down(names, branches, *part, part + 1 == parts.end());
        }
    };
    try {
        with_context([&] { return fmt::format("looking for {}", quoted(pattern)); }, step_through);
    } catch (Error& error) {
        if (error.kind() == ErrorKind::dockerfile && names.find(pattern)) error.hint(hint_for_literal(pattern));
        throw;
    }
    std::vector<std::string> paths;
    paths.reserve(branches.size());
    for (Branch& branch : branches) paths.push_back(std::move(branch.shown));
    std::sort(paths.begin(), paths.end());
    return paths;
}

std::string hint_for_missing(const SourceNames& names, const std::string& pattern) {
    if (has_wildcards(pattern) && names.find(pattern)) return hint_for_literal(pattern);
    std::string directory;
    std::vector<std::string> parts = split(pattern, '/');
    for (size_t i = 0; i < parts.size(); i++) {
        std::string path = join_path(directory, parts[i]);
        if (!has_wildcards(parts[i]) && names.find(path)) {
            directory = path;
            continue;
        }
        auto found = names.find(directory);
        if (!found || found->type != tree::FileType::directory) return {};
        std::vector<std::string> candidates;
        for (SourceNames::Name& name : names.list(found->path)) candidates.push_back(std::move(name.name));
        std::sort(candidates.begin(), candidates.end());
        if (std::binary_search(candidates.begin(), candidates.end(), parts[i])) {
            return "it is a symbolic link that leads to nothing there";
        }
        auto like = nearest(parts[i], candidates);
        return like ? fmt::format("did you mean {}?", quoted(join_path(directory, *like))) : std::string();
    }
    return {};
}

}  // namespace gbuild::build
