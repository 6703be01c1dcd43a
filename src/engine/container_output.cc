#include "container_output.h"

#include <unistd.h>

#include <array>

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/text.h"
#include "gbuild/golem/vm_contract.h"
#include "gbuild/layer/extract.h"

namespace gbuild::build {

namespace {

namespace fs = std::filesystem;
using Form = ContainerOutput::Form;

bool is_directory(const ContainerOutput& output) { return output.directory || output.form == Form::local; }

void warn_of_left_out(const std::vector<std::string>& left_out, const std::string& where, EventSink& events) {
    if (left_out.empty()) return;
    const std::string more = left_out.size() > 1 ? fmt::format(", and {} more", left_out.size() - 1) : "";
    events.emit(Warning{"output-left-out",
                        fmt::format("left out of {}: {}{}", where, printable(left_out.front()), more), std::nullopt,
                        ""});
}

std::string shown(const ContainerOutput& output) {
    return output.destination ? quoted(output.destination->native()) : "standard output";
}

uint64_t write_local(const tree::Tree& tree, const ContainerOutput& output, const ContainerJob& job) {
    pack::ContentReader contents(job.packs);
    layer::ExtractOptions options;  // as BuildKit has it, the files are the user's
    options.devices = ::geteuid() == 0;
    options.read = [&](const tree::Inode& inode, const auto& consume) { contents.read(inode.content, consume); };
    fs::create_directories(*output.destination);
    const auto summary = layer::extract_over(tree, RootedDir(*output.destination), options);
    warn_of_left_out(summary.skipped, shown(output), job.env.events);
    return summary.bytes;
}

// The steps that the Dockerfile has; a base's own are part of its tree only.
exporter::ImageRequest image_request(const ContainerJob& job) {
    const plan::Stage& target = job.plan.stages.back();
    exporter::ImageRequest request;
    request.config = {target.platform, job.epoch, target.author, target.config(), {}};
    request.annotations = job.options.annotations;
    request.descriptor_annotations = job.options.descriptor_annotations;
    for (const plan::Step* step : plan::steps_of_target(job.plan)) request.history.push_back(step->text);
    return request;
}

}  // namespace

ContainerOutputs::ContainerOutputs(const std::vector<ContainerOutput>& outputs) {
    targets_.reserve(outputs.size());
    for (const ContainerOutput& output : outputs) {
        if (is_directory(output)) continue;
        Target& target = targets_.emplace_back();
        target.output = output;
        if (output.destination) target.file.emplace(*output.destination);
    }
    // Directories are changed in place, so they come last: when a file cannot be written they are as they were.
    for (const ContainerOutput& output : outputs) {
        if (is_directory(output)) targets_.emplace_back().output = output;
    }
}

std::vector<fs::path> ContainerOutputs::paths() const {
    std::vector<fs::path> paths;
    for (const Target& target : targets_) {
        if (target.output.destination) paths.push_back(*target.output.destination);
        if (target.file && !target.file->temporary().empty()) paths.push_back(target.file->temporary());
    }
    return paths;
}

std::vector<WrittenOutput> ContainerOutputs::write_files(const tree::Tree& tree, const ContainerJob& job) {
    layers_.clear();
    std::vector<Target*> files;
    for (Target& target : targets_) {
        if (!is_directory(target.output)) files.push_back(&target);
    }
    return write_all_of(files, tree, job);
}

std::vector<WrittenOutput> ContainerOutputs::write_directories(const tree::Tree& tree, const ContainerJob& job) {
    std::vector<Target*> directories;
    for (Target& target : targets_) {
        if (is_directory(target.output)) directories.push_back(&target);
    }
    std::vector<WrittenOutput> written = write_all_of(directories, tree, job);
    layers_.clear();
    return written;
}

std::vector<WrittenOutput> ContainerOutputs::write_all_of(const std::vector<Target*>& targets,
                                                          const tree::Tree& target_tree, const ContainerJob& job) {
    std::vector<WrittenOutput> written;
    if (targets.empty()) return written;
    const exporter::ImageRequest request = image_request(job);
    tree::Tree tree = target_tree.clone();
    tree.apply(golem::missing_entries(tree, request.config.config, job.epoch));
    for (Target* target : targets) {
        const auto& destination = target->output.destination;
        const int transfer = -1 - static_cast<int>(target - targets_.data());  // layers count upwards
        const std::string name = destination ? destination->filename().native() : "output";
        job.env.events.emit(TransferStarted{transfer, 0, name, "writing", 0});
        written.push_back(with_context([&] { return fmt::format("writing {}", shown(target->output)); },
                                       [&] { return write_one(*target, tree, request, job); }));
        job.env.events.emit(TransferProgress{transfer, written.back().size});
        job.env.events.emit(TransferFinished{transfer, false});
    }
    return written;
}

WrittenOutput ContainerOutputs::write_one(Target& target, const tree::Tree& tree, exporter::ImageRequest request,
                                          const ContainerJob& job) {
    const ContainerOutput& output = target.output;
    WrittenOutput written{output, 0, {}, {}};
    if (!is_directory(output) && !target.file) target.spool = anonymous_file(job.env.store.staging());
    if (!is_directory(output) && (::ftruncate(target.fd(), 0) != 0 || ::lseek(target.fd(), 0, SEEK_SET) != 0)) {
        throw_errno("cannot begin the file anew");
    }
    const auto to_file = [&](std::span<const std::byte> bytes) {
        write_all(target.fd(), bytes);
        written.size += bytes.size();
    };
    if (output.form == Form::local) {
        written.size = write_local(tree, output, job);
        return written;
    }
    if (output.form == Form::tar) {
        const auto left_out = exporter::write_tar(tree, job.packs, exporter::TarUse::rootfs, job.env.stop, to_file);
        warn_of_left_out(left_out, shown(output), job.env.events);
        return written;
    }
    const StoredLayer& stored = layer_for(output, tree, job);
    warn_of_left_out(stored.layer.left_out, shown(output), job.env.events);
    request.names = output.names;
    const exporter::ContainerImage image = make_image(request, stored.layer, stored.file.get());
    written.config = image.config;
    written.manifest = image.manifest;
    if (output.directory) {
        write_layout(image, *output.destination);
        written.size = image.layer.size + image.config_json.size() + image.manifest_json.size();
    } else {
        const auto format = output.form == Form::oci ? exporter::ArchiveFormat::oci : exporter::ArchiveFormat::docker;
        write_archive(image, format, to_file);
    }
    return written;
}

const ContainerOutputs::StoredLayer& ContainerOutputs::layer_for(const ContainerOutput& output, const tree::Tree& tree,
                                                                 const ContainerJob& job) {
    const int level = output.compression_level.value_or(exporter::level_range(output.compression).standard);
    const auto [found, is_new] = layers_.try_emplace({output.compression, level});
    StoredLayer& stored = found->second;
    if (is_new) {
        stored.file = anonymous_file(job.env.store.staging());
        stored.layer = exporter::write_layer(tree, job.packs, {output.compression, level, job.env.jobs, job.env.stop},
                                             stored.file.get());
    }
    return stored;
}

void ContainerOutputs::pass_on(const std::function<void(std::span<const std::byte>)>& standard_output) const {
    for (const Target& target : targets_) {
        if (!target.spool) continue;
        std::array<std::byte, 1 << 16> buffer;
        const uint64_t size = file_size(target.spool.get());
        for (uint64_t at = 0; at < size;) {
            const size_t part = pread_full(target.spool.get(), buffer, at);
            if (part == 0) throw Error(ErrorKind::io, "a file of the build was cut short meanwhile");
            standard_output(std::span(buffer).first(part));
            at += part;
        }
    }
}

void ContainerOutputs::commit() {
    for (Target& target : targets_) {
        if (target.file) target.file->commit();
    }
}

}  // namespace gbuild::build
