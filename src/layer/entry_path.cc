#include "entry_path.h"

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/text.h"

namespace gbuild::layer {
namespace {

constexpr std::string_view whiteout_prefix = ".wh.";
constexpr std::string_view aufs_prefix = ".wh..wh.";
constexpr std::string_view opaque_name = ".wh..wh..opq";

}  // namespace

std::optional<EntryPath> interpret_name(std::string_view name, Whiteouts whiteouts) {
    EntryPath result{tree::EntryKind::inode, tree::normalize_path(name)};
    std::string& path = result.path;
    if (whiteouts == Whiteouts::keep_as_files || path.find(whiteout_prefix) == std::string::npos) return result;

    const size_t slash = path.rfind('/');
    const std::string parent = slash == std::string::npos ? std::string() : path.substr(0, slash);
    const std::string last = path.substr(slash == std::string::npos ? 0 : slash + 1);
    for (const std::string& component : split(parent, '/')) {
        if (component.starts_with(aufs_prefix)) return std::nullopt;
        if (component.starts_with(whiteout_prefix)) {
            throw Error(ErrorKind::integrity, fmt::format("{} is below a whiteout", quoted(std::string_view(path))));
        }
    }
    if (last == opaque_name) return EntryPath{tree::EntryKind::opaque, parent};
    if (last.starts_with(aufs_prefix)) return std::nullopt;
    if (!last.starts_with(whiteout_prefix)) return result;

    const std::string hidden = last.substr(whiteout_prefix.size());
    if (hidden.empty() || hidden == "." || hidden == "..") {
        throw Error(ErrorKind::integrity, fmt::format("whiteout {} names nothing", quoted(std::string_view(path))));
    }
    return EntryPath{tree::EntryKind::whiteout, parent.empty() ? hidden : fmt::format("{}/{}", parent, hidden)};
}

}  // namespace gbuild::layer
