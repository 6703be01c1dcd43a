// A whole build: Dockerfile and context in, .gvmi out.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "gbuild/base/events.h"
#include "gbuild/build/cache_location.h"
#include "gbuild/exporter/container_image.h"
#include "gbuild/oci/image_config.h"
#include "gbuild/oci/platform.h"
#include "gbuild/oci/reference.h"
#include "gbuild/pack/options.h"
#include "gbuild/plan/plan.h"
#include "gbuild/registry/client.h"
#include "gbuild/sandbox/sandbox.h"
#include "gbuild/tree/limits.h"

namespace gbuild::build {

enum class PullPolicy {
    missing,  // what the store remembers is used; the registry is asked for the rest
    always,   // tags are looked up anew
    never,    // the store only
};

// How RUN is executed.
struct RunOptions {
    std::optional<sandbox::Isolation> isolation;        // default: the first that works
    sandbox::Network network = sandbox::Network::host;  // what RUN --network=default is
    bool allow_insecure = false;                        // RUN --security=insecure
    std::chrono::seconds timeout{0};                    // for each step; 0: none
    std::optional<uint64_t> memory;                     // bytes a step may use
    std::optional<uint64_t> pids;                       // processes a step may have
    std::map<std::string, std::string> proxies;         // for commands only; never stored
    // For RUN --mount=type=secret and ssh, by id. Never stored, shown or part of a key.
    std::map<std::string, std::string> secrets;              // values
    std::map<std::string, std::filesystem::path> agents;     // sockets of ssh agents
    std::vector<std::pair<std::string, std::string>> hosts;  // names and addresses, for /etc/hosts
    std::vector<sandbox::ResourceLimit> limits;
    uint64_t shm_size = 64u << 20;  // of /dev/shm, bytes
};

// Something for the container world that a build writes.
struct ContainerOutput {
    enum class Form {
        oci,     // an OCI layout: a tar archive or a directory
        docker,  // what `docker load` reads
        tar,     // the file tree
        local,   // the file tree as files of the user's
    };
    Form form = Form::oci;
    std::optional<std::filesystem::path> destination;                 // a file, or a directory; none: standard output
    bool directory = false;                                           // always for local
    exporter::Compression compression = exporter::Compression::gzip;  // of oci's and docker's layer
    std::optional<int> compression_level;
    std::vector<oci::ImageName> names;
};

// Whose files a directory has.
enum class Origin {
    here,       // the user's own
    elsewhere,  // anybody's: nothing in it may lead out of it
};

struct BuildOptions {
    std::filesystem::path context;  // a directory
    Origin origin = Origin::here;   // of the context; elsewhere: `dockerfile` is a path in it
    // What fetch_context() makes the context of; "" when that is there already. Until then `context` is but a name.
    std::string context_source;
    std::optional<std::filesystem::path> dockerfile;  // default: Dockerfile in the context
    std::optional<std::string> dockerfile_text;       // from standard input (-f -); wins
    std::string dockerfile_name = "<stdin>";          // what messages call `dockerfile_text`
    std::string target;
    std::map<std::string, std::string> build_args;
    std::map<std::string, std::string> labels;
    std::map<std::string, std::string>
        build_contexts;  // name → directory, archive, URL, docker-image://…, oci-layout://…, docker-archive://…
    oci::Platform platform;
    PullPolicy pull = PullPolicy::missing;
    bool no_cache = false;                        // execute all steps, whatever is known of their results
    std::vector<std::string> no_cache_of_stages;  // those of these stages, by name or number
    std::vector<CacheSource> cache_from;          // asked for what the store does not know
    std::vector<CacheTarget> cache_to;            // given what this build used
    RunOptions run;
    registry::ClientOptions registry;
    std::filesystem::path store_root;
    unsigned jobs = 0;  // 0: one a processor
    uint64_t max_files = tree::usual_max_files;
    // Seconds. The Dockerfile's and build arguments' SOURCE_DATE_EPOCH come between the two.
    std::optional<int64_t> timestamp;          // --timestamp
    std::optional<int64_t> environment_epoch;  // SOURCE_DATE_EPOCH of gbuild's own environment
    pack::PackOptions packing;
    std::vector<oci::ImageName> tags;
    bool writes_gvmi = true;
    std::optional<std::filesystem::path> output;  // the .gvmi; default: NAME-TAG.gvmi in the current directory
    std::vector<ContainerOutput> container_outputs;
    exporter::Annotations annotations, descriptor_annotations;  // of container images
    // What the caller writes about this build. Like the image itself, these files are not part of any build context.
    std::vector<std::filesystem::path> side_files;
};

struct BaseUsed {
    std::string reference;
    Digest manifest;
};

struct WrittenOutput {
    ContainerOutput output;
    uint64_t size = 0;        // of the file, or of a directory's files
    Digest config, manifest;  // of images
};

struct BuildResult {
    std::filesystem::path file;  // of the .gvmi, as the next three are; empty when none is written
    uint64_t size = 0;
    std::string sha3;             // 56 hex digits
    std::string image_id;         // 64 hex digits
    oci::ContainerConfig config;  // USER as the trailer has it
    uint32_t inodes = 0;
    std::vector<BaseUsed> bases;
    std::vector<WrittenOutput> container_outputs;
};

// The files of a context that was fetched, in the store; gone with it.
struct FetchedContext;

// Makes a directory of options.context_source: "-" (an archive or a Dockerfile on standard input), a git repository, or
// a URL of an archive or a Dockerfile (plan/remote_source.h). Enters it into `options`, a Dockerfile as
// `dockerfile_text`; `options` and `events` must outlive the result. To be called before prepare_sandbox(), while the
// process has one thread. Throws usage when the Dockerfile is given twice; what fetching and unpacking throw.
std::shared_ptr<FetchedContext> fetch_context(BuildOptions& options, EventSink& events, const std::stop_token& stop);

// What the RUN steps of the Dockerfile and of its bases' ONBUILD triggers will be executed in; null when the target has
// none. A base that the store does not know may have triggers, so there is a sandbox for it, too, where one is
// possible. To be called while the process has one thread, before run_build(): it may move the process into a user
// namespace (sandbox/sandbox.h). Throws what reading the Dockerfile does, and unsupported where commands cannot be run
// here.
std::unique_ptr<sandbox::Sandbox> prepare_sandbox(const BuildOptions& options);

// Whether prepare_sandbox() would have something to prepare. Throws what reading the Dockerfile does.
bool runs_commands(const BuildOptions& options);

// `sandbox` is what prepare_sandbox() gave. Throws Error. On any failure the output is as it was before, and the store
// holds nothing unverified.
BuildResult run_build(const BuildOptions& options, EventSink& events, std::stop_token stop,
                      sandbox::Sandbox* sandbox = nullptr);

// What is known of a step's result before it is executed.
struct StepOutlook {
    enum class Result { none, known, missing, unclear };  // none: changes no files; unclear: depends on a missing one
    Result result = Result::none;
    std::string reason;  // of a missing one: "src/main.py changed"
};

struct PlannedBuild {
    plan::Plan plan;
    std::vector<std::vector<StepOutlook>> outlook;  // by stage and step
};

// What run_build would execute. Fetches manifests and configurations, no layers; reads what COPY would.
PlannedBuild plan_build(const BuildOptions& options, EventSink& events, std::stop_token stop);

}  // namespace gbuild::build
