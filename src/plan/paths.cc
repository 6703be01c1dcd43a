#include "paths.h"

#include <vector>

#include "gbuild/base/text.h"

namespace gbuild::plan {

namespace {

bool ends_with(std::string_view text, std::string_view end) {
    return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

}  // namespace

std::string resolve_path(std::string_view base, std::string_view path) {
    std::string whole = path.substr(0, 1) == "/" ? std::string(path) : std::string(base) + "/" + std::string(path);
    std::vector<std::string> parts;
    for (std::string& part : split(whole, '/')) {
        if (part.empty() || part == ".") continue;
        if (part != "..")
            parts.push_back(std::move(part));
        else if (!parts.empty())
            parts.pop_back();
    }
    return "/" + join(parts, "/");
}

std::string resolve_destination(std::string_view base, std::string_view path) {
    std::string resolved = resolve_path(base, path);
    bool directory =
        path == "." || path == ".." || ends_with(path, "/") || ends_with(path, "/.") || ends_with(path, "/..");
    return directory && resolved != "/" ? resolved + "/" : resolved;
}

}  // namespace gbuild::plan
