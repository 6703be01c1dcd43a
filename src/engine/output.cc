#include "output.h"

#include <unistd.h>

#include <algorithm>
#include <unordered_map>

#include <fmt/format.h>

#include "gbuild/base/binary.h"
#include "gbuild/base/text.h"
#include "gbuild/golem/container_config.h"
#include "gbuild/golem/contract_rules.h"
#include "gbuild/golem/image_size.h"
#include "gbuild/golem/numeric_user.h"
#include "gbuild/golem/secrets.h"
#include "gbuild/golem/vm_contract.h"
#include "gbuild/golem/volumes.h"
#include "tree_accounts.h"

namespace gbuild::build {

namespace {

// Stands for the file tree as a layer's diffID would: everything a container could see of it. Contents count by their
// digest in the pack, which the block size has a part in.
Digest tree_digest(const tree::Tree& tree, const pack::PackSet& packs) {
    Hasher hasher(HashAlgorithm::sha256);
    BinaryWriter record;
    std::unordered_map<const tree::Inode*, std::string> first_names;  // of files that may have several
    tree.walk([&](const std::string& path, const tree::Node& node) {
        const tree::Inode& inode = *node.inode;
        record.clear();
        record.text(path);
        // Other trees may share the inode, too; a second name in this one is what counts.
        const bool shared = node.inode.use_count() > 1;
        const auto [first, is_first] =
            shared ? first_names.try_emplace(&inode, path) : std::pair(first_names.end(), true);
        record.text(is_first ? "" : first->second);
        record.number(static_cast<uint8_t>(inode.type));
        for (uint64_t value :
             {uint64_t{inode.mode}, uint64_t{inode.uid}, uint64_t{inode.gid}, static_cast<uint64_t>(inode.mtime),
              uint64_t{inode.device_major}, uint64_t{inode.device_minor}, inode.size}) {
            record.varint(value);
        }
        record.text(inode.target);
        record.varint(inode.xattrs.size());
        for (const auto& xattr : inode.xattrs) {
            record.text(xattr.name);
            record.text(xattr.value);
        }
        if (!inode.content.empty()) record.raw(packs.at(inode.content.pack).file(inode.content.number).digest);
        hasher.update(record.bytes());
    });
    Sha256Sum sum;
    hasher.finish(sum);
    return Digest::of_sha256(sum);
}

void warn_of_dropped_xattrs(const std::vector<std::string>& dropped, EventSink& events) {
    if (dropped.empty()) return;
    std::string more = dropped.size() > 1 ? fmt::format(" and {} more", dropped.size() - 1) : "";
    events.emit(
        Warning{"xattr-dropped",
                fmt::format("squashfs cannot hold {}{}; left out of the image", printable(dropped.front()), more),
                std::nullopt, "access control lists do not reach a provider; use owner, group and mode"});
}

// Whether numbers are all that `user` ("uid:gid") has, so that nobody needs to be looked up.
bool is_numeric(std::string_view user) {
    return user.find(':') != std::string_view::npos && user.find_first_not_of("0123456789:") == std::string_view::npos;
}

std::string numeric_user(const std::string& user, const tree::Tree& tree, const OutputJob& job) {
    if (user.empty()) return "";
    try {
        return golem::numeric_user(user, is_numeric(user) ? tree::Accounts() : read_accounts(tree, job.packs));
    } catch (Error& error) {
        if (auto place = plan::place_of(job.plan, "USER"); place && !error.span()) error.at(*place);
        throw;
    }
}

golem::Places places_in(const plan::Plan& plan) {
    return [&plan](std::string_view instruction, const std::string& volume) -> std::optional<SourceSpan> {
        if (instruction == "FROM") return plan.stages.back().span;
        if (instruction == "VOLUME") return plan::place_of_volume(plan, volume);
        return instruction == "ENV" ? plan::place_of_variable(plan, volume) : plan::place_of(plan, instruction);
    };
}

// Notes are left to gbuild check and gbuild inspect.
bool is_worth_saying(const Warning& warning, const OutputOptions& options) {
    if (warning.id == "env-not-passed" && options.env_profile) return false;
    return golem::contract_rule(warning.id).weight != golem::Weight::note;
}

bool is_root(std::string_view user) { return user.empty() || parse_decimal(user.substr(0, user.find(':'))) == 0u; }

std::string vm_user(const std::string& user, const OutputJob& job) {
    return job.options.vm_user == VmUser::image || is_root(user) ? user : "";
}

void note_user(const BuildResult& result, const OutputJob& job) {
    const std::string& user = job.plan.stages.back().config().user;
    if (user.empty() || !result.config.user.empty()) return;
    job.env.events.emit(
        Notice{fmt::format("commands in the VM run as root, not as USER {}: {}; --vm-user image keeps it",
                           printable(user), golem::contract_rule("user-not-root").vm)});
}

std::filesystem::path output_path(const OutputOptions& options) {
    if (options.output) return *options.output;
    if (options.tags.empty())
        throw Error(ErrorKind::usage, "the image has no name").hint("give one with -t, or a file with -o");
    const auto& name = options.tags.front();
    std::string file = name.repository + "-" + name.tag + ".gvmi";
    std::replace(file.begin(), file.end(), '/', '-');
    return file;
}

// Raised when the same tree and configuration become another image, or other warnings.
constexpr std::string_view image_format = "gbuild image 3 " GBUILD_VERSION;

// Steps' places count: warnings point at them.
std::string image_key(const Digest& tree, const OutputJob& job) {
    const plan::Stage& target = job.plan.stages.back();
    BinaryWriter out;
    out.text(image_format);
    out.text(tree.text());
    out.text(job.imported.scope());
    out.text(oci::to_json(oci::ImageConfig{target.platform, job.epoch, "", target.config(), {}}));
    out.text(job.env.packing.key());
    out.number(static_cast<uint8_t>(job.options.vm_user));
    out.number(static_cast<uint8_t>(job.options.env_profile));
    out.number(job.epoch);
    for (const plan::Stage& stage : job.plan.stages) {
        for (const plan::Step& step : stage.steps) {
            out.text(step.span.file);
            out.number(step.span.line);
            out.text(step.span.source);
        }
    }
    return Digest::of(out.bytes()).text();
}

// Keeps the warnings that pass through it.
class WarningRecorder : public EventSink {
  public:
    explicit WarningRecorder(EventSink& inner) : inner_(inner) {}
    void emit(const Event& event) override {
        if (const auto* warning = std::get_if<Warning>(&event)) warnings_.push_back(*warning);
        inner_.emit(event);
    }
    std::vector<Warning> take() { return std::move(warnings_); }

  private:
    EventSink& inner_;
    std::vector<Warning> warnings_;
};

constexpr int transfer_id = 0;  // layers count from 1

BuildResult write_image(const StagesResult& made, AtomicFile& file, const OutputJob& job, EventSink& events) {
    tree::Tree tree = made.tree->get().clone();
    BuildResult result;
    const plan::Stage& target = job.plan.stages.back();
    result.config = target.config();
    result.config.user = vm_user(numeric_user(result.config.user, tree, job), job);
    result.config.volumes = golem::clean_volumes(result.config.volumes);
    const tree::LayerTree missing = golem::missing_entries(tree, result.config, job.epoch);
    tree.apply(tree::LayerTree(missing));
    result.config.volumes = golem::vm_volumes(tree, result.config.volumes, places_in(job.plan));
    for (const Warning& warning : golem::check_contract(tree, result.config, places_in(job.plan))) {
        if (is_worth_saying(warning, job.options)) events.emit(warning);
    }
    const auto read = [&](const std::string& path, const tree::Inode& inode) {
        return with_context([&] { return fmt::format("reading /{} of the image", path); },
                            [&] { return pack::read_contents(job.packs, inode.content, golem::max_secret_size); });
    };
    for (const Warning& warning : golem::find_secrets(tree, read)) events.emit(warning);

    oci::ImageConfig image{target.platform, job.epoch, "", result.config, {tree_digest(tree, job.packs)}};
    result.image_id = std::string(Digest::of(oci::to_json(image)).hex());

    pack::WriteImageJob write;
    write.superblock_time = job.epoch;
    write.trailer_json = golem::to_trailer_json(result.config, result.image_id);
    write.threads = job.env.jobs;
    write.stop = job.env.stop;
    events.emit(TransferStarted{transfer_id, 0, file.target().filename().native(), "writing", 0});
    write.progress = [&](uint64_t done, uint64_t) { events.emit(TransferProgress{transfer_id, done}); };
    std::optional<golem::DescriptorBuilder> descriptor;
    if (job.options.describe) {
        write.watch = [&](uint64_t size) {
            descriptor.emplace(golem::usual_chunk_size(size));
            return [&](std::span<const std::byte> bytes) { descriptor->update(bytes); };
        };
    }
    pack::ImageSummary summary = with_context([&] { return fmt::format("writing {}", quoted(file.target().native())); },
                                              [&] { return pack::write_image(tree, job.packs, write, file.fd()); });
    events.emit(TransferFinished{transfer_id, false});

    warn_of_dropped_xattrs(summary.dropped_xattrs, events);
    if (const auto warning = golem::warn_of_size(tree, summary.file_size)) events.emit(*warning);
    result.provenance = made.provenance(tree, missing);
    result.size = summary.file_size;
    result.sha3 = summary.sha3;
    if (descriptor) result.descriptor = descriptor->finish();
    result.inodes = summary.inode_count;
    return result;
}

// The image that is there already, and what was said about it when it was written.
BuildResult as_written(OutputRecord record, const OutputJob& job) {
    for (const Warning& warning : record.warnings) job.env.events.emit(warning);
    job.env.events.emit(TransferStarted{transfer_id, 0, record.result.file.filename().native(), "writing", 0});
    job.env.events.emit(TransferFinished{transfer_id, true});
    BuildResult result = std::move(record.result);
    const oci::ContainerConfig as_in_trailer = std::move(result.config);
    result.config = job.plan.stages.back().config();
    result.config.user = as_in_trailer.user;
    result.config.volumes = as_in_trailer.volumes;
    note_user(result, job);
    return result;
}

}  // namespace

VmOutput::VmOutput(const OutputOptions& options) :
    file_(output_path(options)), path_(std::filesystem::absolute(file_.target()).lexically_normal()) {}

BuildResult VmOutput::write(const StagesResult& made, const OutputJob& job) {
    written_.reset();
    if (auto record = read_output_record(job.env.store, path_);
        record && record->image_key == image_key(made.result, job)) {
        return as_written(std::move(*record), job);
    }
    if (::ftruncate(file_.fd(), 0) != 0) throw_errno("cannot begin the image anew");
    WarningRecorder warnings(job.env.events);
    BuildResult result = write_image(made, file_, job, warnings);
    result.file = path_;
    note_user(result, job);
    // Only now is it known whether everything came from where it should.
    written_ = OutputRecord{image_key(made.result, job), result, warnings.take()};
    return result;
}

void VmOutput::commit(const store::Store& store) {
    if (!written_) return;
    file_.commit();
    put_output_record(store, path_, *written_);
}

}  // namespace gbuild::build
