// A whole build: Dockerfile and context in, .gvmi out. The types make the order right:
//
//   Build build(options, events);                                   the Dockerfile and the store are read, once
//   PreparedBuild prepared = std::move(build).prepare();            what needs a process with one thread
//   BuildResult result = std::move(prepared).run(progress, stop);   everything else
//
// or, to see what would be executed, std::move(build).outlook(progress, stop). A context that is not a directory yet is
// fetched before (sources/context_source.h).
#pragma once

#include <memory>
#include <stop_token>

#include "gbuild/base/events.h"
#include "gbuild/engine/build_options.h"
#include "gbuild/engine/build_result.h"
#include "gbuild/engine/side_output.h"

namespace gbuild::build {

struct BuildInputs;

class PreparedBuild {
  public:
    explicit PreparedBuild(std::unique_ptr<BuildInputs> inputs);
    PreparedBuild(PreparedBuild&&) noexcept;
    ~PreparedBuild();

    // Resolves the bases, makes the plan, executes what has no known result and writes the outputs: see
    // docs/ARCHITECTURE.md. Everything is written before anything gets its name, `beside` included, which may be null.
    // Throws Error, and what options.standard_output throws; then every output is as it was before, and the store holds
    // nothing unverified.
    BuildResult run(EventSink& events, const std::stop_token& stop, SideOutput* beside = nullptr) &&;

  private:
    std::unique_ptr<BuildInputs> inputs_;
};

class Build {
  public:
    // Finds and parses the Dockerfile, checks the options and opens the store. For a Dockerfile that cannot be read
    // `events` is told of what stands before the error. Throws usage, not_found, dockerfile, and what the store throws.
    Build(BuildOptions options, EventSink& events);
    Build(Build&&) noexcept;
    ~Build();

    // Whether commands may be executed: by the Dockerfile, or by triggers of its bases, which one that the store does
    // not know may have.
    bool runs_commands() const;
    // To be called while the process has one thread: it may move it into a user namespace (sandbox/sandbox.h). Throws
    // unsupported where commands cannot be run here.
    PreparedBuild prepare() &&;
    // The same for a build that is not to execute commands, whatever it finds, and at any time.
    PreparedBuild without_commands() &&;
    // What run() would execute. Fetches manifests and configurations, no layers; reads what COPY would.
    PlannedBuild outlook(EventSink& events, const std::stop_token& stop) &&;

  private:
    std::unique_ptr<BuildInputs> inputs_;
};

}  // namespace gbuild::build
