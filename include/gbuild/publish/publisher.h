// The client of the Golem registry: what `gbuild push`, `resolve` and `pull` do.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "gbuild/base/events.h"
#include "gbuild/golem/descriptor.h"
#include "gbuild/publish/login.h"
#include "gbuild/publish/registry_name.h"
#include "gbuild/publish/registry_place.h"
#include "gbuild/publish/resolve.h"
#include "gbuild/registry/client.h"

namespace gbuild::publish {

struct PublisherOptions {
    // Of the connections: trust, attempts, time-outs.
    registry::ClientOptions http;
    // How long the registry may take to check an image that it has all of, and a second more for every 20 MB of it.
    std::chrono::seconds patience{60};
};

struct PushJob {
    std::filesystem::path file;
    std::vector<RegistryName> names;  // none: the image can be had by its hash only, and for a limited time
    std::optional<Login> login;       // there when there are names
    // When it is known already, with the chunk size that is wanted.
    std::optional<golem::Descriptor> descriptor;
    std::optional<uint64_t> chunk_size;  // bytes; default: by the file's size
    unsigned uploads = 4;                // at a time
    // The descriptor is sent, since nothing can be asked without it; no chunk and no tag.
    bool dry_run = false;
};

struct PushedName {
    RegistryName name;
    ResolvedImage image;  // what the registry gives for it now
};

struct PushResult {
    golem::Descriptor descriptor;
    size_t chunks_there = 0;  // before anything was sent
    size_t chunks_sent = 0;
    uint64_t bytes_sent = 0;
    std::vector<PushedName> names;           // empty after a dry run
    std::optional<ResolvedImage> anonymous;  // of a push without names
};

// Thread-safe, but for the events' order.
class Publisher {
  public:
    Publisher(RegistryPlace place, PublisherOptions options);
    ~Publisher();

    const RegistryPlace& place() const;

    // Throws unauthorized when the registry does not know user or token.
    void check_login(const Login& login, const std::stop_token& stop);

    // Sends what the registry does not have yet, tags the image and asks whether the tags give it. What was accepted is
    // never sent again, by whichever run of whichever client. Throws what went wrong with the registry's reason (see
    // the man page for kinds); conflict when the file changes meanwhile or a tag gives something else.
    PushResult push(const PushJob& job, EventSink& events, const std::stop_token& stop);

    // Throws not_found.
    ResolvedImage resolve(const RegistryName& name, const std::stop_token& stop);
    ResolvedImage resolve(const golem::ImageHash& hash, const std::stop_token& stop);

    // The image's file as `target`, which is replaced as a whole once the SHA3 is right. What came is kept beside it,
    // under a name that begins with a dot, for another run to go on with. False when the image is there already. Throws
    // integrity, and then nothing is kept; conflict while another process does the same.
    bool download(const ResolvedImage& image, const std::filesystem::path& target, EventSink& events,
                  const std::stop_token& stop);

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace gbuild::publish
