// What a build is made from, read once; and what becomes of it when its bases are resolved: a plan, and all that its
// steps read.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "gbuild/bases/base_images.h"
#include "gbuild/bases/environment.h"
#include "gbuild/copy/copy_source.h"
#include "gbuild/dockerfile/ast.h"
#include "gbuild/engine/build_options.h"
#include "gbuild/plan/plan.h"
#include "gbuild/sandbox/sandbox.h"
#include "gbuild/sources/inputs.h"
#include "gbuild/sources/remote_sources.h"
#include "gbuild/steps/cache_import.h"
#include "gbuild/steps/forecast.h"
#include "gbuild/steps/step_keys.h"
#include "gbuild/store/store.h"

namespace gbuild::build {

using NamedContexts = std::map<std::string, NamedContext>;

struct BuildInputs {
    // As Build's constructor has it.
    BuildInputs(BuildOptions options, EventSink& events);

    unsigned jobs() const;

    BuildOptions options;
    dockerfile::Dockerfile file;
    NamedContexts contexts;
    plan::PlanRequest request;
    store::Store store;
    std::unique_ptr<sandbox::Sandbox> sandbox;  // once it is prepared; null when no step is a RUN
};

// Whether the target has a RUN, or the triggers of its bases bring one: of a base that is not known yet, they may.
enum class Commands { none, possible, certain };
Commands commands_of(const BuildInputs& inputs);

// Everything that the steps of a plan read. `env` and `inputs` must outlive it.
class ResolvedBuild {
  public:
    // Resolves the bases, makes the plan, and opens the contexts that it reads; `written` are the files that the build
    // writes, which are in none. Throws what any of that does.
    ResolvedBuild(const BuildInputs& inputs, const Environment& env, const std::vector<std::filesystem::path>& written);

    KeyInputs keys();
    // Throws usage for a stage of --no-cache-filter that is not there.
    CachePolicy cache_policy() const;
    // The sandbox for the plan's commands; null when it has none. Throws unsupported when it cannot be had: only a
    // trigger's can come without one.
    sandbox::Sandbox* sandbox() const;

    const plan::Plan& plan() const { return plan_; }
    const BaseImages& bases() const { return bases_; }
    CacheImport& imported() { return imported_; }
    int64_t epoch() const { return epoch_; }

  private:
    const BuildInputs& inputs_;
    RemoteSources sources_;
    CacheImport imported_;
    BaseImages bases_;
    plan::Plan plan_;
    int64_t epoch_ = 0;
    std::unique_ptr<ContextDir> context_;                             // null when no step reads it
    std::map<std::string, std::unique_ptr<ContextDir>> directories_;  // named contexts that are directories
};

}  // namespace gbuild::build
