#include "gbuild/steps/forecast.h"

#include <algorithm>

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/text.h"
#include "gbuild/steps/step_change.h"

namespace gbuild::build {

namespace {

const plan::StageBase* stage_copied_from(const plan::Step& step) {
    const auto* copy = std::get_if<plan::CopyStep>(&step.action);
    return copy ? std::get_if<plan::StageBase>(&copy->source) : nullptr;
}

bool is_run(const plan::Step& step) { return std::holds_alternative<plan::RunStep>(step.action); }

}  // namespace

CachePolicy::CachePolicy(const plan::Plan& plan, bool use, std::set<std::string> uncached) :
    use_(use), uncached_(std::move(uncached)) {
    const std::set<size_t> below_target = stages_below_target(plan);
    std::set<size_t> run;  // stages in which commands run, or on top of which, or with files of which they are made
    const auto is_of_commands = [&](const plan::Step& step) {
        const auto* source = stage_copied_from(step);
        return is_run(step) || (source && run.contains(static_cast<size_t>(source->stage)));
    };
    for (size_t i = 0; i < plan.stages.size(); i++) {
        const plan::Stage& stage = plan.stages[i];
        const auto* below = std::get_if<plan::StageBase>(&stage.base);
        const bool on_commands = below && run.contains(static_cast<size_t>(below->stage));
        if (on_commands || std::any_of(stage.steps.begin(), stage.steps.end(), is_of_commands)) run.insert(i);
        const bool all = run.contains(i) && !below_target.contains(i);
        for (const plan::Step& step : stage.steps) {
            if (is_of_commands(step) || (all && !stage_copied_from(step))) shared_.insert(&step);
        }
    }
}

bool CachePolicy::applies_to(const plan::Stage& stage) const {
    return use_ && !uncached_.contains(stage.name) && !uncached_.contains(std::to_string(stage.index));
}

StepCache::From CachePolicy::source_of(const plan::Step& step) const {
    return shared_.contains(&step) ? StepCache::From::caches_too : StepCache::From::store;
}

std::optional<Digest> start_of(const plan::Stage& stage, const BaseImages& bases, const StageResults& results) {
    if (const auto* below = std::get_if<plan::StageBase>(&stage.base)) {
        return results(static_cast<size_t>(below->stage));
    }
    return is_external(stage.base) ? result_of(bases.at(stage.base)) : image_result({});
}

std::set<size_t> stages_below_target(const plan::Plan& plan) {
    std::set<size_t> stages;
    for (size_t stage = plan.stages.size() - 1;;) {
        stages.insert(stage);
        const auto* below = std::get_if<plan::StageBase>(&plan.stages[stage].base);
        if (!below) return stages;
        stage = static_cast<size_t>(below->stage);
    }
}

namespace {

StageForecast forecast_stage(const plan::Stage& stage, const KeyInputs& inputs, const CachePolicy& policy,
                             StepCache& cache, const StageResults& results) {
    using Outcome = StepForecast::Outcome;
    StageForecast forecast;
    std::optional<Digest> result = start_of(stage, inputs.bases, results);
    const oci::ContainerConfig* config = &stage.base_config.config;
    for (const plan::Step& step : stage.steps) {
        StepForecast& one = forecast.steps.emplace_back();
        const oci::ContainerConfig& before = *config;
        config = &step.config;
        if (!has_result(step)) continue;
        one.outcome = Outcome::unclear;
        if (!result) continue;
        try {
            one.key = key_of(stage, step, before, *result, results, inputs);
        } catch (Error& error) {
            if (!error.span()) error.at(step.span);
            if (step.is_trigger) error.context(fmt::format("executing the base's trigger {}", quoted(step.text)));
            throw;
        }
        auto changes =
            one.key && policy.applies_to(stage) ? cache.find(one.key->digest(), policy.source_of(step)) : std::nullopt;
        if (one.key) one.outcome = changes ? Outcome::known : Outcome::missing;
        result = changes ? std::optional(result_after(*result, *changes)) : std::nullopt;
    }
    forecast.result = result;
    return forecast;
}

}  // namespace

std::vector<StageForecast> make_forecast(const KeyInputs& inputs, const CachePolicy& policy, StepCache& cache) {
    std::vector<StageForecast> forecasts;
    const StageResults results = [&](size_t stage) { return forecasts.at(stage).result; };
    for (const plan::Stage& stage : inputs.plan.stages) {
        forecasts.push_back(forecast_stage(stage, inputs, policy, cache, results));
    }
    return forecasts;
}

}  // namespace gbuild::build
