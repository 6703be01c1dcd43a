#include "env_profile.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "gbuild/base/text.h"

namespace gbuild::build {

namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

bool is_shell_name(std::string_view name) {
    return !name.empty() && is_letter(name.front()) &&
           std::all_of(name.begin(), name.end(), [](char c) { return is_letter(c) || (c >= '0' && c <= '9'); });
}

std::string shell_quoted(std::string_view text) {
    std::string result = "'";
    for (char c : text) result += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return result + "'";
}

}  // namespace

void add_env_profile(plan::Plan& plan, EventSink& events) {
    plan::Stage& target = plan.stages.back();
    std::string script;
    std::vector<std::string> unusable;
    for (const std::string& entry : target.config().env) {
        const size_t equals = std::min(entry.find('='), entry.size());
        const std::string name = entry.substr(0, equals);
        if (is_shell_name(name))
            script +=
                fmt::format("export {}={}\n", name, shell_quoted(entry.substr(std::min(equals + 1, entry.size()))));
        else
            unusable.push_back(quoted(name));
    }
    if (!unusable.empty()) {
        events.emit(Warning{"env-profile",
                            fmt::format("{} leaves out {}: no shell can set a variable of such a name",
                                        env_profile_path, join(unusable, ", ")),
                            std::nullopt, "give programs that need it a file of their own"});
    }
    if (script.empty()) return;
    plan::CopyStep copy;
    copy.inline_files.push_back({"image-env.sh", std::move(script)});
    copy.destination = env_profile_path;
    plan::Step step;
    step.number = ++plan.total_steps;
    step.instruction = "COPY";
    step.text = step.expanded = fmt::format("(--env-profile) {}", env_profile_path);
    step.span = target.span;
    step.config = target.config();
    step.action = std::move(copy);
    target.steps.push_back(std::move(step));
}

}  // namespace gbuild::build
