// The way to a git server's upload-pack: what it has is read first, then a pack is asked for (gitprotocol-pack(5)).
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "gbuild/git/repository.h"

namespace gbuild::git {

// One conversation. Throws network, unauthorized, limit, interrupted.
class Channel {
  public:
    virtual ~Channel() = default;
    virtual void write(std::string_view bytes) = 0;
    // Waits for some bytes; 0: there are no more.
    virtual size_t read(std::span<char> into) = 0;
};

class Wire {
  public:
    virtual ~Wire() = default;
    // The channel that tells what the server has, and the one that takes a request and gives its answer: the same one
    // where there is one connection, HTTP has a channel for each. Both stay until the wire goes.
    virtual Channel& list_references() = 0;
    virtual Channel& upload_pack() = 0;
    // Says goodbye where nothing was asked for.
    virtual void leave() {}
};

// Of the remote's protocol; must not outlive it. Throws unsupported.
std::unique_ptr<Wire> open_wire(const Remote& remote);
std::unique_ptr<Wire> open_http_wire(const Remote& remote);
std::unique_ptr<Wire> open_git_wire(const Remote& remote);
std::unique_ptr<Wire> open_ssh_wire(const Remote& remote);

}  // namespace gbuild::git
