#include "wire.h"

#include <utility>

#include <fmt/format.h>

#include "gbuild/base/text.h"
#include "handles.h"

namespace gbuild::git {

namespace {

// libgit2's structs come first, so that it may take the whole for its own.
struct WireStream {
    git_smart_subtransport_stream base;
    WireTransport* owner;
    std::unique_ptr<Channel> channel;
};

struct WireSubtransport {
    git_smart_subtransport base;
    WireTransport* owner;
    WireStream* current;  // the last one opened that is still there
};

// Exceptions must not cross libgit2's C code.
template <class Body>
int guarded(WireTransport& owner, Body&& body) {
    try {
        body();
        return 0;
    } catch (const Error& error) {
        owner.thrown = std::current_exception();
        git_error_set_str(GIT_ERROR_NET, error.what());
    } catch (...) {
        owner.thrown = std::current_exception();
        git_error_set_str(GIT_ERROR_NET, "transfer failed");
    }
    return -1;
}

int stream_read(git_smart_subtransport_stream* base, char* buffer, size_t size, size_t* got) {
    auto* stream = reinterpret_cast<WireStream*>(base);
    return guarded(*stream->owner, [&] { *got = stream->channel->read({buffer, size}); });
}

int stream_write(git_smart_subtransport_stream* base, const char* buffer, size_t size) {
    auto* stream = reinterpret_cast<WireStream*>(base);
    return guarded(*stream->owner, [&] { stream->channel->write({buffer, size}); });
}

void stream_free(git_smart_subtransport_stream* base) {
    auto* stream = reinterpret_cast<WireStream*>(base);
    auto* subtransport = reinterpret_cast<WireSubtransport*>(base->subtransport);
    if (subtransport->current == stream) subtransport->current = nullptr;
    delete stream;
}

std::unique_ptr<Channel> open_channel(Wire& wire, git_smart_service_t action) {
    if (action == GIT_SERVICE_UPLOADPACK_LS) return wire.list_references();
    if (action == GIT_SERVICE_UPLOADPACK) return wire.upload_pack();
    throw Error(ErrorKind::internal, "libgit2 wants to push");
}

int subtransport_action(git_smart_subtransport_stream** out, git_smart_subtransport* base, const char*,
                        git_smart_service_t action) {
    auto* subtransport = reinterpret_cast<WireSubtransport*>(base);
    WireTransport& owner = *subtransport->owner;
    // A conversation over one connection goes on; libgit2 wants to see that it is the same.
    if (action == GIT_SERVICE_UPLOADPACK && !owner.wire.is_stateless() && subtransport->current) {
        *out = &subtransport->current->base;
        return 0;
    }
    return guarded(owner, [&] {
        auto stream = std::make_unique<WireStream>();
        stream->base = {base, stream_read, stream_write, stream_free};
        stream->owner = &owner;
        stream->channel = open_channel(owner.wire, action);
        subtransport->current = stream.get();
        *out = &stream.release()->base;
    });
}

int subtransport_close(git_smart_subtransport* base) {
    WireTransport& owner = *reinterpret_cast<WireSubtransport*>(base)->owner;
    return guarded(owner, [&] { owner.wire.close(); });
}

void subtransport_free(git_smart_subtransport* base) { delete reinterpret_cast<WireSubtransport*>(base); }

int subtransport_create(git_smart_subtransport** out, git_transport*, void* self) {
    auto* owner = static_cast<WireTransport*>(self);
    return guarded(*owner, [&] {
        auto* made = new WireSubtransport{{subtransport_action, subtransport_close, subtransport_free}, owner, nullptr};
        *out = &made->base;
    });
}

}  // namespace

int WireTransport::create(git_transport** out, git_remote* owner, void* self) {
    auto* transport = static_cast<WireTransport*>(self);
    transport->definition = {subtransport_create, transport->wire.is_stateless() ? 1u : 0u, transport};
    return git_transport_smart(out, owner, &transport->definition);
}

void WireTransport::rethrow() {
    if (thrown) std::rethrow_exception(std::exchange(thrown, nullptr));
}

std::unique_ptr<Wire> open_wire(const Remote& remote) {
    const std::string scheme = to_lower(remote.url.substr(0, remote.url.find("://")));
    if (scheme == "http" || scheme == "https") return open_http_wire(remote);
    if (scheme == "git") return open_git_wire(remote);
    const bool is_ssh = scheme == "ssh" || remote.url.find("://") == std::string::npos;
    throw Error(ErrorKind::unsupported, is_ssh
                                            ? "git repositories cannot be fetched over ssh"
                                            : fmt::format("git repositories cannot be fetched over {}", quoted(scheme)))
        .hint("use the repository's https:// URL, or put a clone into the build context");
}

}  // namespace gbuild::git
