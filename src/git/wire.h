// The way to a git server, as libgit2's smart transport wants it: requests out, answers in (gitprotocol-pack(5)).
#pragma once

#include <git2.h>
#include <git2/sys/transport.h>

#include <exception>
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
    // HTTP: each request gets one answer, and a channel of its own.
    virtual bool is_stateless() const = 0;
    virtual std::unique_ptr<Channel> list_references() = 0;
    // Stateless only: otherwise the channel of list_references() is the one.
    virtual std::unique_ptr<Channel> upload_pack() = 0;
    virtual void close() = 0;
};

// Of the remote's protocol; must not outlive it. Throws unsupported.
std::unique_ptr<Wire> open_wire(const Remote& remote);
std::unique_ptr<Wire> open_http_wire(const Remote& remote);
std::unique_ptr<Wire> open_git_wire(const Remote& remote);

// Puts a wire under libgit2's smart transport. What is thrown underneath waits here for whoever called libgit2.
struct WireTransport {
    explicit WireTransport(Wire& below) : wire(below) {}

    // For git_remote_callbacks::transport, with this as its payload.
    static int create(git_transport** out, git_remote* owner, void* self);
    // Throws what was thrown underneath, if anything was.
    void rethrow();

    Wire& wire;
    std::exception_ptr thrown;
    git_smart_subtransport_definition definition{};
};

}  // namespace gbuild::git
