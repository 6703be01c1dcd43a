#include "gbuild/engine/build.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <set>
#include <thread>

#include <fmt/format.h>

#include "cache_export.h"
#include "container_output.h"
#include "env_profile.h"
#include "gbuild/base/synchronized.h"
#include "gbuild/base/text.h"
#include "gbuild/copy/copy_selection.h"
#include "gbuild/sources/context_source.h"
#include "gbuild/steps/cache_import.h"
#include "gbuild/steps/look_ahead.h"
#include "gbuild/steps/trace_keeper.h"
#include "output.h"
#include "stages.h"

namespace gbuild::build {

namespace {

using NamedContexts = std::map<std::string, NamedContext>;

NamedContexts named_contexts(const SourceOptions& options) {
    NamedContexts contexts;
    for (const auto& [name, value] : options.build_contexts) contexts.emplace(name, parse_named_context(name, value));
    return contexts;
}

plan::PlanRequest plan_request(const SourceOptions& options) {
    plan::PlanRequest request;
    request.target = options.target;
    request.build_args = options.build_args;
    request.labels = options.labels;
    request.platform = options.platform;
    request.build_platform = oci::host_platform();
    for (const auto& [name, context] : named_contexts(options)) {
        request.named_contexts.insert(name);
        if (has_files(context)) request.file_contexts.insert(name);
        if (std::holds_alternative<ScratchContext>(context)) request.empty_contexts.insert(name);
    }
    return request;
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

plan::Plan resolve_and_plan(const BuildOptions& options, dockerfile::Dockerfile file, const plan::PlanRequest& request,
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

CachePolicy cache_policy(const CacheOptions& options, const plan::Plan& plan) {
    std::set<std::string> uncached;
    for (const std::string& stage : options.no_cache_of_stages) {
        const bool known = std::any_of(plan.stages.begin(), plan.stages.end(), [&](const plan::Stage& one) {
            return one.name == to_lower(stage) || std::to_string(one.index) == stage;
        });
        const bool skipped = std::any_of(plan.skipped.begin(), plan.skipped.end(), [&](const std::string& one) {
            return one == to_lower(stage) || one == "stage " + stage;
        });
        if (!known && !skipped) {
            throw Error(ErrorKind::usage, fmt::format("--no-cache-filter {}: there is no such stage", quoted(stage)))
                .hint("give a stage's name or number");
        }
        uncached.insert(to_lower(stage));
    }
    return {plan, !options.no_cache, std::move(uncached)};
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

// A build that starts over has the same to say about the image. What the check directive skips is not said at all.
class WarnsOnce : public EventSink {
  public:
    WarnsOnce(EventSink& inner, const dockerfile::CheckOptions& checks) : inner_(inner), checks_(checks) {}
    void emit(const Event& event) override {
        const auto* warning = std::get_if<Warning>(&event);
        if (warning && is_skipped(*warning)) return;
        if (!warning || warned_.lock()->emplace(warning->id, warning->message).second) inner_.emit(event);
    }

  private:
    bool is_skipped(const Warning& warning) const {
        std::vector<Warning> alone{warning};
        checks_.apply_to(alone);
        return alone.empty();
    }

    EventSink& inner_;
    const dockerfile::CheckOptions& checks_;
    Synchronized<std::set<std::pair<std::string, std::string>>> warned_;
};

enum class Chance { another, last };

// What a build writes.
struct Outputs {
    explicit Outputs(const OutputOptions& options) : container(options.container_outputs) {
        if (options.writes_gvmi) gvmi.emplace(output_path(options));
    }
    std::vector<std::filesystem::path> paths() const {
        std::vector<std::filesystem::path> paths = container.paths();
        if (gvmi) paths.insert(paths.end(), {gvmi->target(), gvmi->temporary()});
        return paths;
    }

    std::optional<AtomicFile> gvmi;
    ContainerOutputs container;
};

BuildResult write_outputs(const BuildOptions& options, const StageJob& job, const pack::PackSet& packs,
                          const StagesResult& made, Outputs& outputs) {
    const LayerJob& packing = job.packing;
    const plan::Plan& plan = job.inputs.plan;
    const int64_t epoch = job.inputs.epoch;
    std::vector<WrittenOutput> written;
    if (!outputs.container.empty()) {
        written = outputs.container.write(made.tree->get(), {options, plan, packs, epoch, packing.jobs, packing.events,
                                                             packing.stop, packing.store.staging()});
    }
    BuildResult result;
    result.config = plan.stages.back().config();
    if (outputs.gvmi) {
        result = write_output(
            made, *outputs.gvmi,
            {options, plan, packs, epoch, packing.jobs, packing.store, packing.events, packing.stop, job.imported});
    }
    outputs.container.commit();
    result.container_outputs = std::move(written);
    return result;
}

// Executes the plan and writes the outputs; nullopt when a pack of the store turned out to be damaged and this was not
// the last chance. That pack is removed, so that it is made anew.
std::optional<BuildResult> execute(const BuildOptions& options, const StageJob& job, registry::Client& client,
                                   TraceKeeper& trace, Outputs& outputs, Chance chance) {
    const LayerJob& packing = job.packing;
    pack::PackSet packs(options.packing);
    Stages stages(job, packs);
    try {
        const StagesResult made = stages.run();
        trace.keep(stages.trace());
        BuildResult result = write_outputs(options, job, packs, made, outputs);
        export_caches({options, job.inputs.plan, job.inputs.bases, stages, job.imported, client, packing.store,
                       packing.events, packing.stop});
        return result;
    } catch (const Error& error) {
        trace.keep(stages.trace());
        if (error.kind() == ErrorKind::interrupted || chance == Chance::last) throw;
        const bool was_damage = stages.drop_damaged_packs();
        const bool was_cache = error.kind() == ErrorKind::integrity && job.imported.abandon(error);
        if (!was_damage && !was_cache) throw;
        if (was_damage) packing.events.emit(Notice{error.message() + "; packing it anew"});
    }
    if (outputs.gvmi && ::ftruncate(outputs.gvmi->fd(), 0) != 0) throw_errno("cannot truncate the unfinished image");
    return std::nullopt;
}

unsigned jobs_of(const BuildOptions& options) {
    return options.jobs > 0 ? options.jobs : std::max(1u, std::thread::hardware_concurrency());
}

// The sandbox for the plan's commands; null when it has none. Only a trigger's can come without one.
sandbox::Sandbox* sandbox_for(const plan::Plan& plan, sandbox::Sandbox* prepared) {
    const auto is_command = [](const plan::Step& step) { return std::holds_alternative<plan::RunStep>(step.action); };
    for (const plan::Stage& stage : plan.stages) {
        const auto run = std::find_if(stage.steps.begin(), stage.steps.end(), is_command);
        if (run == stage.steps.end()) continue;
        if (prepared) return prepared;
        throw Error(ErrorKind::unsupported, fmt::format("{} cannot be executed here", quoted(run->text)))
            .hint("gbuild doctor tells what this machine lacks")
            .at(run->span);
    }
    return nullptr;
}

// Whether the target has a RUN, or the triggers of its bases bring one: of a base that is not known yet, they may.
enum class Commands { none, possible, certain };

Commands commands_of(const BuildOptions& options, const store::Store& store, dockerfile::Dockerfile file,
                     const plan::PlanRequest& request) {
    if (plan::runs_commands(file, request)) return Commands::certain;
    const NamedContexts contexts = named_contexts(options);
    registry::Client client(options.registry);
    NullSink nobody;
    BaseImages bases(options.pull, store, nullptr, client, contexts, nobody, {});
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

void report_isolation(const sandbox::Sandbox& sandbox, EventSink& events) {
    events.emit(Notice{fmt::format("RUN steps are isolated by {}", sandbox.description())});
    if (sandbox.isolation() == sandbox::Isolation::chroot) {
        events.emit(Warning{"chroot-isolation",
                            "RUN steps are only kept apart by chroot: they see the host's processes and network",
                            std::nullopt, "give the container CAP_SYS_ADMIN, or run gbuild as an ordinary user"});
    } else if (!sandbox.has_overlay()) {
        events.emit(Notice{
            fmt::format("no overlayfs here, so all files are compared after each step: {}", sandbox.shortcoming())});
    }
}

void tag_result(const OutputOptions& options, const store::Store& store, BuildResult& result) {
    using std::chrono::system_clock;
    int64_t now = std::chrono::duration_cast<std::chrono::seconds>(system_clock::now().time_since_epoch()).count();
    for (const auto& tag : options.tags) {
        store.put_image(
            {tag.repository, tag.tag, result.image_id, result.sha3, now, result.size, result.file.native()});
    }
}

}  // namespace

std::unique_ptr<sandbox::Sandbox> prepare_sandbox(const BuildOptions& options) {
    options.packing.check();
    dockerfile::Dockerfile file = load_dockerfile(options);
    plan::PlanRequest request = plan_request(options);
    store::Store store(options.store_root);
    const Commands commands = commands_of(options, store, file, request);
    if (commands == Commands::none) return nullptr;
    try {
        // Tried where it will be done.
        return std::make_unique<sandbox::Sandbox>(sandbox::choose_isolation(options.run.isolation, store.staging()),
                                                  jobs_of(options));
    } catch (const Error& error) {
        if (commands == Commands::possible && error.kind() == ErrorKind::unsupported) return nullptr;
        throw;
    }
}

bool runs_commands(const BuildOptions& options) {
    const store::Store store(options.store_root);
    return commands_of(options, store, load_dockerfile(options), plan_request(options)) != Commands::none;
}

BuildResult run_build(const BuildOptions& options, EventSink& events, std::stop_token stop, sandbox::Sandbox* sandbox) {
    options.packing.check();

    // What can be refused without the network is refused first.
    dockerfile::Dockerfile file = load_dockerfile(options);
    const dockerfile::CheckOptions checks = file.checks;
    plan::PlanRequest request = plan_request(options);
    NamedContexts contexts = named_contexts(options);
    Outputs outputs(options);
    std::vector<std::filesystem::path> written = outputs.paths();
    written.insert(written.end(), options.side_files.begin(), options.side_files.end());
    store::Store store(options.store_root);
    RemoteSources sources(options, options.run, store, events, stop);
    registry::Client client(options.registry);
    CacheImport imported(options, options.packing, store, client, events, stop);
    BaseImages bases(options.pull, store, &imported, client, contexts, events, stop);
    plan::Plan plan = resolve_and_plan(options, std::move(file), request, contexts, bases, events);
    number_bases(bases, plan);
    int64_t epoch = epoch_of(options, plan, bases);
    std::unique_ptr<ContextDir> context = reads_context(plan) ? open_build_context(options, written) : nullptr;
    const auto directories = open_directories(plan, contexts, written, sources, stop);

    sandbox = sandbox_for(plan, sandbox);
    if (sandbox) report_isolation(*sandbox, events);
    const unsigned jobs = jobs_of(options);
    WarnsOnce once(events, checks);
    TraceKeeper trace(store, options, plan);
    const StageJob job{{plan, bases, context.get(), directories, sources, epoch, options.packing, options.run},
                       {store, options.packing, jobs, once, stop, &imported, options.max_files},
                       imported,
                       cache_policy(options, plan),
                       sandbox,
                       options.no_cache || trace.last().empty()};
    // Of two things that may be damaged, the store and a cache elsewhere, each is found out once.
    std::optional<BuildResult> result;
    for (Chance chance : {Chance::another, Chance::another, Chance::last}) {
        if (!result) result = execute(options, job, client, trace, outputs, chance);
    }
    for (const auto& [name, image] : bases.all()) result->bases.push_back({image.name, image.resolved.manifest_digest});
    if (options.writes_gvmi) tag_result(options, store, *result);
    return std::move(*result);
}

PlannedBuild plan_build(const BuildOptions& options, EventSink& events, std::stop_token stop) {
    dockerfile::Dockerfile file = load_dockerfile(options);
    NamedContexts contexts = named_contexts(options);
    store::Store store(options.store_root);
    RemoteSources sources(options, options.run, store, events, stop);
    registry::Client client(options.registry);
    CacheImport imported(options, options.packing, store, client, events, stop);
    BaseImages bases(options.pull, store, &imported, client, contexts, events, stop);
    PlannedBuild planned;
    planned.plan = resolve_and_plan(options, std::move(file), plan_request(options), contexts, bases, events);
    const plan::Plan& plan = planned.plan;
    std::unique_ptr<ContextDir> context = reads_context(plan) ? open_build_context(options, {}) : nullptr;
    const auto directories = open_directories(plan, contexts, {}, sources, stop);
    const KeyInputs inputs{
        plan, bases, context.get(), directories, sources, epoch_of(options, plan, bases), options.packing, options.run};
    planned.outlook =
        look_ahead(inputs, cache_policy(options, plan), TraceKeeper(store, options, plan), store, imported);
    return planned;
}

}  // namespace gbuild::build
