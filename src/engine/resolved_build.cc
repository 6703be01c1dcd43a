#include "resolved_build.h"

#include <algorithm>
#include <set>
#include <thread>

#include <fmt/format.h>

#include "env_profile.h"
#include "gbuild/base/text.h"
#include "gbuild/copy/copy_selection.h"
#include "gbuild/sources/context_source.h"

namespace gbuild::build {

namespace {

NamedContexts named_contexts(const SourceOptions& options) {
    NamedContexts contexts;
    for (const auto& [name, value] : options.build_contexts) contexts.emplace(name, parse_named_context(name, value));
    return contexts;
}

plan::PlanRequest plan_request(const SourceOptions& options, const NamedContexts& contexts) {
    plan::PlanRequest request;
    request.target = options.target;
    request.build_args = options.build_args;
    request.labels = options.labels;
    request.platform = options.platform;
    request.build_platform = oci::host_platform();
    for (const auto& [name, context] : contexts) {
        request.named_contexts.insert(name);
        if (has_files(context)) request.file_contexts.insert(name);
        if (std::holds_alternative<ScratchContext>(context)) request.empty_contexts.insert(name);
    }
    return request;
}

dockerfile::Dockerfile read_dockerfile(const SourceOptions& options, EventSink& events) {
    std::vector<Warning> until_error;
    try {
        return load_dockerfile(options, until_error);
    } catch (const Error&) {
        for (const Warning& warning : until_error) events.emit(warning);
        throw;
    }
}

bool is_directory(const plan::Base& base, const NamedContexts& contexts) {
    const auto* named = std::get_if<plan::NamedContextBase>(&base);
    return named && has_files(contexts.at(named->name));
}

// Directories among the named contexts are copied, as a base, too; the rest are images to resolve.
std::vector<plan::NeededBase> images_to_resolve(std::vector<plan::NeededBase> bases, const NamedContexts& contexts) {
    std::erase_if(bases, [&](const plan::NeededBase& needed) { return is_directory(needed.base, contexts); });
    return bases;
}

// The first warning with a place is thrown when the check directive wants that; others are emitted before.
void report(const std::vector<Warning>& warnings, const dockerfile::CheckOptions& checks, EventSink& events) {
    auto first = warnings.end();
    if (checks.warnings_are_errors()) {
        first = std::find_if(warnings.begin(), warnings.end(), [](const Warning& w) { return w.span.has_value(); });
    }
    for (auto warning = warnings.begin(); warning != warnings.end(); ++warning) {
        if (warning != first) events.emit(*warning);
    }
    if (first == warnings.end()) return;
    throw Error(ErrorKind::dockerfile, first->message)
        .hint(fmt::format("{} (an error because of the directive check=error=true)", first->hint))
        .at(*first->span);
}

// Not by report(): it is no fault of the Dockerfile, so the check directive does not make it an error.
void report_repairs(const BaseImages& bases, EventSink& events) {
    for (const auto& [key, image] : bases.all()) {
        for (const std::string& repair : image.config.repairs) {
            events.emit(Warning{"base-config",
                                fmt::format("the configuration of {} is malformed: {}", image.name, repair),
                                std::nullopt, "this is for the base image's maintainers to correct"});
        }
    }
}

// So that what is pulled is seen under the step that wants it.
void number_bases(BaseImages& bases, const plan::Plan& plan) {
    const auto note = [&](const plan::CopySource& source, int step) {
        if (const auto* image = std::get_if<plan::ImageBase>(&source)) bases.set_step(*image, step);
        if (const auto* named = std::get_if<plan::NamedContextBase>(&source)) bases.set_step(*named, step);
    };
    for (const plan::Stage& stage : plan.stages) {
        if (is_external(stage.base)) bases.set_step(stage.base, stage.number);
    }
    for (const plan::Stage& stage : plan.stages) {
        for (const plan::Step& step : stage.steps) {
            if (const auto* copy = std::get_if<plan::CopyStep>(&step.action)) note(copy->source, step.number);
            const auto* run = std::get_if<plan::RunStep>(&step.action);
            if (!run) continue;
            for (const plan::RunMount& mount : run->mounts) {
                if (mount.from) note(*mount.from, step.number);
            }
        }
    }
}

plan::Plan resolve_and_plan(const OutputOptions& options, dockerfile::Dockerfile file, const plan::PlanRequest& request,
                            const NamedContexts& contexts, BaseImages& bases, EventSink& events) {
    report(file.warnings, file.checks, events);
    auto config_of = [&](const plan::Base& base) {
        return is_directory(base, contexts) ? oci::ImageConfig() : bases.at(base).config;
    };
    bases.resolve(images_to_resolve(plan::needed_bases(file, request), contexts));
    while (plan::add_triggers(file, request, config_of)) {
        bases.resolve(images_to_resolve(plan::needed_bases(file, request), contexts));
    }
    report_repairs(bases, events);
    plan::Plan plan = plan::make_plan(file, request, config_of);
    report(plan.warnings, file.checks, events);
    if (options.env_profile) add_env_profile(plan, events);
    return plan;
}

// The image a stage goes back to; null when that is scratch.
const BaseImage* origin(const plan::Plan& plan, const plan::Stage& stage, const BaseImages& bases) {
    const plan::Base* base = &stage.base;
    while (const auto* below = std::get_if<plan::StageBase>(base)) {
        base = &plan.stages.at(static_cast<size_t>(below->stage)).base;
    }
    return is_external(*base) ? &bases.at(*base) : nullptr;
}

int64_t epoch_of(const BuildOptions& options, const plan::Plan& plan, const BaseImages& bases) {
    for (const auto& epoch : {options.timestamp, plan.epoch, options.environment_epoch}) {
        if (epoch) return *epoch;
    }
    const BaseImage* image = origin(plan, plan.stages.back(), bases);
    return std::max<int64_t>(0, image ? image->config.created.value_or(0) : 0);
}

bool reads_context(const plan::Step& step) {
    const auto* copy = std::get_if<plan::CopyStep>(&step.action);
    if (copy) {
        const bool is_here =
            copy->paths.empty() || std::any_of(copy->paths.begin(), copy->paths.end(),
                                               [&](const auto& path) { return !is_elsewhere(*copy, path); });
        return is_here && std::holds_alternative<plan::ContextSource>(copy->source);
    }
    const auto* run = std::get_if<plan::RunStep>(&step.action);
    return run && std::any_of(run->mounts.begin(), run->mounts.end(), [](const plan::RunMount& mount) {
               return mount.from && std::holds_alternative<plan::ContextSource>(*mount.from);
           });
}

bool reads_context(const plan::Plan& plan) {
    return std::any_of(plan.stages.begin(), plan.stages.end(), [](const plan::Stage& stage) {
        return std::any_of(stage.steps.begin(), stage.steps.end(),
                           [](const plan::Step& step) { return reads_context(step); });
    });
}

std::set<std::string> named_sources(const plan::Plan& plan) {
    std::set<std::string> names;
    const auto note = [&](const plan::CopySource& source) {
        if (const auto* named = std::get_if<plan::NamedContextBase>(&source)) names.insert(named->name);
    };
    for (const plan::Stage& stage : plan.stages) {
        for (const plan::Step& step : stage.steps) {
            if (const auto* copy = std::get_if<plan::CopyStep>(&step.action)) note(copy->source);
            const auto* run = std::get_if<plan::RunStep>(&step.action);
            if (!run) continue;
            for (const plan::RunMount& mount : run->mounts) {
                if (mount.from) note(*mount.from);
            }
        }
    }
    return names;
}

// The named contexts with files that the plan reads.
std::map<std::string, std::unique_ptr<ContextDir>> open_directories(const plan::Plan& plan,
                                                                    const NamedContexts& contexts,
                                                                    const std::vector<std::filesystem::path>& written,
                                                                    RemoteSources& sources,
                                                                    const std::stop_token& stop) {
    std::map<std::string, std::unique_ptr<ContextDir>> directories;
    for (const std::string& name : named_sources(plan)) {
        const NamedContext& context = contexts.at(name);
        if (!has_files(context)) continue;
        const DirectoryContext directory = fetch_named_context(name, context, sources, stop);
        directories.emplace(name, open_directory_context(name, directory, written));
    }
    return directories;
}

}  // namespace

BuildInputs::BuildInputs(BuildOptions given, EventSink& events) :
    options(std::move(given)),
    file(read_dockerfile(options, events)),
    contexts(named_contexts(options)),
    request(plan_request(options, contexts)),
    store(options.store_root) {
    options.packing.check();
}

unsigned BuildInputs::jobs() const {
    return options.jobs > 0 ? options.jobs : std::max(1u, std::thread::hardware_concurrency());
}

Commands commands_of(const BuildInputs& inputs) {
    dockerfile::Dockerfile file = inputs.file;
    const plan::PlanRequest& request = inputs.request;
    const NamedContexts& contexts = inputs.contexts;
    if (plan::runs_commands(file, request)) return Commands::certain;
    registry::Client client(inputs.options.registry);  // that is not asked
    NullSink nobody;
    const Environment env{inputs.store, nobody, {}, client, inputs.options.packing};
    BaseImages bases(inputs.options.pull, env, nullptr, contexts);
    Commands commands = Commands::none;
    auto known_config = [&](const plan::Base& base) {
        if (is_directory(base, contexts)) return oci::ImageConfig();
        auto config = bases.known_config(base);
        if (!config) commands = Commands::possible;
        return config.value_or(oci::ImageConfig());
    };
    while (plan::add_triggers(file, request, known_config)) {
    }
    return plan::runs_commands(file, request) ? Commands::certain : commands;
}

ResolvedBuild::ResolvedBuild(const BuildInputs& inputs, const Environment& env,
                             const std::vector<std::filesystem::path>& written) :
    inputs_(inputs),
    sources_(inputs.options, inputs.options.run, env.store, env.events, env.stop),
    imported_(inputs.options, env),
    bases_(inputs.options.pull, env, &imported_, inputs.contexts),
    plan_(resolve_and_plan(inputs.options, inputs.file, inputs.request, inputs.contexts, bases_, env.events)),
    epoch_(epoch_of(inputs.options, plan_, bases_)) {
    number_bases(bases_, plan_);
    if (reads_context(plan_)) context_ = open_build_context(inputs.options, written);
    directories_ = open_directories(plan_, inputs.contexts, written, sources_, env.stop);
}

KeyInputs ResolvedBuild::keys() {
    return {plan_,    bases_, context_.get(),          directories_,
            sources_, epoch_, inputs_.options.packing, inputs_.options.run};
}

CachePolicy ResolvedBuild::cache_policy() const {
    const CacheOptions& options = inputs_.options;
    std::set<std::string> uncached;
    for (const std::string& stage : options.no_cache_of_stages) {
        const bool known = std::any_of(plan_.stages.begin(), plan_.stages.end(), [&](const plan::Stage& one) {
            return one.name == to_lower(stage) || std::to_string(one.index) == stage;
        });
        const bool skipped = std::any_of(plan_.skipped.begin(), plan_.skipped.end(), [&](const std::string& one) {
            return one == to_lower(stage) || one == "stage " + stage;
        });
        if (!known && !skipped) {
            throw Error(ErrorKind::usage, fmt::format("--no-cache-filter {}: there is no such stage", quoted(stage)))
                .hint("give a stage's name or number");
        }
        uncached.insert(to_lower(stage));
    }
    return {plan_, !options.no_cache, std::move(uncached)};
}

sandbox::Sandbox* ResolvedBuild::sandbox() const {
    const auto is_command = [](const plan::Step& step) { return std::holds_alternative<plan::RunStep>(step.action); };
    for (const plan::Stage& stage : plan_.stages) {
        const auto run = std::find_if(stage.steps.begin(), stage.steps.end(), is_command);
        if (run == stage.steps.end()) continue;
        if (inputs_.sandbox) return inputs_.sandbox.get();
        throw Error(ErrorKind::unsupported, fmt::format("{} cannot be executed here", quoted(run->text)))
            .hint("gbuild doctor tells what this machine lacks")
            .at(run->span);
    }
    return nullptr;
}

}  // namespace gbuild::build
