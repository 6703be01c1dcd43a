#include "paths.h"

#include <algorithm>
#include <array>
#include <vector>

#include "gbuild/base/text.h"

namespace gbuild::plan {

namespace {

bool ends_with(std::string_view text, std::string_view end) {
    return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

bool is_word(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
               c == '.';
    });
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

bool is_remote_source(std::string_view source) {
    constexpr std::array<std::string_view, 4> schemes = {"http://", "https://", "git://", "ssh://"};
    for (std::string_view scheme : schemes) {
        if (equal_ignoring_case(source.substr(0, scheme.size()), scheme)) return true;
    }
    // user@host:path, as ssh has it
    size_t at = source.find('@');
    size_t colon = source.find(':');
    if (at == std::string_view::npos || colon == std::string_view::npos || colon < at) return false;
    return is_word(source.substr(0, at)) && is_word(source.substr(at + 1, colon - at - 1));
}

}  // namespace gbuild::plan
