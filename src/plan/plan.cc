#include "gbuild/plan/plan.h"

#include <algorithm>
#include <array>
#include <map>

#include <fmt/format.h>

#include "describe.h"
#include "gbuild/base/text.h"
#include "gbuild/dockerfile/suggest.h"
#include "gbuild/plan/proxies.h"
#include "paths.h"
#include "stage_graph.h"
#include "stage_planner.h"
#include "triggers.h"

namespace gbuild::plan {

namespace {

// Distinguishes bases; empty for those that have no configuration of their own to ask for.
std::string key_of(const Base& base) {
    if (const auto* image = std::get_if<ImageBase>(&base))
        return "image " + image->reference + " " + image->platform.text();
    if (const auto* context = std::get_if<NamedContextBase>(&base)) {
        return "context " + context->name + " " + context->platform.text();
    }
    return {};
}

// Arguments that no ARG need declare: the proxies, the platform, and what steers the builder itself.
bool is_predefined(const std::string& name, const GlobalScope& globals) {
    return is_proxy_name(name) || name == "SOURCE_DATE_EPOCH" || name.compare(0, 9, "BUILDKIT_") == 0 ||
           (globals.get(name) && (name.compare(0, 6, "TARGET") == 0 || name.compare(0, 5, "BUILD") == 0));
}

// Arguments for builders that mean nothing here, known to docker's users.
void warn_ignored_args(const PlanRequest& request, Plan& plan) {
    constexpr std::array<std::string_view, 3> used = {"BUILDKIT_CONTEXT_KEEP_GIT_DIR", "BUILDKIT_DOCKERFILE_CHECK",
                                                      "BUILDKIT_SANDBOX_HOSTNAME"};
    for (const auto& [name, value] : request.build_args) {
        if (!name.starts_with("BUILDKIT_") || std::find(used.begin(), used.end(), name) != used.end()) continue;
        const bool is_syntax = name == "BUILDKIT_SYNTAX";
        plan.warnings.push_back({"ignored-build-arg", fmt::format("the build argument {} has no effect", quoted(name)),
                                 std::nullopt,
                                 is_syntax ? "gbuild reads the Dockerfile itself, and runs no image to do that"
                                           : "it is for BuildKit; leave it out"});
    }
}

void warn_unused_args(const dockerfile::Dockerfile& file, const PlanRequest& request, const GlobalScope& globals,
                      Plan& plan) {
    std::vector<std::string> declared;
    for (const auto& instruction : file.instructions) {
        if (instruction.name != "ARG") continue;
        for (const std::string& arg : instruction.args) declared.push_back(arg.substr(0, arg.find('=')));
    }
    for (const auto& [name, value] : request.build_args) {
        if (std::find(declared.begin(), declared.end(), name) != declared.end() || is_predefined(name, globals))
            continue;
        plan.warnings.push_back(
            {"unused-build-arg", fmt::format("no ARG declares the build argument {}", quoted(name)), std::nullopt,
             dockerfile::suggest(name, declared, "", fmt::format("add ARG {} where it is used", name))});
    }
}

// The value, and the parts of it that name host, user and password: "user:password@host:3128" and so on. Expansion and
// cleaning of paths may leave only those.
std::vector<std::string> parts_to_hide(const std::string& value) {
    std::vector<std::string> parts = {value};
    size_t scheme = value.find("://");
    std::string rest = scheme == std::string::npos ? value : value.substr(scheme + 3);
    parts.push_back(rest.substr(0, rest.find('/')));
    size_t at = parts.back().rfind('@');
    if (at == std::string::npos) return parts;
    std::string user = parts.back().substr(0, at);
    parts.push_back(user);
    if (size_t colon = user.find(':'); colon != std::string::npos) parts.push_back(user.substr(colon + 1));
    return parts;
}

std::vector<std::string> proxy_values(const PlanRequest& request) {
    constexpr size_t shortest = 4;  // hiding shorter texts would garble what has nothing to do with them
    std::vector<std::string> values;
    for (const auto& [name, value] : request.build_args) {
        if (!is_proxy_name(name)) continue;
        for (std::string& part : parts_to_hide(value)) {
            if (part.size() >= shortest) values.push_back(std::move(part));
        }
    }
    // The longest first, so that one value inside another leaves nothing over.
    std::sort(values.begin(), values.end(), [](const auto& a, const auto& b) { return a.size() > b.size(); });
    return values;
}

std::string stage_label(const SourceStage& stage) {
    return stage.name.empty() ? fmt::format("stage {}", stage.index) : stage.name;
}

class Planner {
  public:
    Planner(const dockerfile::Dockerfile& file, const PlanRequest& request, const BaseConfig& base_config) :
        file_(file), request_(request), base_config_(base_config), graph_(file, request) {}

    Plan run() {
        plan_.hidden_values = proxy_values(request_);
        plan_.epoch = find_epoch(file_, request_, graph_.globals());
        for (int i = 0; i < graph_.size(); i++) {
            bool needed = std::binary_search(graph_.needed().begin(), graph_.needed().end(), i);
            if (needed)
                add_stage(graph_.stage(i));
            else
                plan_.skipped.push_back(stage_label(graph_.stage(i)));
        }
        Stage& target = plan_.stages.back();
        auto& config = target.steps.empty() ? target.base_config.config : target.steps.back().config;
        for (const auto& [name, value] : request_.labels) config.labels[name] = value;
        file_.checks.apply_to(plan_.warnings);
        // About the command line, so no check of the Dockerfile's.
        warn_unused_args(file_, request_, graph_.globals(), plan_);
        warn_ignored_args(request_, plan_);
        return std::move(plan_);
    }

  private:
    void add_stage(const SourceStage& source) {
        const auto& from = file_.instructions[source.from];
        Stage stage;
        stage.index = source.index;
        stage.name = source.name;
        stage.span = from.span;
        stage.text = describe(from);
        stage.number = ++plan_.total_steps;
        stage.base = in_plan(source.base);
        stage.platform = source.platform;
        warn_unset(from, source);
        warn_misspelt(source);
        StageScope scope = set_base(stage, source);
        if (is_files(source.base)) start_with_files(stage, source);
        // Triggers are for this stage, not for what is built on it; but a context that replaces a stage keeps them.
        auto& triggers = stage.base_config.config.on_build;
        if (!triggers.empty() && !source.replaced) {
            if (!has_triggers(file_, source)) throw Error(ErrorKind::internal, "a base's triggers were not added");
            triggers.clear();
        }
        positions_[source.index] = plan_.stages.size();
        StagePlanner planner(context_, renumbered(source), stage, std::move(scope));
        planner.run();
        scopes_.emplace(source.index, planner.scope());
        plan_.stages.push_back(std::move(stage));
    }

    StageScope set_base(Stage& stage, const SourceStage& source) {
        if (const auto* below = std::get_if<StageBase>(&source.base)) {
            const Stage& parent = plan_.stages[positions_.at(below->stage)];
            stage.base_config = parent.base_config;
            stage.base_config.config = parent.config();
            stage.base_config.author = stage.author = parent.author;
            StageScope scope = scopes_.at(below->stage);
            scope.cover_all(stage.base_config.config);
            return scope;
        }
        if (std::holds_alternative<ScratchBase>(source.base) || is_files(source.base)) {
            stage.base_config.platform = source.platform;
            stage.base_config.config.working_dir = "/";
        } else {
            auto [entry, is_new] = configs_.try_emplace(key_of(source.base));
            if (is_new) entry->second = config_of(file_, source, base_config_);
            stage.base_config = entry->second;
        }
        stage.author = stage.base_config.author;
        auto& config = stage.base_config.config;
        if (!config.env_value("PATH")) config.set_env("PATH", default_path);
        return StageScope(graph_.globals(), request_);
    }

    bool is_files(const Base& base) const {
        const auto* context = std::get_if<NamedContextBase>(&base);
        return context && request_.file_contexts.contains(context->name);
    }

    // A directory as a base is scratch with a copy of it.
    void start_with_files(Stage& stage, const SourceStage& source) {
        const auto& from = file_.instructions[source.from];
        const std::string& name = std::get<NamedContextBase>(source.base).name;
        CopyStep copy;
        copy.source = NamedContextBase{name, request_.platform};
        copy.paths = {"."};
        copy.destination = "/";
        copy.spans.add(file_.span_of(from, from.args[0]));
        copy.spans.add(file_.span_of(from, from.args[0]));
        Step step;
        step.number = ++plan_.total_steps;
        step.instruction = "COPY";
        step.text = step.expanded = fmt::format("COPY --from={} . /", name);
        step.span = from.span;
        step.action = std::move(copy);
        step.config = stage.base_config.config;
        stage.base = ScratchBase{};
        stage.steps.push_back(std::move(step));
    }

    void warn_unset(const dockerfile::Instruction& from, const SourceStage& source) {
        for (const std::string& name : source.unset) {
            if (plan_.warnings.size() >= max_warnings) return;
            plan_.warnings.push_back({"undefined-arg-in-from", fmt::format("the variable {} is not set", name),
                                      file_.span_of(from, from.args[0]), suggest_global(name)});
        }
    }

    std::string suggest_global(const std::string& name) const {
        std::vector<std::string> names;
        for (const auto& [known, value] : graph_.globals().values()) names.push_back(known);
        return dockerfile::suggest(name, names, "", fmt::format("give ARG {} a default before the first FROM", name));
    }

    void warn_misspelt(const SourceStage& source) {
        for (const MisspeltStage& stage : source.misspelt) {
            if (plan_.warnings.size() >= max_warnings) return;
            plan_.warnings.push_back({"misspelt-stage",
                                      fmt::format("no stage is named {}: it is taken for an image", quoted(stage.name)),
                                      stage.span, stage.hint});
        }
    }

    Base in_plan(const Base& base) const {
        const auto* stage = std::get_if<StageBase>(&base);
        return stage ? Base(StageBase{static_cast<int>(positions_.at(stage->stage))}) : base;
    }

    // The stage with the stages it copies from numbered as the plan does.
    const SourceStage& renumbered(const SourceStage& source) {
        current_ = source;
        auto renumber = [this](CopySource& copied) {
            if (auto* stage = std::get_if<StageBase>(&copied))
                stage->stage = static_cast<int>(positions_.at(stage->stage));
        };
        for (auto& [index, copied] : current_.sources) renumber(copied);
        for (MountOrigin& mount : current_.mounts) renumber(mount.source);
        return current_;
    }

    const dockerfile::Dockerfile& file_;
    const PlanRequest& request_;
    const BaseConfig& base_config_;
    StageGraph graph_;
    Plan plan_;
    PlanContext context_{file_, request_, graph_, plan_};
    SourceStage current_;
    std::map<int, size_t> positions_;  // Dockerfile's number → index in plan_.stages
    std::map<int, StageScope> scopes_;
    std::map<std::string, oci::ImageConfig> configs_;
};

}  // namespace

Plan make_plan(const dockerfile::Dockerfile& file, const PlanRequest& request, const BaseConfig& base_config) {
    return Planner(file, request, base_config).run();
}

std::vector<NeededBase> needed_bases(const dockerfile::Dockerfile& file, const PlanRequest& request) {
    StageGraph graph(file, request);
    std::vector<NeededBase> bases;
    std::set<std::string> seen;
    const SourceStage* current = nullptr;
    auto add = [&](const Base& base, const SourceSpan& span) {
        std::string key = key_of(base);
        if (key.empty() || !seen.insert(key).second) return;
        const auto* image = std::get_if<ImageBase>(&base);
        const auto& misspelt = current->misspelt;
        const auto found = std::find_if(misspelt.begin(), misspelt.end(), [&](const MisspeltStage& stage) {
            return image && stage.name == image->reference;
        });
        bases.push_back({base, span, found == misspelt.end() ? "" : found->hint});
    };
    for (int index : graph.needed()) {
        const SourceStage& stage = graph.stage(index);
        current = &stage;
        const auto& from = file.instructions[stage.from];
        add(stage.base, file.span_of(from, from.args[0]));
        auto add_source = [&](const CopySource& source, const SourceSpan& span) {
            if (const auto* image = std::get_if<ImageBase>(&source)) add(*image, span);
            if (const auto* context = std::get_if<NamedContextBase>(&source)) add(*context, span);
        };
        for (const auto& [instruction, source] : stage.sources) {
            add_source(source, file.instructions[instruction].flag("from")->span);
        }
        for (const MountOrigin& mount : stage.mounts) add_source(mount.source, mount.span);
    }
    return bases;
}

}  // namespace gbuild::plan
