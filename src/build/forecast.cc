#include "forecast.h"

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/text.h"
#include "stage_tree.h"

namespace gbuild::build {

bool CachePolicy::applies_to(const plan::Stage& stage) const {
    return use && !uncached.contains(stage.name) && !uncached.contains(std::to_string(stage.index));
}

std::optional<Digest> start_of(const plan::Stage& stage, const BaseImages& bases, const StageResults& results) {
    if (const auto* below = std::get_if<plan::StageBase>(&stage.base)) {
        return results(static_cast<size_t>(below->stage));
    }
    return is_external(stage.base) ? result_of(bases.at(stage.base)) : image_result({});
}

namespace {

StageForecast forecast_stage(const plan::Stage& stage, const KeyInputs& inputs, bool use_cache, StepCache& cache,
                             const StageResults& results) {
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
        auto changes = one.key && use_cache ? cache.find(one.key->digest()) : std::nullopt;
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
        forecasts.push_back(forecast_stage(stage, inputs, policy.applies_to(stage), cache, results));
    }
    return forecasts;
}

}  // namespace gbuild::build
