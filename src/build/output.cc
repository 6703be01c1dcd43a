#include "output.h"

#include <algorithm>
#include <unordered_map>

#include <fmt/format.h>

#include "gbuild/base/binary.h"
#include "gbuild/base/text.h"
#include "gbuild/golem/container_config.h"
#include "gbuild/golem/numeric_user.h"
#include "gbuild/golem/vm_contract.h"
#include "stages.h"

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
        return instruction == "VOLUME" ? plan::place_of_volume(plan, volume) : plan::place_of(plan, instruction);
    };
}

}  // namespace

std::filesystem::path output_path(const BuildOptions& options) {
    if (options.output) return *options.output;
    if (options.tags.empty())
        throw Error(ErrorKind::usage, "the image has no name").hint("give one with -t, or a file with -o");
    const auto& name = options.tags.front();
    std::string file = name.repository + "-" + name.tag + ".gvmi";
    std::replace(file.begin(), file.end(), '/', '-');
    return file;
}

BuildResult write_output(tree::Tree tree, AtomicFile& file, const OutputJob& job) {
    BuildResult result;
    result.file = std::filesystem::absolute(file.target()).lexically_normal();
    const plan::Stage& target = job.plan.stages.back();
    result.config = target.config();
    result.config.user = numeric_user(result.config.user, tree, job);
    tree.apply(golem::missing_entries(tree, result.config, job.epoch));
    for (const Warning& warning : golem::check_contract(tree, result.config, places_in(job.plan))) {
        job.events.emit(warning);
    }

    oci::ImageConfig image{target.platform, job.epoch, "", result.config, {tree_digest(tree, job.packs)}};
    result.image_id = std::string(Digest::of(oci::to_json(image)).hex());

    pack::WriteImageJob write;
    write.superblock_time = job.epoch;
    write.trailer_json = golem::to_trailer_json(result.config, result.image_id);
    write.threads = job.jobs;
    write.stop = job.stop;
    constexpr int transfer = 0;  // layers count from 1
    job.events.emit(TransferStarted{transfer, 0, result.file.filename().native(), "writing", 0});
    write.progress = [&](uint64_t done, uint64_t) { job.events.emit(TransferProgress{transfer, done}); };
    pack::ImageSummary summary = with_context([&] { return fmt::format("writing {}", quoted(file.target().native())); },
                                              [&] { return pack::write_image(tree, job.packs, write, file.fd()); });
    file.commit();
    job.events.emit(TransferFinished{transfer, false});

    warn_of_dropped_xattrs(summary.dropped_xattrs, job.events);
    result.size = summary.file_size;
    result.sha3 = summary.sha3;
    result.inodes = summary.inode_count;
    return result;
}

}  // namespace gbuild::build
