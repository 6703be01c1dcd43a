// What the steps of a Dockerfile's last build were made of, kept in the store to tell why a step has to be executed.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "gbuild/plan/plan.h"
#include "gbuild/steps/step_key.h"

namespace gbuild::build {

class BuildTrace {
  public:
    // Of one step: its place, and the parts of its key, of whose digests only the start is kept.
    struct Step {
        std::string stage;  // name, else number
        std::string text;
        std::map<std::string, uint64_t> parts;
    };

    void add(const plan::Stage& stage, const plan::Step& step, const StepKey& key);
    // Adds what `older` has about steps of the plan that this one has nothing about.
    void complete_from(const BuildTrace& older, const plan::Plan& plan);
    // Why the step's key is another one than the last time: "src/main.py changed", in words that follow "because".
    std::string reason(const plan::Stage& stage, const plan::Step& step, const StepKey& key) const;

    bool empty() const { return steps_.empty(); }
    std::string encode() const;
    // An empty one for what encode() does not give.
    static BuildTrace decode(std::string_view bytes);

  private:
    const Step* find(const plan::Stage& stage, const plan::Step& step) const;
    std::vector<Step> steps_;
};

}  // namespace gbuild::build
