#include "stages.h"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

#include "command_output.h"
#include "gbuild/base/text.h"
#include "gbuild/sandbox/cgroup.h"
#include "run_step.h"

namespace gbuild::build {

namespace {

// Ends a step's events: finished when told so, failed when left by an exception.
class StepReport {
  public:
    StepReport(EventSink& events, StepStarted started) : events_(events), id_(started.id) { events_.emit(started); }
    StepReport(const StepReport&) = delete;
    StepReport& operator=(const StepReport&) = delete;
    ~StepReport() {
        if (!finished_) events_.emit(StepFailed{id_});
    }
    void finish(std::string detail = {}) {
        auto took = std::chrono::steady_clock::now() - start_;
        events_.emit(
            StepFinished{id_, false, std::chrono::duration_cast<std::chrono::milliseconds>(took), std::move(detail)});
        finished_ = true;
    }

  private:
    EventSink& events_;
    int id_;
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
    bool finished_ = false;
};

std::string stage_label(const plan::Plan& plan, const plan::Stage& stage) {
    if (!stage.name.empty()) return stage.name;
    return plan.stages.size() > 1 ? std::to_string(stage.index) : "";
}

std::string describe_base(const plan::Base& base, const BaseImages& bases) {
    return is_external(base) ? bases.at(base).resolved.manifest_digest.text() : "";
}

// What `path` leads to; links in a circle lead nowhere.
const tree::Node* find_or_none(const tree::Tree& tree, std::string_view path) {
    try {
        return tree.find(path, tree::FollowLast::yes);
    } catch (const Error&) {
        return nullptr;
    }
}

std::string read_small_file(const tree::Tree& tree, const pack::PackSet& packs, std::string_view path) {
    constexpr size_t largest = 4u << 20;
    const tree::Node* node = find_or_none(tree, path);
    if (!node || node->inode->type != tree::FileType::regular || node->inode->content.empty()) return "";
    return with_context([&] { return fmt::format("reading /{} of the image", path); },
                        [&] { return pack::read_contents(packs, node->inode->content, largest); });
}

}  // namespace

// Where commands run: directories in the store, gone with it.
struct Stages::Disk {
    Disk(const StageJob& job, const pack::PackSet& packs) :
        place(job.packing.store.staging()), contents(packs), context{*job.sandbox, place.path(), contents} {
        if (job.run.memory || job.run.pids) limit(job);
    }

    // As far as the machine allows: a step without limits is better than none.
    void limit(const StageJob& job) {
        try {
            limits = std::make_unique<sandbox::Cgroup>(sandbox::Limits{job.run.memory, job.run.pids});
        } catch (const Error& error) {
            job.packing.events.emit(
                Notice{fmt::format("--memory and --pids have no effect here: {}", error.message())});
        }
    }

    TempDir place;
    pack::ContentReader contents;
    RootContext context;
    std::unique_ptr<sandbox::Cgroup> limits;              // null: none
    std::map<const BaseImage*, ExtractedTree> bases;      // null: scratch
    std::map<size_t, std::unique_ptr<StageRoot>> stages;  // those with a RUN
};

Stages::Stages(const StageJob& job, pack::PackSet& packs) : job_(job), packs_(packs) {}
Stages::~Stages() = default;

tree::Accounts read_accounts(const tree::Tree& tree, const pack::PackSet& packs) {
    return {read_small_file(tree, packs, "etc/passwd"), read_small_file(tree, packs, "etc/group")};
}

tree::Tree Stages::run() {
    for (const plan::Stage& stage : job_.plan.stages) {
        std::string label = stage_label(job_.plan, stage);
        StepReport from(job_.packing.events,
                        {stage.number, stage.number, job_.plan.total_steps, label, stage.text, stage.span.line});
        tree::Tree tree = base_tree(stage.base);
        is_on_disk_ = false;
        from.finish(describe_base(stage.base, job_.bases));

        const oci::ContainerConfig* before = &stage.base_config.config;
        for (const plan::Step& step : stage.steps) {
            if (job_.packing.stop.stop_requested()) throw Error(ErrorKind::interrupted, "interrupted");
            StepReport report(job_.packing.events,
                              {step.number, step.number, job_.plan.total_steps, label, step.text, step.span.line});
            try {
                execute(step, *before, tree);
            } catch (Error& error) {
                if (!error.span()) error.at(step.span);
                throw;
            }
            report.finish();
            before = &step.config;
        }
        trees_.push_back(std::move(tree));
    }
    return std::move(trees_.back());
}

bool Stages::drop_damaged_packs() const {
    const bool any = std::any_of(pack_numbers_.begin(), pack_numbers_.end(),
                                 [&](const auto& pack) { return packs_.at(pack.second).damaged(); });
    if (!any) return false;
    // What damaged one may have damaged others that have not been read yet.
    for (const auto& [layer, number] : pack_numbers_) {
        if (packs_.at(number).is_whole()) continue;
        job_.packing.store.remove_pack(pack_key(layer, job_.packing.packing));
    }
    return true;
}

tree::Tree Stages::base_tree(const plan::Base& base) {
    if (const auto* stage = std::get_if<plan::StageBase>(&base)) {
        return trees_.at(static_cast<size_t>(stage->stage)).clone();
    }
    if (std::holds_alternative<plan::ScratchBase>(base)) return tree::Tree();
    const BaseImage& image = job_.bases.at(base);
    const LayerPacks& layers = job_.layers();
    tree::Tree tree;
    for (const Digest& layer : image.config.diff_ids) {
        const auto& pack = layers.at(layer);
        auto [number, added] = pack_numbers_.emplace(layer, 0);
        if (added) number->second = packs_.add(pack);
        const uint32_t pack_number = number->second;  // lambdas of Clang 14 capture no structured binding
        with_context([&] { return fmt::format("merging layer {} of {}", layer.short_hex(), image.name); },
                     [&] { apply_pack(tree, *pack, pack_number); });
    }
    return tree;
}

const tree::Tree& Stages::image_tree(const plan::Base& base) {
    const BaseImage* image = &job_.bases.at(base);
    auto found = image_trees_.find(image);
    if (found == image_trees_.end()) found = image_trees_.emplace(image, base_tree(base)).first;
    return found->second;
}

void Stages::execute(const plan::Step& step, const oci::ContainerConfig& before, tree::Tree& tree) {
    if (const auto* copy_step = std::get_if<plan::CopyStep>(&step.action)) return copy(*copy_step, tree);
    if (const auto* workdir = std::get_if<plan::WorkdirStep>(&step.action)) {
        return make_directory(*workdir, before.user, tree);
    }
    if (std::holds_alternative<plan::RunStep>(step.action)) return run_command(step, before, tree);
}

const ExtractedTree& Stages::extracted(const plan::Base& base) {
    const BaseImage* image = is_external(base) ? &job_.bases.at(base) : nullptr;
    auto found = disk_->bases.find(image);
    if (found != disk_->bases.end()) return found->second;
    ExtractedTree whole{"", base_tree(base)};
    if (job_.sandbox->has_overlay()) {
        whole.directory = image ? job_.directory_of(*image).native() : disk_->context.make_directory();
    }
    return disk_->bases.emplace(image, std::move(whole)).first->second;
}

StageRoot& Stages::root_of(size_t stage) {
    auto found = disk_->stages.find(stage);
    if (found != disk_->stages.end()) return *found->second;
    // The nearest stage below that has one, else the image at the bottom.
    const plan::Base* base = &job_.plan.stages.at(stage).base;
    std::unique_ptr<StageRoot> root;
    while (const auto* below = std::get_if<plan::StageBase>(base)) {
        const auto index = static_cast<size_t>(below->stage);
        if (auto theirs = disk_->stages.find(index); theirs != disk_->stages.end()) {
            root = std::make_unique<StageRoot>(disk_->context, *theirs->second);
            break;
        }
        base = &job_.plan.stages.at(index).base;
    }
    if (!root) root = std::make_unique<StageRoot>(disk_->context, extracted(*base));
    return *disk_->stages.emplace(stage, std::move(root)).first->second;
}

void Stages::run_command(const plan::Step& step, const oci::ContainerConfig& before, tree::Tree& tree) {
    const auto& run = std::get<plan::RunStep>(step.action);
    const tree::Accounts known = accounts(tree);
    sandbox::Step command = make_step({run, before, job_.run, tree, known, job_.epoch});
    // A base may name a working directory that it does not have.
    make_directory({command.directory}, before.user, tree);
    // In the VM there will be a directory, too.
    for (const std::string& volume : before.volumes) make_directory({volume}, "", tree);
    job_.packing.store.writing([&] {
        if (!disk_) disk_ = std::make_unique<Disk>(job_, packs_);
        StageRoot& root = root_of(trees_.size());
        if (!is_on_disk_) root.show(tree);
        const sandbox::StepResult result = run_in(root, step, std::move(command));
        keep_changes(root, result, tree);
    });
}

sandbox::StepResult Stages::run_in(StageRoot& root, const plan::Step& step, sandbox::Step command) {
    command.root = root.begin_step();
    command.owners = root.path_records();
    command.has_devices = root.has_devices();
    if (disk_->limits) command.cgroup = disk_->limits->directory();
    CommandOutput output([&](std::vector<std::string> lines) {
        job_.packing.events.emit(StepOutput{step.number, std::move(lines)});
    });
    sandbox::StepResult result = job_.sandbox->run(
        command, [&](std::string_view text) { output.add(text); }, job_.packing.stop);
    output.finish();
    if (result.end != sandbox::StepResult::End::exited || result.code != 0) {
        throw step_failure(std::get<plan::RunStep>(step.action), result, job_.run,
                           {output.last_lines().begin(), output.last_lines().end()});
    }
    return result;
}

void Stages::keep_changes(StageRoot& root, const sandbox::StepResult& result, tree::Tree& tree) {
    layer::Snapshot snapshot = root.changes(result.owners, job_.epoch);
    std::shared_ptr<const pack::Pack> pack;
    if (snapshot.to_pack) {
        const LayerJob& packing = job_.packing;
        UniqueFd file = anonymous_file(packing.store.staging());
        pack::write_pack(*snapshot.to_pack, {packing.packing, packing.jobs, {}, packing.stop}, file.get());
        pack = pack::Pack::open(std::move(file), packing.packing);
    }
    tree.apply(std::move(snapshot.ready));
    if (pack) apply_pack(tree, *pack, packs_.add(pack));
    root.keep_step(tree);
    is_on_disk_ = true;
}

void Stages::copy(const plan::CopyStep& step, tree::Tree& tree) {
    CopyRequest request{step, source_of(step.source), tree, [&] { return accounts(tree); }, job_.epoch};
    CopyResult result = copy_layer(request);
    is_on_disk_ = false;
    // `ready` first; but the stream still looks at the tree as it was, so it is packed before anything is applied.
    std::shared_ptr<const pack::Pack> pack;
    if (result.to_pack) pack = pack_of(result);
    tree.apply(std::move(result.ready));
    if (!result.to_pack) return;
    auto [number, added] = pack_numbers_.emplace(result.content_key, 0);
    if (added) number->second = packs_.add(pack);
    apply_pack(tree, *pack, number->second);
}

std::shared_ptr<const pack::Pack> Stages::pack_of(CopyResult& result) {
    const LayerJob& packing = job_.packing;
    std::string key = pack_key(result.content_key, packing.packing);
    auto waiting = [&] { packing.events.emit(Notice{"waiting for another gbuild that is packing the same files"}); };
    FileLock lock = packing.store.lock("pack " + key, waiting, packing.stop);
    if (!job_.no_cache) {
        if (auto pack = open_stored_pack(packing.store, key, packing.packing)) return pack;
    }
    AtomicFile file = packing.store.new_pack(key);
    packing.store.writing([&] {
        pack::write_pack(*result.to_pack, {packing.packing, packing.jobs, {}, packing.stop}, file.fd());
    });
    return commit_pack(packing.store, file, packing.packing);
}

std::variant<const ContextDir*, TreeSource> Stages::source_of(const plan::CopySource& source) {
    if (std::holds_alternative<plan::ContextSource>(source)) return job_.context;
    if (const auto* stage = std::get_if<plan::StageBase>(&source)) {
        auto index = static_cast<size_t>(stage->stage);
        std::string label = stage_label(job_.plan, job_.plan.stages.at(index));
        return TreeSource{&trees_.at(index), fmt::format("stage {}", quoted(label))};
    }
    if (const auto* named = std::get_if<plan::NamedContextBase>(&source)) {
        auto directory = job_.directories.find(named->name);
        if (directory != job_.directories.end()) return directory->second.get();
        return TreeSource{&image_tree(*named), fmt::format("build context {}", quoted(named->name))};
    }
    const auto& image = std::get<plan::ImageBase>(source);
    return TreeSource{&image_tree(image), fmt::format("image {}", quoted(image.reference))};
}

tree::Accounts Stages::accounts(const tree::Tree& tree) const { return read_accounts(tree, packs_); }

void Stages::make_directory(const plan::WorkdirStep& step, const std::string& user, tree::Tree& tree) {
    std::string path = tree.resolve(step.path, tree::FollowLast::yes);
    const tree::Node* node = tree.find(path, tree::FollowLast::no);
    if (node && node->is_directory()) return;
    if (node) {
        throw Error(ErrorKind::dockerfile, fmt::format("{} is there already and is not a directory", quoted(step.path)))
            .hint("choose another WORKDIR, or do not copy a file to that place");
    }
    // As BuildKit does: what is missing on the way belongs to the current USER.
    tree::Inode directory;
    directory.mtime = job_.epoch;
    if (!user.empty()) {
        tree::Owner owner = tree::resolve_owner(user, accounts(tree), tree::LoneUser::same_number);
        directory.uid = owner.uid;
        directory.gid = owner.gid;
    }
    tree::LayerTree layer;
    for (size_t end = path.find('/');; end = path.find('/', end + 1)) {
        std::string part = path.substr(0, end);
        const tree::Node* above = tree.find(part, tree::FollowLast::no);
        if (above && !above->is_directory()) {
            throw Error(ErrorKind::dockerfile, fmt::format("{}: {} is there already and is not a directory",
                                                           quoted(step.path), quoted("/" + part)));
        }
        if (!above) layer.push_back({tree::EntryKind::inode, part, "", directory});
        if (end == std::string::npos) break;
    }
    tree.apply(layer);
    is_on_disk_ = false;
}

}  // namespace gbuild::build
