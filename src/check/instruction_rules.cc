// Instructions that change the configuration: CMD, ENTRYPOINT, EXPOSE, ENV.
#include <algorithm>

#include <fmt/format.h>

#include "gbuild/base/text.h"
#include "gbuild/dockerfile/expand.h"
#include "outline.h"

namespace gbuild::check {

namespace {

// Signals go to the shell, and a VM has no PATH search for what it starts.
void check_exec_form(const Instruction& instruction, bool shell_chosen, Report& report) {
    if (instruction.form == dockerfile::Form::exec || shell_chosen) return;
    report.add("json-args-recommended",
               fmt::format("{} in shell form starts a shell, which keeps signals from the program", instruction.name),
               instruction.span, fmt::format("write {} [\"PROGRAM\", \"ARGUMENT\"]", instruction.name));
}

void check_expose(const Outline& outline, const Instruction& expose, Report& report) {
    for (const std::string& port : expose.args) {
        const size_t slash = port.find('/');
        if (slash == std::string::npos || port.find('$') != std::string::npos) continue;
        const std::string protocol = port.substr(slash + 1);
        if (protocol == to_lower(protocol)) continue;
        report.add("expose-proto-casing", fmt::format("the protocol {} is not in lower case", quoted(protocol)),
                   outline.file.span_of(expose, port),
                   fmt::format("write {}/{}", printable(port.substr(0, slash)), printable(to_lower(protocol))));
    }
}

// All of an ENV is expanded before the first of it is set.
void check_env(const Outline& outline, const Instruction& env, const std::set<std::string>& known, Report& report) {
    std::set<std::string> set_here;
    for (size_t i = 0; i + 1 < env.args.size(); i += 2) set_here.insert(env.args[i]);
    for (size_t i = 0; i + 1 < env.args.size(); i += 2) {
        const std::string& own = env.args[i];
        dockerfile::Expander expander;
        expander.escape = outline.file.escape;
        expander.lookup = [&](std::string_view text) -> std::optional<std::string> {
            const std::string name(text);
            // PATH=$PATH:… is what the base image had.
            if (name != own && set_here.contains(name) && !known.contains(name)) {
                report.add("env-self-reference",
                           fmt::format("{} has the value from before this ENV, which sets it", quoted("$" + name)),
                           outline.file.span_of(env, env.args[i + 1]), fmt::format("set {} in an ENV above", name));
            }
            return "";
        };
        try {
            expander.word(env.args[i + 1]);
        } catch (const Error&) {
            continue;  // planning tells
        }
    }
}

void add_names(const Instruction& instruction, std::set<std::string>& known) {
    const size_t step = instruction.name == "ENV" ? 2 : 1;
    if (instruction.name != "ENV" && instruction.name != "ARG") return;
    for (size_t i = 0; i < instruction.args.size(); i += step)
        known.insert(instruction.args[i].substr(0, instruction.args[i].find('=')));
}

}  // namespace

void check_instructions(const Outline& outline, Report& report) {
    for (size_t i = 0; i < outline.stages.size(); i++) {
        std::set<std::string> known{"PATH"};
        bool shell_chosen = false;
        if (const auto& base = outline.root(static_cast<int>(i)).base_config) {
            shell_chosen = base->shell.has_value();
            for (const std::string& entry : base->env) known.insert(entry.substr(0, entry.find('=')));
        }
        const size_t inherited = outline.steps_of_chain(static_cast<int>(i)).size() - outline.stages[i].steps.size();
        size_t at = 0;
        for (const Instruction* step : outline.steps_of_chain(static_cast<int>(i))) {
            const bool own = at++ >= inherited;
            shell_chosen = shell_chosen || step->name == "SHELL";
            if (own && (step->name == "CMD" || step->name == "ENTRYPOINT"))
                check_exec_form(*step, shell_chosen, report);
            if (own && step->name == "EXPOSE") check_expose(outline, *step, report);
            if (own && step->name == "ENV") check_env(outline, *step, known, report);
            add_names(*step, known);
        }
    }
}

}  // namespace gbuild::check
