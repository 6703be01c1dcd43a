// The value of RUN --mount: comma-separated fields, "type=cache,target=/root/.cache,sharing=locked".
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace gbuild::dockerfile {

enum class MountType { bind, cache, tmpfs, secret, ssh };
enum class MountSharing { shared, private_, locked };

struct Mount {
    MountType type = MountType::bind;
    std::string from, source, target, id;
    std::optional<std::string> env;  // secrets: the variable that gets the value
    bool read_only = true;           // the type's default when not given: cache and tmpfs can be written
    bool required = false;
    MountSharing sharing = MountSharing::shared;
    std::optional<uint64_t> size;  // tmpfs, bytes
    std::optional<uint32_t> mode, uid, gid;
};

// What variables in the value of a key stand for.
using ExpandValue = std::function<std::string(std::string_view)>;

// Throws dockerfile (without a place) for unknown keys, malformed values and keys that the type does not take. Without
// `expand`, values that hold a "$" are not looked at. `from` is never expanded.
Mount parse_mount(std::string_view text, const ExpandValue& expand = {});

std::string_view mount_type_name(MountType type);
std::string_view mount_sharing_name(MountSharing sharing);

}  // namespace gbuild::dockerfile
