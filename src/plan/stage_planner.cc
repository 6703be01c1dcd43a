#include "stage_planner.h"

#include <map>

#include <fmt/format.h>

#include "describe.h"
#include "gbuild/base/text.h"
#include "gbuild/dockerfile/suggest.h"
#include "paths.h"
#include "triggers.h"

namespace gbuild::plan {

std::string masked(std::string text, const std::vector<std::string>& hidden) {
    for (const std::string& value : hidden) {
        for (size_t at = text.find(value); at != std::string::npos; at = text.find(value, at + 3)) {
            text.replace(at, value.size(), "***");
        }
    }
    return text;
}

StagePlanner::StagePlanner(PlanContext& context, const SourceStage& source, Stage& stage, StageScope scope) :
    context_(context), source_(source), stage_(stage), scope_(std::move(scope)), config_(stage.base_config.config) {}

void StagePlanner::run() {
    context_.size.add(config_, scope_.size(), stage_.span);
    for (size_t i = source_.from + 1; i < source_.end; i++) {
        naming_trigger(context_.file.instructions[i], [&] { plan_step(i); });
    }
}

StagePlanner::Handler StagePlanner::handler_for(std::string_view instruction) {
    static const std::map<std::string_view, Handler> handlers = {
        {"ADD", &StagePlanner::copy},
        {"ARG", &StagePlanner::arg},
        {"CMD", &StagePlanner::cmd},
        {"COPY", &StagePlanner::copy},
        {"ENTRYPOINT", &StagePlanner::entrypoint},
        {"ENV", &StagePlanner::env},
        {"EXPOSE", &StagePlanner::expose},
        {"HEALTHCHECK", &StagePlanner::healthcheck},
        {"LABEL", &StagePlanner::label},
        {"MAINTAINER", &StagePlanner::maintainer},
        {"ONBUILD", &StagePlanner::onbuild},
        {"RUN", &StagePlanner::run_command},
        {"SHELL", &StagePlanner::shell},
        {"STOPSIGNAL", &StagePlanner::stop_signal},
        {"USER", &StagePlanner::user},
        {"VOLUME", &StagePlanner::volume},
        {"WORKDIR", &StagePlanner::workdir},
    };
    return handlers.at(instruction);
}

void StagePlanner::plan_step(size_t index) {
    const auto& instruction = context_.file.instructions[index];
    index_ = index;
    instruction_ = &instruction;
    std::vector<std::string> known;  // names to suggest; from before the instruction sets any
    Expansion expansion(context_.file, instruction, [&](std::string_view name) {
        auto value = scope_.get(name, config_);
        if (!value && known.empty()) known = scope_.names(config_);
        return value;
    });
    expansion_ = &expansion;

    Step step;
    step.number = ++context_.plan.total_steps;
    step.instruction = instruction.name;
    step.text = describe(instruction);
    step.expanded = masked(step.text, context_.plan.hidden_values);
    step.span = instruction.span;
    step.is_trigger = instruction.is_trigger;
    (this->*handler_for(instruction.name))(step);
    warn_unset(known);
    context_.size.add(config_, scope_.size() + size_of(step), instruction.span);
    step.config = config_;
    stage_.steps.push_back(std::move(step));
}

void StagePlanner::show(Step& step, const std::vector<dockerfile::Flag>& flags, const std::vector<std::string>& args) {
    step.expanded = masked(describe(*instruction_, flags, args), context_.plan.hidden_values);
}

void StagePlanner::show(Step& step, const std::vector<std::string>& args) { show(step, instruction_->flags, args); }

void StagePlanner::fail(std::string_view at, std::string message, std::string hint) const {
    throw Error(ErrorKind::dockerfile, std::move(message))
        .hint(std::move(hint))
        .at(context_.file.span_of(*instruction_, at));
}

void StagePlanner::warn(const char* id, std::string message, std::string_view at, std::string hint) {
    if (context_.plan.warnings.size() >= max_warnings) return;
    context_.plan.warnings.push_back(
        {id, std::move(message), context_.file.span_of(*instruction_, at), std::move(hint)});
}

void StagePlanner::warn_unset(const std::vector<std::string>& known) {
    for (const std::string& name : expansion_->unset_names()) {
        if (context_.plan.warnings.size() >= max_warnings) return;
        if (scope_.declared(name)) continue;
        warn("undefined-var", fmt::format("the variable {} is not set", name), "$" + name, unset_hint(name, known));
    }
}

std::string StagePlanner::unset_hint(const std::string& name, const std::vector<std::string>& known) const {
    if (scope_.get(name, config_)) return "values set in this instruction count from the next one on";
    std::string hint = fmt::format("declare it with ARG {} or ENV {}=VALUE above this line", name, name);
    if (context_.graph.globals().get(name)) {
        hint = fmt::format("add ARG {} after this stage's FROM: an ARG before the first FROM counts in FROM lines only",
                           name);
    }
    return dockerfile::suggest(name, known, "", hint);
}

std::string StagePlanner::single(Step& step) {
    const std::string& written = instruction_->args[0];
    std::string value = word(written);
    if (value.empty()) {
        fail(written, fmt::format("{} is empty after expansion", instruction_->name),
             "check the variables in it, or give them a default: ${NAME:-default}");
    }
    show(step, {value});
    return value;
}

std::string StagePlanner::working_directory() const { return resolve_path("/", config_.working_dir); }

void StagePlanner::check_length(const std::string& written, const std::string& path) const {
    if (path.size() <= max_path) return;
    fail(written,
         fmt::format("a path of {} has {} bytes, more than the {} of any path", instruction_->name, path.size(),
                     max_path),
         "use a shorter one");
}

std::vector<std::string> StagePlanner::with_shell(const std::vector<std::string>& args) const {
    if (instruction_->form == dockerfile::Form::exec) return args;
    std::vector<std::string> command = config_.shell.value_or(std::vector<std::string>{"/bin/sh", "-c"});
    command.insert(command.end(), args.begin(), args.end());
    return command;
}

}  // namespace gbuild::plan
