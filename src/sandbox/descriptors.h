// Messages between processes that carry descriptors: unix(7), SCM_RIGHTS.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "gbuild/base/fd.h"

namespace gbuild::sandbox {

inline constexpr size_t most_descriptors = 4;  // in a message

// What sendmsg(2) returned; the descriptors stay the caller's. `text` is not empty.
ssize_t send_descriptors(int socket, std::string_view text, std::span<const int> descriptors);

struct Received {
    ssize_t size = -1;  // of the text; -1 with errno: a failure
    std::vector<UniqueFd> descriptors;
};
// Descriptors past most_descriptors are closed.
Received receive_descriptors(int socket, std::span<char> text);

}  // namespace gbuild::sandbox
