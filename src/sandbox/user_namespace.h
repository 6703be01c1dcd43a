// Entering a user namespace in which the caller is root.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "gbuild/sandbox/isolation.h"

namespace gbuild::sandbox {

// A range of /etc/subuid or /etc/subgid.
struct IdRange {
    uint32_t first = 0;
    uint32_t count = 0;
};

// The first range in `text` (a subuid(5) file) that is `name`'s or the number `id`'s. Malformed lines are skipped.
std::optional<IdRange> find_range(std::string_view text, std::string_view name, uint32_t id);

// What subid would use for the caller; nullopt when it has none.
struct IdRanges {
    IdRange users, groups;
};
std::optional<IdRanges> ranges_of_caller();

// Puts the calling process, which must have one thread, into a new user namespace and maps the caller to 0; with subid
// also the caller's ranges to 1 and up. `isolation` is single or subid. Throws StageFailure; the process may then be in
// a namespace without a map, and can only end.
void enter_user_namespace(Isolation isolation);

}  // namespace gbuild::sandbox
