// Requests, read from bytes that come bit by bit.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gbuild/provider/wire.h"

namespace gbuild::guest {

struct Redirection {
    uint32_t descriptor = 0;
    provider::wire::Redirect kind = provider::wire::Redirect::ring;
    uint64_t size = 0;
    std::string path;
};

struct Request {
    uint64_t id = 0;
    provider::wire::Request type = provider::wire::Request::quit;
    // Of all types; what a request does not have is as it is here.
    std::string program, directory, tag, path, data;
    std::vector<std::string> arguments, environment;
    std::vector<Redirection> redirections;
    std::vector<std::pair<std::string, std::string>> hosts;
    uint32_t uid = 0, gid = 0, signal = 9, size = 0;
    uint64_t process = 0, offset = 0, length = UINT64_MAX;
    uint8_t descriptor = 1;
    bool entrypoint = false;
};

class RequestReader {
  public:
    void add(std::string_view bytes) { bytes_ += bytes; }
    // The next one that is complete. What is no request ends the machine: nothing says where the next one begins.
    std::optional<Request> next();

  private:
    std::string bytes_;
};

}  // namespace gbuild::guest
