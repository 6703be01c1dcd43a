// A whole build: Dockerfile and context in, .gvmi out.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "gbuild/base/digest.h"
#include "gbuild/base/events.h"
#include "gbuild/engine/output_options.h"
#include "gbuild/engine/provenance.h"
#include "gbuild/golem/descriptor.h"
#include "gbuild/oci/image_config.h"
#include "gbuild/pack/options.h"
#include "gbuild/plan/plan.h"
#include "gbuild/sandbox/sandbox.h"
#include "gbuild/sources/source_options.h"
#include "gbuild/steps/cache_options.h"
#include "gbuild/steps/look_ahead.h"
#include "gbuild/steps/run_options.h"
#include "gbuild/tree/limits.h"

namespace gbuild::build {

// All that a build is told. Each part below reads the options of its own subject only.
struct BuildOptions : SourceOptions, CacheOptions, OutputOptions {
    RunOptions run;
    std::filesystem::path store_root;
    unsigned jobs = 0;  // 0: one a processor
    uint64_t max_files = tree::usual_max_files;
    // Seconds. The Dockerfile's and build arguments' SOURCE_DATE_EPOCH come between the two.
    std::optional<int64_t> timestamp;          // --timestamp
    std::optional<int64_t> environment_epoch;  // SOURCE_DATE_EPOCH of gbuild's own environment
    pack::PackOptions packing;
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
    // When it was asked for and the file was written, not found as an earlier build had left it.
    std::optional<golem::Descriptor> descriptor;
    Provenance provenance;  // of a .gvmi that was written anew; otherwise empty
};

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

struct PlannedBuild {
    plan::Plan plan;
    std::vector<std::vector<StepOutlook>> outlook;  // by stage and step
};

// What run_build would execute. Fetches manifests and configurations, no layers; reads what COPY would.
PlannedBuild plan_build(const BuildOptions& options, EventSink& events, std::stop_token stop);

}  // namespace gbuild::build
