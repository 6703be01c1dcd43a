// One file over HTTP/1.1: GET and HEAD, ranges, conditional requests.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "gbuild/base/fd.h"

namespace gbuild::serve {

struct ServedFile {
    UniqueFd fd;       // of a regular file, which must not change
    std::string name;  // the file is served as /NAME
    std::string etag;  // what stands for its contents, without quotes
};

// Where a server listens, and what a client writes in a URL for it.
struct ListenAddress {
    std::string host;  // as a numeric address, without brackets
    uint16_t port = 0;
    bool is_loopback = false;
    bool is_any = false;            // all addresses of the machine
    std::string authority() const;  // "127.0.0.1:8080", "[::1]:8080"
};

// Serves until it is destroyed, which closes all connections. Clients neither wait for each other nor keep more than a
// few kilobytes here: 256 connections at a time, 16 KiB of headers, a minute of silence.
class FileServer {
  public:
    // `listen` is ADDRESS:PORT, [ADDRESS]:PORT or localhost:PORT; port 0 is a free one. Throws usage for anything else,
    // conflict for a port in use, io.
    FileServer(ServedFile file, std::string_view listen);
    ~FileServer();
    FileServer(const FileServer&) = delete;
    FileServer& operator=(const FileServer&) = delete;

    const ListenAddress& address() const;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

// "0.9.75", of the library behind it.
std::string library_version();

}  // namespace gbuild::serve
