#include <algorithm>

#include "gbuild/plan/plan.h"
#include "paths.h"

namespace gbuild::plan {

namespace {

const Stage& root_stage(const Plan& plan) {
    const Stage* stage = &plan.stages.back();
    while (const auto* below = std::get_if<StageBase>(&stage->base))
        stage = &plan.stages.at(static_cast<size_t>(below->stage));
    return *stage;
}

}  // namespace

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

std::optional<SourceSpan> place_of_variable(const Plan& plan, std::string_view name) {
    const std::vector<const Step*> steps = steps_of_target(plan);
    for (size_t i = steps.size(); i-- > 0;) {
        if (steps[i]->instruction != "ENV") continue;
        const oci::ContainerConfig& before = i > 0 ? steps[i - 1]->config : root_stage(plan).base_config.config;
        if (before.env_value(name) != steps[i]->config.env_value(name)) return steps[i]->span;
    }
    return std::nullopt;
}

std::optional<SourceSpan> place_of_volume(const Plan& plan, const std::string& volume) {
    auto steps = steps_of_target(plan);
    const std::string wanted = resolve_path("/", volume);
    auto first = std::find_if(steps.begin(), steps.end(), [&](const Step* step) {
        return step->instruction == "VOLUME" &&
               std::any_of(step->config.volumes.begin(), step->config.volumes.end(),
                           [&](const std::string& path) { return resolve_path("/", path) == wanted; });
    });
    return first == steps.end() ? std::nullopt : std::optional((*first)->span);
}

}  // namespace gbuild::plan
