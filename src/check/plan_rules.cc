// What the parser and the planner warn of, in every stage.
#include <algorithm>
#include <optional>
#include <set>

#include "gbuild/oci/platform.h"
#include "gbuild/plan/plan.h"
#include "golem_rules.h"
#include "outline.h"

namespace gbuild::check {

namespace {

// Names of variables in the arguments of all instructions.
std::set<std::string> names_used(const Dockerfile& file) {
    constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";
    std::set<std::string> names;
    for (const Instruction& instruction : file.instructions) {
        for (const std::string& arg : instruction.args) {
            for (size_t at = arg.find('$'); at != std::string::npos; at = arg.find('$', at + 1)) {
                const size_t begin = arg.compare(at + 1, 1, "{") == 0 ? at + 2 : at + 1;
                const size_t end = std::min(arg.find_first_not_of(letters, begin), arg.size());
                if (end > begin) names.insert(arg.substr(begin, end - begin));
            }
        }
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
        plan::Plan plan = planned_anyhow();
        for (const plan::Stage& stage : plan.stages) seen_.insert(stage.index);
        for (const Warning& warning : plan.warnings) add(warning);
        return plan;
    }

    // Base images are taken to set no variables, unless that alone makes a plan impossible: a path or a port that is
    // empty here need not be so in a build.
    plan::Plan planned_anyhow() const {
        std::optional<Error> first;
        for (const char* value : {"", "1", "/1"}) {
            try {
                return plan::make_plan(outline_.file, request_, [&](const plan::Base&) { return base_with(value); });
            } catch (const Error& error) {
                if (!first) first = error;
                if (error.kind() != ErrorKind::dockerfile) break;
            }
        }
        throw Error(*first);
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
        // With no better advice than to declare it, the base image may well have it.
        if (stage < 0 || outline_.from_scratch(stage) || !warning.hint.starts_with("declare it"))
            return report_.add(warning);
        report_.add(warning.id, warning.message, warning.span, warning.hint + ", unless the base image has it",
                    Severity::info);
    }

    const Outline& outline_;
    Report& report_;
    plan::PlanRequest request_;
    std::set<int> seen_;  // stages
};

}  // namespace

void check_plan(const Outline& outline, Report& report) {
    for (const Warning& warning : outline.file.warnings) report.add(warning);
    PlanRules(outline, report).run();
}

}  // namespace gbuild::check
