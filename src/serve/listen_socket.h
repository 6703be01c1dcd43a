// The socket that a server listens on.
#pragma once

#include <string_view>

#include "gbuild/base/fd.h"
#include "gbuild/serve/file_server.h"

namespace gbuild::serve {

struct ListenSocket {
    UniqueFd fd;
    ListenAddress address;  // with the port that a port of 0 became
};

// See FileServer.
ListenSocket listen_on(std::string_view listen);

}  // namespace gbuild::serve
