#include "stage_run.h"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

#include "command_output.h"
#include "gbuild/base/text.h"
#include "gbuild/pack/pack_store.h"
#include "run_mounts.h"
#include "run_step.h"
#include "tree_accounts.h"

namespace gbuild::build {

namespace {

// Ends a step's events: finished when told so, failed when left by an exception.
class StepReport {
  public:
    StepReport(EventSink& events, StepStarted started) : events_(events), id_(started.id) { events_.emit(started); }
    StepReport(const StepReport&) = delete;
    StepReport& operator=(const StepReport&) = delete;
    ~StepReport() {
        if (!finished_) events_.emit(StepFailed{id_, interrupted_});
    }
    void call_off() { interrupted_ = true; }
    void finish(bool cached, std::string detail = {}) {
        auto took = std::chrono::steady_clock::now() - start_;
        events_.emit(
            StepFinished{id_, cached, std::chrono::duration_cast<std::chrono::milliseconds>(took), std::move(detail)});
        finished_ = true;
    }

  private:
    EventSink& events_;
    int id_;
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
    bool finished_ = false, interrupted_ = false;
};

bool is_run(const plan::Step& step) { return std::holds_alternative<plan::RunStep>(step.action); }

// The image that a stage goes back to; null when that is scratch.
const BaseImage* origin_of(const plan::Stage& stage, const KeyInputs& inputs) {
    const plan::Base* base = &stage.base;
    while (const auto* below = std::get_if<plan::StageBase>(base)) {
        base = &inputs.plan.stages.at(static_cast<size_t>(below->stage)).base;
    }
    return is_external(*base) ? &inputs.bases.at(*base) : nullptr;
}

StepStarted start_of_stage(const plan::Plan& plan, const plan::Stage& stage) {
    return {stage.number, stage.number, plan.total_steps, stage_label(plan, stage), stage.text, stage.span.line};
}

StepStarted start_of_step(const plan::Plan& plan, const plan::Stage& stage, const plan::Step& step) {
    return {step.number, step.number, plan.total_steps, stage_label(plan, stage), step.text, step.span.line};
}

}  // namespace

StepsPlanned planned_steps(const plan::Plan& plan) {
    StepsPlanned planned;
    for (const plan::Stage& stage : plan.stages) {
        planned.steps.push_back(start_of_stage(plan, stage));
        for (const plan::Step& step : stage.steps) planned.steps.push_back(start_of_step(plan, stage, step));
    }
    return planned;
}

std::string stage_label(const plan::Plan& plan, const plan::Stage& stage) {
    if (!stage.name.empty()) return stage.name;
    return plan.stages.size() > 1 ? fmt::format("stage {}", stage.index) : "";
}

tree::Tree merge_image(const BaseImage& image, BasePulls& pulls, KnownLayers& layers) {
    const LayerPacks& packs = pulls.layers_of(image);
    tree::Tree tree;
    for (const Digest& layer : image.config.diff_ids) {
        const auto& pack = packs.at(layer);
        const uint32_t number = layers.add(layer, pack);
        with_context([&] { return fmt::format("merging layer {} of {}", layer.short_hex(), image.name); },
                     [&] { apply_pack(tree, *pack, number, layers.max_files()); });
    }
    return tree;
}

StageRun::StageRun(BuildContext& build, size_t index) :
    build_(build), index_(index), stage_(build.inputs.plan.stages.at(index)), origin_(origin_of(stage_, build.inputs)) {
    const StageResults results = [&](size_t stage) { return std::optional(build_.stage(stage).tree().result()); };
    tree_ = std::make_unique<StageTree>(
        *start_of(stage_, build.inputs.bases, results), [this] { return start(); }, build.layers);
}

StageRun::~StageRun() = default;

tree::Tree StageRun::start() {
    if (const auto* below = std::get_if<plan::StageBase>(&stage_.base)) {
        return build_.stage(static_cast<size_t>(below->stage)).tree().get().clone();
    }
    return origin_ ? merge_image(*origin_, build_.pulls, build_.layers) : tree::Tree();
}

void StageRun::run() {
    EventSink& events = build_.env.events;
    const plan::Plan& plan = build_.inputs.plan;
    StepReport from(events, start_of_stage(plan, stage_));
    from.finish(false, is_external(stage_.base) ? origin_->resolved.manifest_digest.text() : "");

    const oci::ContainerConfig* before = &stage_.base_config.config;
    for (const plan::Step& step : stage_.steps) {
        if (build_.env.stop.stop_requested()) throw Error(ErrorKind::interrupted, "interrupted");
        step_ = step.number;
        StepReport report(events, start_of_step(plan, stage_, step));
        try {
            report.finish(has_result(step) && find_or_execute(step, *before));
        } catch (Error& error) {
            if (error.kind() == ErrorKind::interrupted) report.call_off();
            if (!error.span()) error.at(step.span);
            if (step.is_trigger) error.context(fmt::format("executing the base's trigger {}", quoted(step.text)));
            throw;
        }
        before = &step.config;
    }
}

// Whether the result was known.
bool StageRun::find_or_execute(const plan::Step& step, const oci::ContainerConfig& before) {
    const StageResults results = [&](size_t stage) { return std::optional(build_.stage(stage).tree().result()); };
    const auto key = key_of(stage_, step, before, tree_->result(), results, build_.inputs);
    if (!key) throw Error(ErrorKind::internal, "a step was to be executed before one that it needs");
    build_.used(stage_, step, *key);
    const Digest digest = key->digest();
    std::optional<FileLock> lock;
    const bool uses_cache = build_.policy.applies_to(stage_);
    if (uses_cache) {
        if (add_known(step, digest, digest)) return true;
        auto waiting = [&] {
            build_.env.events.emit(Notice{"waiting for another one that is executing the same step"});
        };
        lock = build_.cache.lock(digest, waiting, build_.env.stop);
        if (add_known(step, digest, digest)) return true;
    }
    const auto by_contents = key_by_contents(step, before);
    if (uses_cache && by_contents && add_known(step, digest, *by_contents)) return true;
    prepare_to_execute(step);
    execute(step, before);
    const std::string changes = tree_->finish_step();
    build_.cache.put(digest, changes);
    if (by_contents) build_.cache.put(*by_contents, changes);
    build_.done(index_, step.number, digest, changes);
    return false;
}

// Of a command that has something of other stages and images mounted: they may be others, and what is seen of them the
// same. nullopt for all other steps.
std::optional<Digest> StageRun::key_by_contents(const plan::Step& step, const oci::ContainerConfig& before) {
    const auto* run = std::get_if<plan::RunStep>(&step.action);
    const bool reads_tree = run && std::any_of(run->mounts.begin(), run->mounts.end(), [&](const auto& mount) {
                                return mount.from && std::holds_alternative<TreeSource>(source_of(*mount.from));
                            });
    if (!reads_tree) return std::nullopt;
    const StageResults results = [&](size_t stage) { return std::optional(build_.stage(stage).tree().result()); };
    const MountContents contents = [&](const plan::RunMount& mount) {
        try {
            return digest_of_tree(std::get<TreeSource>(source_of(*mount.from)), mount.path, build_.packs);
        } catch (Error& error) {
            throw std::move(error).at(mount.span);
        }
    };
    return key_of(stage_, step, before, tree_->result(), results, build_.inputs, contents)->digest();
}

// `kept_as` is what the result is found by; it will be found by `key`, too.
bool StageRun::add_known(const plan::Step& step, const Digest& key, const Digest& kept_as) {
    auto changes = build_.cache.find(kept_as, build_.policy.source_of(step));
    if (!changes) return false;
    if (key != kept_as) build_.cache.put(key, *changes);
    build_.done(index_, step.number, key, *changes);
    tree_->add_known(std::move(*changes));
    is_on_disk_ = false;
    return true;
}

void StageRun::prepare_to_execute(const plan::Step& step) {
    // A command that comes later may have a known result after all; but where a step is executed, most that follow are.
    // Unless they are in a cache, from which only they are taken.
    const auto& steps = stage_.steps;
    const bool runs =
        build_.imported.any() ? is_run(step) : std::any_of(steps.begin(), steps.end(), [&](const plan::Step& later) {
            return later.number >= step.number && is_run(later);
        });
    if (origin_ && runs)
        build_.pulls.want_directory(*origin_);
    else if (origin_)
        build_.pulls.want({origin_});
    if (runs && !known_) known_ = Known{tree_->result(), tree_->get().clone()};
}

void StageRun::execute(const plan::Step& step, const oci::ContainerConfig& before) {
    if (const auto* copy_step = std::get_if<plan::CopyStep>(&step.action)) return copy(*copy_step);
    if (const auto* workdir = std::get_if<plan::WorkdirStep>(&step.action)) {
        return make_directory(workdir->path, before.user);
    }
    run_command(step, before);
}

// On the nearest stage below that has commands' files on disk, else on the image at the bottom.
void StageRun::prepare_root() {
    if (root_) return;
    contents_ = std::make_unique<pack::ContentReader>(build_.packs);
    context_.reset(new RootContext{build_.disk->sandbox(), build_.disk->new_place(), *contents_});
    mounts_.emplace(MountSources::Inputs{
        [this](const plan::CopySource& source) { return source_of(source); },
        [this](const plan::CopySource& source) -> const ExtractedTree& { return extracted_for(source); }, *context_,
        build_.packs, build_.inputs.epoch});
    const plan::Base* base = &stage_.base;
    while (const auto* below = std::get_if<plan::StageBase>(base)) {
        StageRun& other = build_.stage(static_cast<size_t>(below->stage));
        if (other.root_) {
            root_ = std::make_unique<StageRoot>(*context_, *other.root_);
            return;
        }
        base = &other.stage_.base;
    }
    root_ = std::make_unique<StageRoot>(*context_, extracted_tree());
}

// The image, and over it what known steps made of it: kept in the store, since the next build is likely to begin there.
ExtractedTree StageRun::extracted_tree() {
    const ExtractedTree& image = extracted(origin_);
    const Digest start = origin_ ? result_of(*origin_) : image_result({});
    if (!build_.disk->sandbox().has_overlay() || known_->result == start) return {image.layers, image.tree.clone()};
    const std::string key = fmt::format("4 {} {} {} {}", build_.disk->sandbox().owner_form(), start.text(),
                                        known_->result.text(), build_.imported.scope());
    auto fill = [&](const std::filesystem::path& directory) {
        layer::write_difference(image.tree, known_->tree, RootedDir(directory), layer::DirectoryForm::overlay,
                                extraction_options(build_.disk->sandbox(), *contents_));
    };
    auto waiting = [&] { build_.env.events.emit(Notice{"waiting for another one that is extracting the same files"}); };
    known_files_ = build_.env.store.snapshot(key, fill, waiting, build_.env.stop);
    std::vector<std::string> layers = image.layers;
    layers.insert(layers.begin(), known_files_->files.native());
    return {std::move(layers), known_->tree.clone()};
}

const ExtractedTree& StageRun::extracted(const BaseImage* image) {
    return build_.disk->extracted(
        image, [&] { return image ? merge_image(*image, build_.pulls, build_.layers) : tree::Tree(); }, *contents_);
}

// A stage's files differ from what is at its bottom in little.
const ExtractedTree& StageRun::extracted_for(const plan::CopySource& source) {
    if (const auto* stage = std::get_if<plan::StageBase>(&source)) {
        return extracted(build_.stage(static_cast<size_t>(stage->stage)).origin_);
    }
    if (const auto* image = std::get_if<plan::ImageBase>(&source)) return extracted(&build_.inputs.bases.at(*image));
    return extracted(&build_.inputs.bases.at(std::get<plan::NamedContextBase>(source)));
}

void StageRun::run_command(const plan::Step& step, const oci::ContainerConfig& before) {
    const auto& run = std::get<plan::RunStep>(step.action);
    const tree::Accounts known = accounts();
    sandbox::Step command = make_step({run, before, build_.inputs.run, tree_->get(), known, build_.inputs.epoch});
    // A base may name a working directory that it does not have.
    make_directory(command.directory, before.user);
    // In the VM there will be a directory, too.
    for (const std::string& volume : before.volumes) make_directory(volume, "");
    build_.env.store.writing([&] {
        prepare_root();
        if (!is_on_disk_) root_->show(tree_->get());
        keep_changes(run_in(step, std::move(command)));
    });
}

sandbox::StepResult StageRun::run_in(const plan::Step& step, sandbox::Step command) {
    const auto& run = std::get<plan::RunStep>(step.action);
    const Environment& env = build_.env;
    RunMounts mounts({run.mounts, tree_->get(), build_.inputs.run, env, *mounts_, *context_, build_.inputs.epoch,
                      [this](const std::string& cache) { return renews(cache); }, build_.imported.scope()});
    command.root = root_->begin_step();
    command.owners = root_->path_records();
    command.has_devices = root_->has_devices();
    mounts.add_to(command);
    CommandOutput output([&](std::vector<std::string> lines) {
        env.events.emit(StepOutput{step.number, std::move(lines)});
    });
    sandbox::StepResult result = build_.disk->run(command, [&](std::string_view text) { output.add(text); });
    output.finish();
    if (result.end != sandbox::StepResult::End::exited || result.code != 0) {
        throw step_failure(run, result, build_.inputs.run, {output.last_lines().begin(), output.last_lines().end()});
    }
    mounts.take_out_of(result.owners);
    return result;
}

// A build that does not look at what is kept begins its caches anew; its later steps go on with them.
bool StageRun::renews(const std::string& cache) {
    return !build_.policy.applies_to(stage_) && build_.renewed.lock()->insert(cache).second;
}

void StageRun::keep_changes(const sandbox::StepResult& result) {
    layer::Snapshot snapshot = root_->changes(result.owners, build_.inputs.epoch);
    std::optional<uint32_t> packed;
    if (snapshot.to_pack) packed = pack_entries(*snapshot.to_pack);
    tree_->add(std::move(snapshot.ready), packed);
    root_->keep_step(tree_->get());
    is_on_disk_ = true;
}

void StageRun::copy(const plan::CopyStep& step) {
    CopyRequest request{step,
                        source_of(step.source),
                        tree_->get(),
                        [&] { return accounts(); },
                        build_.inputs.epoch,
                        [&](const plan::RemoteSource& source) { return build_.inputs.sources.files(source, step); }};
    CopyResult result = copy_layer(request);
    for (const Event& remark : result.remarks) build_.env.events.emit(remark);
    is_on_disk_ = false;
    // `ready` first; but the stream still looks at the tree as it was, so it is packed before anything is applied.
    std::optional<uint32_t> packed;
    if (result.to_pack) packed = pack(result);
    tree_->add(std::move(result.ready), packed);
}

// The pack is called by what it holds, so that whoever is given it can tell whether it is what it should be.
uint32_t StageRun::pack_entries(tree::EntryStream& entries) {
    const Environment& env = build_.env;
    AtomicFile file = env.store.new_pack();
    {
        const ReportedActivity activity(env.events, {step_, "packing", ""});
        const auto progress = [&](uint64_t done) { activity.progress(done); };
        env.store.writing([&] {
            pack::write_pack(entries, {env.packing, {}, env.jobs, progress, env.stop}, file.fd());
        });
    }
    const auto pack = pack::Pack::open(duplicate(file.fd()), env.packing);
    const Digest& layer = pack->layer();
    env.store.writing([&] {
        env.store.name_pack(file, pack_key(layer, env.packing));
        file.commit();
    });
    return build_.layers.add(layer, pack);
}

// The layer that was made of the same files before, by a note of what it is called.
uint32_t StageRun::pack(CopyResult& result) {
    const Environment& env = build_.env;
    const std::string key = "copied " + pack_key(result.content_key, env.packing);
    auto waiting = [&] { env.events.emit(Notice{"waiting for another gbuild that is packing the same files"}); };
    FileLock lock = env.store.lock("pack " + key, waiting, env.stop);
    if (build_.policy.applies_to(stage_)) {
        const auto note = env.store.read_note(store::NoteKind::step, key);
        const auto layer = note ? Digest::parse(*note) : std::nullopt;
        const auto pack =
            layer ? open_stored_pack(env.store, pack_key(*layer, env.packing), *layer, env.packing) : nullptr;
        if (pack) return build_.layers.add(*layer, pack);
    }
    const uint32_t number = pack_entries(*result.to_pack);
    env.store.put_note(store::NoteKind::step, key, build_.layers.layer_of(number).text());
    return number;
}

std::variant<const ContextDir*, TreeSource> StageRun::source_of(const plan::CopySource& source) {
    const KeyInputs& inputs = build_.inputs;
    if (std::holds_alternative<plan::ContextSource>(source)) return inputs.context;
    if (const auto* stage = std::get_if<plan::StageBase>(&source)) {
        StageRun& other = build_.stage(static_cast<size_t>(stage->stage));
        const std::string label = stage_label(inputs.plan, other.stage_);
        return TreeSource{&other.tree().get(),
                          other.stage_.name.empty() ? label : fmt::format("stage {}", quoted(label))};
    }
    if (const auto* named = std::get_if<plan::NamedContextBase>(&source)) {
        auto directory = inputs.directories.find(named->name);
        if (directory != inputs.directories.end()) return directory->second.get();
        return TreeSource{&build_.image_tree(*named), fmt::format("build context {}", quoted(named->name))};
    }
    const auto& image = std::get<plan::ImageBase>(source);
    return TreeSource{&build_.image_tree(image), fmt::format("image {}", quoted(image.reference))};
}

tree::Accounts StageRun::accounts() { return read_accounts(tree_->get(), build_.packs); }

void StageRun::make_directory(const std::string& name, const std::string& user) {
    const tree::Tree& tree = tree_->get();
    std::string path = tree.resolve(name, tree::FollowLast::yes);
    const tree::Node* node = tree.find(path, tree::FollowLast::no);
    if (node && node->is_directory()) return;
    if (node) {
        throw Error(ErrorKind::dockerfile, fmt::format("{} is there already and is not a directory", quoted(name)))
            .hint("choose another WORKDIR, or do not copy a file to that place");
    }
    // As BuildKit does: what is missing on the way belongs to the current USER.
    tree::Inode directory;
    directory.mtime = build_.inputs.epoch;
    if (!user.empty()) {
        tree::Owner owner = tree::resolve_owner(user, accounts(), tree::LoneUser::same_number);
        directory.uid = owner.uid;
        directory.gid = owner.gid;
    }
    tree::LayerTree layer;
    for (size_t end = path.find('/');; end = path.find('/', end + 1)) {
        std::string part = path.substr(0, end);
        const tree::Node* above = tree.find(part, tree::FollowLast::no);
        if (above && !above->is_directory()) {
            throw Error(ErrorKind::dockerfile, fmt::format("{}: {} is there already and is not a directory",
                                                           quoted(name), quoted("/" + part)));
        }
        if (!above) layer.push_back({tree::EntryKind::inode, part, "", directory});
        if (end == std::string::npos) break;
    }
    tree_->add(std::move(layer));
    is_on_disk_ = false;
}

}  // namespace gbuild::build
