#include "gbuild/cli/plan_text.h"

#include <fmt/format.h>

#include "gbuild/cli/display.h"

namespace gbuild::cli {

namespace {

std::string stage_name(const plan::Stage& stage) {
    return stage.name.empty() ? std::to_string(stage.index) : safe_text(stage.name);
}

std::string base_text(const plan::Plan& plan, const plan::Base& base) {
    struct Describe {
        const plan::Plan& plan;
        std::string operator()(const plan::ScratchBase&) const { return "nothing (scratch)"; }
        std::string operator()(const plan::StageBase& stage) const {
            return "stage " + stage_name(plan.stages.at(static_cast<size_t>(stage.stage)));
        }
        std::string operator()(const plan::ImageBase& image) const { return "image " + safe_text(image.reference); }
        std::string operator()(const plan::NamedContextBase& context) const {
            return "build context " + safe_text(context.name);
        }
    };
    return std::visit(Describe{plan}, base);
}

std::string step_line(std::string_view branch, int number, int total, const std::string& text) {
    return fmt::format("{} {}/{} {}\n", branch, number, total, safe_text(text));
}

std::string stage_text(const plan::Plan& plan, const plan::Stage& stage) {
    std::string text = fmt::format("stage {} for {}, from {}\n", stage_name(stage), stage.platform.text(),
                                   base_text(plan, stage.base));
    text += step_line(stage.steps.empty() ? "└─" : "├─", stage.number, plan.total_steps, stage.text);
    for (const auto& step : stage.steps) {
        text += step_line(&step == &stage.steps.back() ? "└─" : "├─", step.number, plan.total_steps, step.expanded);
    }
    return text;
}

std::string words_text(const std::vector<std::string>& words) {
    return safe_text(Json(words).dump(-1, ' ', false, Json::error_handler_t::replace));
}

std::string config_text(const oci::ContainerConfig& config) {
    std::vector<std::vector<std::string>> rows;
    std::string volumes;
    for (const auto& volume : config.volumes) volumes += (volumes.empty() ? "" : " ") + safe_text(volume);
    rows.push_back({"  volumes", volumes.empty() ? "none" : volumes});
    rows.push_back({"  working directory", config.working_dir.empty() ? "/" : safe_text(config.working_dir)});
    if (!config.user.empty()) rows.push_back({"  user", safe_text(config.user)});
    if (config.entrypoint) rows.push_back({"  entrypoint", words_text(*config.entrypoint)});
    if (config.cmd) rows.push_back({"  command", words_text(*config.cmd)});
    for (const auto& variable : config.env) rows.push_back({"  env", safe_text(variable)});
    for (const auto& [name, value] : config.labels) rows.push_back({"  label", safe_text(name + "=" + value)});
    return "image\n" + format_table(rows);
}

}  // namespace

std::string plan_text(const plan::Plan& plan) {
    std::string text;
    for (const auto& stage : plan.stages) text += stage_text(plan, stage) + "\n";
    std::string skipped;
    for (const auto& stage : plan.skipped) skipped += (skipped.empty() ? "" : ", ") + safe_text(stage);
    if (!skipped.empty()) text += fmt::format("not needed: {}\n\n", skipped);
    if (!plan.stages.empty()) text += config_text(plan.stages.back().config());
    return text;
}

}  // namespace gbuild::cli
