#include <algorithm>

#include "gbuild/plan/plan.h"

namespace gbuild::plan {

std::vector<const Step*> steps_of_target(const Plan& plan) {
    std::vector<const Stage*> stages{&plan.stages.back()};
    while (const auto* below = std::get_if<StageBase>(&stages.back()->base)) {
        stages.push_back(&plan.stages.at(static_cast<size_t>(below->stage)));
    }
    std::vector<const Step*> steps;
    for (auto stage = stages.rbegin(); stage != stages.rend(); ++stage) {
        for (const Step& step : (*stage)->steps) steps.push_back(&step);
    }
    return steps;
}

std::optional<SourceSpan> place_of(const Plan& plan, std::string_view instruction) {
    auto steps = steps_of_target(plan);
    auto last =
        std::find_if(steps.rbegin(), steps.rend(), [&](const Step* step) { return step->instruction == instruction; });
    return last == steps.rend() ? std::nullopt : std::optional((*last)->span);
}

std::optional<SourceSpan> place_of_volume(const Plan& plan, const std::string& volume) {
    auto steps = steps_of_target(plan);
    auto first = std::find_if(steps.begin(), steps.end(), [&](const Step* step) {
        return step->instruction == "VOLUME" && step->config.volumes.count(volume) != 0;
    });
    return first == steps.end() ? std::nullopt : std::optional((*first)->span);
}

}  // namespace gbuild::plan
