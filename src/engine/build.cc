#include "gbuild/engine/build.h"

#include <sys/resource.h>

#include <chrono>
#include <set>

#include <fmt/format.h>

#include "cache_export.h"
#include "container_output.h"
#include "gbuild/base/synchronized.h"
#include "gbuild/steps/look_ahead.h"
#include "gbuild/steps/trace_keeper.h"
#include "output.h"
#include "resolved_build.h"
#include "stages.h"

namespace gbuild::build {

namespace {

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

// What a build writes: all of it first, then what cannot be taken back, then the names.
struct Outputs {
    explicit Outputs(const OutputOptions& options) : container(options.container_outputs) {
        if (options.writes_gvmi) gvmi.emplace(options);
    }
    std::vector<std::filesystem::path> paths() const {
        std::vector<std::filesystem::path> paths = container.paths();
        if (!gvmi) return paths;
        for (std::filesystem::path& path : gvmi->paths()) paths.push_back(std::move(path));
        return paths;
    }

    std::optional<VmOutput> gvmi;
    ContainerOutputs container;
};

struct Execution {
    const Environment& env;
    const BuildOptions& options;
    ResolvedBuild& resolved;
    const StageJob& job;
    TraceKeeper& trace;
    Outputs& outputs;
};

struct Written {
    BuildResult result;
    CacheExports caches;
};

BuildResult write_files(const Execution& execution, const pack::PackSet& packs, const StagesResult& made) {
    const auto& [env, options, resolved, job, trace, outputs] = execution;
    BuildResult result;
    result.config = resolved.plan().stages.back().config();
    const ContainerJob container{env, options, resolved.plan(), packs, resolved.epoch()};
    std::vector<WrittenOutput> written;
    if (!outputs.container.empty()) written = outputs.container.write_files(made.tree->get(), container);
    if (outputs.gvmi) {
        result =
            outputs.gvmi->write(made, {env, resolved.plan(), packs, resolved.epoch(), resolved.imported(), options});
    }
    result.container_outputs = std::move(written);
    for (const auto& [name, image] : resolved.bases().all()) {
        result.bases.push_back({image.name, image.resolved.manifest_digest});
    }
    return result;
}

void write_directories(const Execution& execution, const pack::PackSet& packs, const StagesResult& made,
                       BuildResult& result) {
    const auto& [env, options, resolved, job, trace, outputs] = execution;
    if (outputs.container.empty()) return;
    const ContainerJob container{env, options, resolved.plan(), packs, resolved.epoch()};
    for (WrittenOutput& output : outputs.container.write_directories(made.tree->get(), container)) {
        result.container_outputs.push_back(std::move(output));
    }
}

// Executes the plan and writes the outputs; nullopt when a pack of the store turned out to be damaged and this was not
// the last chance. That pack is removed, so that it is made anew.
std::optional<Written> execute(const Execution& execution, Chance chance) {
    const auto& [env, options, resolved, job, trace, outputs] = execution;
    pack::PackSet packs(env.packing);
    Stages stages(job, packs);
    try {
        const StagesResult made = stages.run();
        trace.keep(stages.trace());
        Written written{write_files(execution, packs, made),
                        CacheExports({env, options, resolved.plan(), resolved.bases(), stages, resolved.imported()})};
        write_directories(execution, packs, made, written.result);
        return written;
    } catch (const Error& error) {
        trace.keep(stages.trace());
        if (error.kind() == ErrorKind::interrupted || chance == Chance::last) throw;
        const bool was_damage = stages.drop_damaged_packs();
        const bool was_cache = error.kind() == ErrorKind::integrity && resolved.imported().abandon(error);
        if (!was_damage && !was_cache) throw;
        if (was_damage) env.events.emit(Notice{error.message() + "; packing it anew"});
    }
    return std::nullopt;
}

// Of two things that may be damaged, the store and a cache elsewhere, each is found out once.
Written execute(const Execution& execution) {
    for (Chance chance : {Chance::another, Chance::another}) {
        if (auto written = execute(execution, chance)) return std::move(*written);
    }
    return *execute(execution, Chance::last);
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

void tag_result(const OutputOptions& options, const store::Store& store, const BuildResult& result) {
    using std::chrono::system_clock;
    int64_t now = std::chrono::duration_cast<std::chrono::seconds>(system_clock::now().time_since_epoch()).count();
    for (const auto& tag : options.tags) {
        store.put_image(
            {tag.repository, tag.tag, result.image_id, result.sha3, now, result.size, result.file.native()});
    }
}

// Everything is written. What can still fail comes first, and renaming, which hardly can, last.
void commit(Written& written, Outputs& outputs, SideOutput* beside, const OutputOptions& options,
            const store::Store& store) {
    if (beside) beside->write(written.result);
    outputs.container.pass_on(options.standard_output);
    if (beside) beside->pass_on();
    written.caches.commit();
    outputs.container.commit();
    if (outputs.gvmi) outputs.gvmi->commit(store);
    if (beside) beside->commit();
    if (outputs.gvmi) tag_result(options, store, written.result);
}

// A pack in use may need a descriptor, and a build has one for each step. Commands keep the limit that gbuild was
// started with: the processes that start them are there already.
void raise_descriptor_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

registry::ClientOptions told_to(EventSink& events, registry::ClientOptions options) {
    options.notice = [&events](const std::string& message) { events.emit(Notice{message}); };
    return options;
}

}  // namespace

Build::Build(BuildOptions options, EventSink& events) :
    inputs_(std::make_unique<BuildInputs>(std::move(options), events)) {}
Build::Build(Build&&) noexcept = default;
Build::~Build() = default;

bool Build::runs_commands() const { return commands_of(*inputs_) != Commands::none; }

PreparedBuild Build::prepare() && {
    const Commands commands = commands_of(*inputs_);
    try {
        if (commands != Commands::none) {
            // Tried where it will be done.
            const auto choice = sandbox::choose_isolation(inputs_->options.run.isolation, inputs_->store.staging());
            inputs_->sandbox = std::make_unique<sandbox::Sandbox>(choice, inputs_->jobs());
        }
    } catch (const Error& error) {
        if (commands == Commands::certain || error.kind() != ErrorKind::unsupported) throw;
    }
    return PreparedBuild(std::move(inputs_));
}

PreparedBuild Build::without_commands() && { return PreparedBuild(std::move(inputs_)); }

PlannedBuild Build::outlook(EventSink& events, const std::stop_token& stop) && {
    raise_descriptor_limit();
    const BuildOptions& options = inputs_->options;
    registry::Client client(told_to(events, options.registry));
    const Environment env{inputs_->store, events, stop, client, options.packing, inputs_->jobs(), options.max_files};
    ResolvedBuild resolved(*inputs_, env, {});
    const TraceKeeper trace(env.store, options, resolved.plan());
    return {resolved.plan(), look_ahead(resolved.keys(), resolved.cache_policy(), trace, env, resolved.imported())};
}

PreparedBuild::PreparedBuild(std::unique_ptr<BuildInputs> inputs) : inputs_(std::move(inputs)) {}
PreparedBuild::PreparedBuild(PreparedBuild&&) noexcept = default;
PreparedBuild::~PreparedBuild() = default;

BuildResult PreparedBuild::run(EventSink& events, const std::stop_token& stop, SideOutput* beside) && {
    raise_descriptor_limit();
    const BuildOptions& options = inputs_->options;
    // What cannot be written is refused before the network is asked.
    Outputs outputs(options);
    std::vector<std::filesystem::path> own = outputs.paths();
    own.insert(own.end(), options.side_files.begin(), options.side_files.end());
    registry::Client client(told_to(events, options.registry));
    WarnsOnce once(events, inputs_->file.checks);
    const Environment outer{inputs_->store, events, stop, client, options.packing, inputs_->jobs(), options.max_files};
    ResolvedBuild resolved(*inputs_, outer, own);
    sandbox::Sandbox* sandbox = resolved.sandbox();
    if (sandbox) report_isolation(*sandbox, events);
    const Environment env{inputs_->store, once, stop, client, options.packing, outer.jobs, options.max_files};
    TraceKeeper trace(env.store, options, resolved.plan());
    const StageJob job{resolved.keys(),         env,     resolved.imported(),
                       resolved.cache_policy(), sandbox, options.no_cache || trace.last().empty()};
    Written written = execute({env, options, resolved, job, trace, outputs});
    commit(written, outputs, beside, options, env.store);
    return std::move(written.result);
}

}  // namespace gbuild::build
