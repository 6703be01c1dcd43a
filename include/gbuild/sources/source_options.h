// What a build is made from, as the user says it.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "gbuild/oci/platform.h"
#include "gbuild/registry/client.h"

namespace gbuild::build {

enum class PullPolicy {
    missing,  // what the store remembers is used; the registry is asked for the rest
    always,   // tags are looked up anew
    never,    // the store only
};

// Whose files a directory has.
enum class Origin {
    here,       // the user's own
    elsewhere,  // anybody's: nothing in it may lead out of it
};

// For RUN --mount=type=secret and ssh and for repositories, by id. Never stored, shown or part of a key.
struct Credentials {
    std::map<std::string, std::string> secrets;           // values
    std::map<std::string, std::filesystem::path> agents;  // sockets of ssh agents
};

struct SourceOptions {
    std::filesystem::path context;  // a directory
    Origin origin = Origin::here;   // of the context; elsewhere: `dockerfile` is a path in it
    // What fetch_context() makes the context of; "" when that is there already. Until then `context` is but a name.
    std::string context_source;
    std::optional<std::filesystem::path> dockerfile;   // default: Dockerfile in the context
    std::optional<std::string> dockerfile_text;        // from standard input (-f -); wins
    std::string dockerfile_name = "<stdin>";           // what messages call `dockerfile_text`
    std::optional<std::filesystem::path> ignore_file;  // default: see inputs.h
    std::string target;
    std::map<std::string, std::string> build_args;
    std::map<std::string, std::string> labels;
    std::map<std::string, std::string>
        build_contexts;  // name → directory, archive, URL, docker-image://…, oci-layout://…, docker-archive://…
    oci::Platform platform;
    PullPolicy pull = PullPolicy::missing;
    registry::ClientOptions registry;
};

}  // namespace gbuild::build
