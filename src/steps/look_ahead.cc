#include "gbuild/steps/look_ahead.h"

namespace gbuild::build {

namespace {

StepOutlook outlook_of(const plan::Stage& stage, const plan::Step& step, const StepForecast& forecast,
                       const CachePolicy& policy, const BuildTrace& last) {
    using Outcome = StepForecast::Outcome;
    using Result = StepOutlook::Result;
    switch (forecast.outcome) {
    case Outcome::config: return {Result::none, ""};
    case Outcome::known: return {Result::known, ""};
    case Outcome::unclear: return {Result::unclear, ""};
    case Outcome::missing: break;
    }
    if (!policy.applies_to(stage)) return {Result::missing, "the cache is not to be used"};
    return {Result::missing, last.reason(stage, step, *forecast.key)};
}

}  // namespace

std::vector<std::vector<StepOutlook>> look_ahead(const KeyInputs& inputs, const CachePolicy& policy,
                                                 const TraceKeeper& trace, const Environment& env,
                                                 CacheImport& imported) {
    pack::PackSet packs(inputs.packing);
    std::set<Digest> of_images;
    for (const auto& [name, image] : inputs.bases.all()) {
        of_images.insert(image.config.diff_ids.begin(), image.config.diff_ids.end());
    }
    KnownLayers layers(env.store, packs, env.max_files,
                       {[&](const Digest& layer) { return of_images.contains(layer) || imported.has(layer); }, {}, {}});
    StepCache cache(env.store, imported, layers);
    const std::vector<StageForecast> forecasts = make_forecast(inputs, policy, cache);
    std::vector<std::vector<StepOutlook>> outlook(forecasts.size());
    for (size_t i = 0; i < forecasts.size(); i++) {
        const plan::Stage& stage = inputs.plan.stages[i];
        for (size_t j = 0; j < stage.steps.size(); j++) {
            outlook[i].push_back(outlook_of(stage, stage.steps[j], forecasts[i].steps[j], policy, trace.last()));
        }
    }
    return outlook;
}

}  // namespace gbuild::build
