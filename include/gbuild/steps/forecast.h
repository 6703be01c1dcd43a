// Which steps of a plan have a known result, found out without executing any.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "gbuild/steps/step_cache.h"
#include "gbuild/steps/step_keys.h"

namespace gbuild::build {

struct StepForecast {
    enum class Outcome {
        config,   // changes no files
        known,    // has a result
        missing,  // is going to be executed
        unclear,  // comes after one that is going to be executed
    };
    Outcome outcome = Outcome::config;
    std::optional<StepKey> key;  // known and missing ones
};

struct StageForecast {
    std::vector<StepForecast> steps;
    std::optional<Digest> result;  // when every step's is known

    bool is_known() const { return result.has_value(); }
};

// Which results are used. Steps of the stages named (by name or number) in `uncached` are executed whatever is known.
//
// Of caches that others wrote (CacheImport) only what cannot be had without executing commands is believed: what RUN
// made, and what goes into it or comes out of it. So the files that a build copies to its image are those that it was
// given:
//  - RUN steps;
//  - in stages with a RUN that the target is not built on: all steps, so that their bases need not be pulled;
//  - COPY --from of a stage with a RUN.
class CachePolicy {
  public:
    // The plan must outlive it.
    CachePolicy(const plan::Plan& plan, bool use, std::set<std::string> uncached);

    bool applies_to(const plan::Stage& stage) const;
    StepCache::From source_of(const plan::Step& step) const;

  private:
    bool use_;
    std::set<std::string> uncached_;
    std::set<const plan::Step*> shared_;
};

// The stages that the target is built on, itself included.
std::set<size_t> stages_below_target(const plan::Plan& plan);

// By the plan's stages. Throws what reading the sources of COPY does.
std::vector<StageForecast> make_forecast(const KeyInputs& inputs, const CachePolicy& policy, StepCache& cache);

// What stands for the tree that a stage starts with; nullopt while a stage's result is not known.
std::optional<Digest> start_of(const plan::Stage& stage, const BaseImages& bases, const StageResults& results);

}  // namespace gbuild::build
