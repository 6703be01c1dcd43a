// Variables that a stage uses and that nothing sets.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "gbuild/base/text.h"
#include "gbuild/dockerfile/expand.h"
#include "gbuild/dockerfile/suggest.h"
#include "outline.h"

namespace gbuild::check {

namespace {

bool is_expanded(std::string_view instruction) {
    constexpr std::array<std::string_view, 9> expanded = {"ADD",  "COPY",       "ENV",    "EXPOSE", "LABEL",
                                                          "USER", "STOPSIGNAL", "VOLUME", "WORKDIR"};
    return std::find(expanded.begin(), expanded.end(), instruction) != expanded.end();
}

void add_set_names(const Instruction& step, std::set<std::string>& known) {
    if (step.name != "ENV" && step.name != "ARG") return;
    const size_t width = step.name == "ENV" ? 2 : 1;
    for (size_t i = 0; i < step.args.size(); i += width) known.insert(step.args[i].substr(0, step.args[i].find('=')));
}

// Names that `text` uses and that `known` does not have.
std::vector<std::string> unset_in(const std::string& text, char escape, const std::set<std::string>& known) {
    std::vector<std::string> unset;
    dockerfile::Expander expander;
    expander.escape = escape;
    expander.unset = &unset;
    expander.lookup = [&](std::string_view name) -> std::optional<std::string> {
        if (!known.contains(std::string(name))) return std::nullopt;
        return "1";
    };
    try {
        expander.words(text);
    } catch (const Error&) {
        // Planning tells.
    }
    return unset;
}

class VariableRules {
  public:
    VariableRules(const Outline& outline, Report& report) : outline_(outline), report_(report) {}

    void run(int stage) {
        std::set<std::string> known{"PATH"};
        if (const auto& base = outline_.root(stage).base_config) {
            for (const std::string& entry : base->env) known.insert(entry.substr(0, entry.find('=')));
        }
        const std::vector<const Instruction*> steps = outline_.steps_of_chain(stage);
        const size_t own = steps.size() - outline_.stages[static_cast<size_t>(stage)].steps.size();
        for (size_t i = 0; i < steps.size(); i++) {
            if (i >= own && is_expanded(steps[i]->name)) look_at(stage, *steps[i], known);
            add_set_names(*steps[i], known);
        }
    }

  private:
    void look_at(int stage, const Instruction& step, const std::set<std::string>& known) {
        std::vector<std::string> texts = step.args;
        for (const dockerfile::Flag& flag : step.flags) {
            if (flag.name == "chown" || flag.name == "chmod") texts.push_back(flag.value);
        }
        for (const std::string& text : texts) {
            for (const std::string& name : unset_in(text, outline_.file.escape, known)) {
                const Warning warning{"undefined-var", fmt::format("the variable {} is not set", name),
                                      outline_.file.span_of(step, "$" + name), hint(name, known)};
                add_undefined(outline_, stage, warning, report_);
            }
        }
    }

    std::string hint(const std::string& name, const std::set<std::string>& known) const {
        constexpr size_t most = 500;
        std::vector<std::string> names;
        if (known.size() <= most) names.assign(known.begin(), known.end());
        if (outline_.globals.declared(name)) {
            return fmt::format("add ARG {} after this stage's FROM: an ARG before the first FROM counts in FROM lines "
                               "only",
                               name);
        }
        return dockerfile::suggest(name, names, "",
                                   fmt::format("declare it with ARG {} or ENV {}=VALUE above this line", name, name));
    }

    const Outline& outline_;
    Report& report_;
};

}  // namespace

void add_undefined(const Outline& outline, int stage, const Warning& warning, Report& report) {
    // Every image has a PATH, so that a name like it says nothing.
    const bool is_misspelt = warning.hint.starts_with("did you mean") && warning.hint != "did you mean PATH?";
    if (outline.knows_base(stage) || is_misspelt || warning.hint.starts_with("add ARG")) return report.add(warning);
    report.add(warning.id, warning.message, warning.span, warning.hint + ", unless the base image has it",
               Severity::info);
}

void check_variables(const Outline& outline, const std::set<int>& stages, Report& report) {
    VariableRules rules(outline, report);
    for (int stage : stages) rules.run(stage);
}

}  // namespace gbuild::check
