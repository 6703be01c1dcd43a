#include "gbuild/cli/plan_text.h"

namespace gbuild::cli {

namespace {

struct DescribeSource {
    Json operator()(const plan::ContextSource&) const { return {{"kind", "context"}}; }
    Json operator()(const plan::ScratchBase&) const { return {{"kind", "scratch"}}; }
    Json operator()(const plan::StageBase& stage) const { return {{"kind", "stage"}, {"stage", stage.stage}}; }
    Json operator()(const plan::ImageBase& image) const {
        return {{"kind", "image"}, {"reference", image.reference}, {"platform", image.platform.text()}};
    }
    Json operator()(const plan::NamedContextBase& context) const {
        return {{"kind", "named-context"}, {"name", context.name}, {"platform", context.platform.text()}};
    }
};

struct DescribeAction {
    Json operator()(const plan::ConfigStep&) const { return {{"kind", "config"}}; }
    Json operator()(const plan::WorkdirStep& step) const { return {{"kind", "workdir"}, {"path", step.path}}; }
    Json operator()(const plan::CopyStep& step) const {
        Json json{{"kind", step.is_add ? "add" : "copy"},
                  {"source", std::visit(DescribeSource{}, step.source)},
                  {"paths", step.paths},
                  {"destination", step.destination},
                  {"exclude", step.exclude},
                  {"parents", step.parents},
                  {"link", step.link}};
        for (const auto& file : step.inline_files) {
            json["inlineFiles"].push_back(Json{{"name", file.name}, {"contents", file.contents}});
        }
        if (step.chown) json["chown"] = *step.chown;
        if (step.chmod) json["chmod"] = *step.chmod;
        if (step.unpack) json["unpack"] = *step.unpack;
        if (!step.checksum.empty()) json["checksum"] = step.checksum;
        return json;
    }
    Json operator()(const plan::RunStep& step) const {
        return {{"kind", "run"},           {"form", step.shell_form ? "shell" : "exec"},
                {"args", step.args},       {"mounts", step.mounts},
                {"network", step.network}, {"security", step.security}};
    }
};

Json step_json(const plan::Step& step) {
    return {{"number", step.number},  {"instruction", step.instruction},
            {"text", step.text},      {"expanded", step.expanded},
            {"line", step.span.line}, {"action", std::visit(DescribeAction{}, step.action)}};
}

Json stage_json(const plan::Stage& stage) {
    Json steps = Json::array();
    for (const auto& step : stage.steps) steps.push_back(step_json(step));
    return {{"index", stage.index},
            {"name", stage.name},
            {"number", stage.number},
            {"text", stage.text},
            {"line", stage.span.line},
            {"platform", stage.platform.text()},
            {"base", std::visit(DescribeSource{}, stage.base)},
            {"steps", steps},
            {"config", config_json(stage.config())}};
}

}  // namespace

Json plan_json(const plan::Plan& plan) {
    Json stages = Json::array(), warnings = Json::array();
    for (const auto& stage : plan.stages) stages.push_back(stage_json(stage));
    for (const auto& warning : plan.warnings) warnings.push_back(warning_json(warning));
    return {{"totalSteps", plan.total_steps}, {"stages", stages}, {"skipped", plan.skipped}, {"warnings", warnings}};
}

}  // namespace gbuild::cli
