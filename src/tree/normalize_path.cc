#include <fmt/format.h>

#include <utility>

#include "gbuild/base/error.h"
#include "gbuild/base/text.h"
#include "gbuild/tree/layer_tree.h"

namespace gbuild::tree {
namespace {

constexpr size_t max_component = 255;
constexpr size_t max_path = 4096;

// A hostile name may be megabytes long.
std::string shown(std::string_view path) {
    constexpr size_t enough = 100;
    return path.size() <= enough ? gbuild::quoted(path) : gbuild::quoted(path.substr(0, enough)) + "…";
}

void append_component(std::string& result, std::string_view component, std::string_view path) {
    if (component.size() > max_component) {
        throw Error(ErrorKind::limit, fmt::format("path {} has a name of {} bytes; the limit is {}", shown(path),
                                                  component.size(), max_component));
    }
    if (!result.empty()) result += '/';
    result += component;
}

}  // namespace

std::string normalize_path(std::string_view path) {
    if (path.find('\0') != std::string_view::npos) {
        throw Error(ErrorKind::integrity, fmt::format("path {} contains a NUL byte", shown(path)));
    }
    if (path.size() > max_path) {
        throw Error(ErrorKind::limit,
                    fmt::format("path {} is {} bytes long; the limit is {}", shown(path), path.size(), max_path));
    }
    std::string result;
    result.reserve(path.size());
    while (!path.empty()) {
        const size_t slash = path.find('/');
        const std::string_view component = path.substr(0, slash);
        if (component == "..") {
            if (result.empty()) {
                throw Error(ErrorKind::integrity, fmt::format("path {} leaves the root", shown(path)));
            }
            const size_t parent = result.rfind('/');
            result.resize(parent == std::string::npos ? 0 : parent);
        } else if (!component.empty() && component != ".") {
            append_component(result, component, path);
        }
        path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
    }
    return result;
}

}  // namespace gbuild::tree
