// What the planner warns of, in every stage.
#include <algorithm>
#include <optional>
#include <set>

#include "gbuild/oci/platform.h"
#include "gbuild/plan/plan.h"
#include "golem_rules.h"
#include "outline.h"

namespace gbuild::check {

namespace {

void add_names_in(std::string_view text, std::set<std::string>& names) {
    constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";
    for (size_t at = text.find('$'); at != std::string_view::npos; at = text.find('$', at + 1)) {
        const size_t begin = text.substr(at + 1, 1) == "{" ? at + 2 : at + 1;
        const size_t end = std::min(text.find_first_not_of(letters, begin), text.size());
        if (end > begin) names.emplace(text.substr(begin, end - begin));
    }
}

// Names of variables in the flags and arguments of all instructions.
std::set<std::string> names_used(const Dockerfile& file) {
    std::set<std::string> names;
    for (const Instruction& instruction : file.instructions) {
        for (const dockerfile::Flag& flag : instruction.flags) add_names_in(flag.value, names);
        for (const std::string& arg : instruction.args) add_names_in(arg, names);
    }
    return names;
}

class PlanRules {
  public:
    PlanRules(const Outline& outline, Report& report) : outline_(outline), report_(report) {
        request_.platform = request_.build_platform = oci::Platform{"linux", "amd64", ""};
        request_.build_args = outline.request.build_args;
        request_.build_args.merge(placeholder_args(outline));
    }

    void run() {
        check_golem(outline_, planned(outline_.request.target), report_);
        for (size_t i = outline_.stages.size(); i-- > 0;) {
            if (!seen_.contains(static_cast<int>(i))) other_stage(i);
        }
    }

  private:
    plan::Plan planned(const std::string& target) {
        request_.target = target;
        assumed_ = false;
        plan::Plan plan = planned_anyhow();
        std::set<int> stages;
        for (const plan::Stage& stage : plan.stages) stages.insert(stage.index);
        seen_.insert(stages.begin(), stages.end());
        for (const Warning& warning : plan.warnings) add(warning);
        if (assumed_) check_variables(outline_, stages, report_);
        return plan;
    }

    // Unknown base images are taken to set no variables, unless that alone makes a plan impossible: a path or a port
    // that is empty here need not be so in a build.
    plan::Plan planned_anyhow() {
        std::optional<Error> first;
        for (const char* value : {"", "1", "/1"}) {
            try {
                plan::Plan plan = plan::make_plan(outline_.file, request_,
                                                  [&](const plan::Base& base) { return config(base, value); });
                assumed_ = assumed_ || first;
                return plan;
            } catch (const Error& error) {
                if (!first) first = error;
                if (error.kind() != ErrorKind::dockerfile) break;
            }
        }
        throw Error(*first);
    }

    oci::ImageConfig config(const plan::Base& base, const std::string& value) const {
        const auto* image = std::get_if<plan::ImageBase>(&base);
        const auto known = image && outline_.request.known_base
                               ? outline_.request.known_base(image->reference, image->platform)
                               : std::nullopt;
        if (!known) return base_with(value);
        oci::ImageConfig config = *known;
        config.config.on_build.clear();  // what its author wrote is not this file's
        return config;
    }

    oci::ImageConfig base_with(const std::string& value) const {
        oci::ImageConfig config;
        if (value.empty()) return config;
        for (const std::string& name : names_used(outline_.file)) {
            if (name != "PATH") config.config.set_env(name, value);
        }
        return config;
    }

    // A build that needs the stage would fail; this one does not.
    void other_stage(size_t index) {
        try {
            planned(std::to_string(index));
        } catch (const Error& error) {
            report_.add("broken-stage", error.message(), error.span(), error.hint());
        }
    }

    void add(const Warning& warning) {
        // check_from() tells which of these no ARG declares.
        if (warning.id == "undefined-arg-in-from") return;
        if (warning.id != "undefined-var" || !warning.span) return report_.add(warning);
        const int stage = outline_.stage_of_line(warning.span->line);
        if (stage < 0) return report_.add(warning);
        add_undefined(outline_, stage, warning, report_);
    }

    const Outline& outline_;
    Report& report_;
    plan::PlanRequest request_;
    bool assumed_ = false;  // the last plan took variables as set
    std::set<int> seen_;    // stages
};

}  // namespace

void check_plan(const Outline& outline, Report& report) { PlanRules(outline, report).run(); }

}  // namespace gbuild::check
