#include "machine_settings.h"

#include <sys/stat.h>

#include <algorithm>

#include <fmt/format.h>

#include "gbuild/base/text.h"
#include "gbuild/cli/build_settings.h"
#include "gbuild/cli/display.h"
#include "gbuild/cli/image_argument.h"
#include "gbuild/golem/container_config.h"
#include "gbuild/golem/volumes.h"
#include "gbuild/pack/image_reader.h"
#include "gbuild/provider/cpus.h"
#include "gbuild/sandbox/probe.h"

namespace gbuild::cli {

namespace {

constexpr uint64_t least_memory = 64u << 20;

uint64_t parse_memory(const std::string& text) {
    const auto size = parse_size(text);
    if (!size || *size < least_memory) {
        throw Error(ErrorKind::usage, fmt::format("--memory: {} is not a size of at least 64M", quoted(text)))
            .hint("write 512M or 2G");
    }
    return *size;
}

unsigned parse_cpus(const std::string& text) {
    constexpr uint64_t most = 255;
    const auto count = parse_decimal(text);
    if (!count || *count == 0 || *count > most) {
        throw Error(ErrorKind::usage, fmt::format("--cpus: {} is not a number from 1 to {}", quoted(text), most));
    }
    return static_cast<unsigned>(*count);
}

// A colon may be in either of the two names; the one in front of an absolute path is meant.
Transfer split_before_path(const std::string& text, const char* option, const char* form) {
    const size_t colon = text.rfind(":/");
    if (colon == std::string::npos || colon == 0) {
        throw Error(ErrorKind::usage, fmt::format("{}: {} is not {}", option, quoted(text), form))
            .hint("PATH is absolute, and in the machine");
    }
    return {text.substr(0, colon), text.substr(colon + 1)};
}

void add_volumes(provider::MachineSettings& settings, const std::vector<std::string>& given) {
    for (const std::string& path : settings.config.volumes) settings.volumes[path] = "";
    for (const std::string& text : given) {
        Transfer volume = split_before_path(text, "--volume", "HOST:PATH");
        const std::string path = golem::clean_volume(volume.path);
        const std::filesystem::path directory = std::filesystem::absolute(volume.file);
        if (!std::filesystem::is_directory(directory)) {
            throw Error(ErrorKind::not_found, fmt::format("--volume: there is no directory {}", quoted(volume.file)));
        }
        settings.volumes[path] = directory.native();
    }
    if (settings.volumes.size() > golem::max_volumes) {
        throw Error(ErrorKind::limit, fmt::format("{} volumes, and a provider's VM has room for {}",
                                                  settings.volumes.size(), golem::max_volumes));
    }
}

std::unique_ptr<sandbox::Sandbox> make_sandbox(const store::Store& store, unsigned cpus) {
    const provider::ScopedCpus some(cpus);
    return std::make_unique<sandbox::Sandbox>(sandbox::choose_isolation(std::nullopt, store.staging()));
}

}  // namespace

void MachineOptions::declare(OptionSet& options) {
    options.group("The machine");
    options.choice("--engine", {"auto", "vm", "sandbox"}, engine,
                   "a virtual machine (QEMU), or namespaces of this machine; auto takes the former where it can start");
    options.list("-v,--volume", "HOST:PATH", volumes,
                 "a directory of this machine as the volume PATH; others are empty ones of their own");
    options.value("-m,--memory", "SIZE", memory, "memory of the VM; the root has half of it (runtime 0.4: 128 MiB)");
    options.value("--cpus", "N", cpus, "processors of the VM");
    options.flag("--outbound", outbound, "let it reach the network, as a manifest with outbound access does");
    options.choice("--runtime-version", {"0.4", "0.5"}, runtime, "the provider's runtime whose ways are followed");
    options.value("--kernel", "FILE", kernel, "kernel of the VM (default: this machine's)");
    options.value("--modules", "DIR", modules, "that kernel's modules");
    options.value("--runtime", "DIR", runtime_directory,
                  "an installed ya-runtime-vm, whose kernel and init are used instead of gbuild's own");
    options.group("Options");
    options.flag("-q,--quiet", quiet, "say nothing but errors");
    declare_root(options, root);
}

provider::MachineSettings MachineOptions::settings() const {
    provider::MachineSettings settings;
    settings.memory = parse_memory(memory);
    settings.limits_memory = memory != MachineOptions().memory;
    settings.cpus = parse_cpus(cpus);
    settings.outbound = outbound;
    settings.runtime = runtime == "0.4" ? provider::Runtime::v0_4 : provider::Runtime::v0_5;
    settings.image = std::filesystem::absolute(find_image_argument(image, store_root(root)).file).native();
    settings.config = golem::parse_trailer_json(pack::ImageReader(settings.image).trailer_json()).config;
    add_volumes(settings, volumes);
    return settings;
}

std::optional<provider::VmParts> MachineOptions::vm_parts(const std::function<void(const std::string&)>& chosen) const {
    const bool names_parts = !kernel.empty() || !modules.empty() || !runtime_directory.empty();
    if (kernel.empty() != modules.empty()) {
        throw Error(ErrorKind::usage, "--kernel and --modules go together").hint("modules fit one kernel only");
    }
    if (engine == "sandbox") {
        if (!names_parts) return std::nullopt;
        throw Error(ErrorKind::usage, "--kernel, --modules and --runtime are for a virtual machine")
            .hint("leave them out, or give --engine vm");
    }
    provider::VmSearch found = provider::find_vm({kernel, modules, runtime_directory});
    if (!found.parts && (engine == "vm" || names_parts)) {
        throw Error(ErrorKind::unsupported, fmt::format("no virtual machine can be started: {}", found.lacking))
            .hint("--engine sandbox needs neither QEMU nor a kernel");
    }
    chosen(found.parts ? fmt::format("this is {}", provider::describe(*found.parts))
                       : fmt::format("this is a sandbox, not a virtual machine: {}", found.lacking));
    return found.parts;
}

Transfer parse_transfer_in(const std::string& text) { return split_before_path(text, "--input", "FILE:PATH"); }

Transfer parse_transfer_out(const std::string& text) {
    const size_t colon = text.find(':', text.starts_with('/') ? 1 : text.size());
    if (colon == std::string::npos || colon + 1 == text.size()) {
        throw Error(ErrorKind::usage, fmt::format("--output: {} is not PATH:FILE", quoted(text)))
            .hint("PATH is absolute, and in the machine");
    }
    return {text.substr(colon + 1), text.substr(0, colon)};
}

MachineRig::MachineRig(const MachineOptions& options, Console& console) :
    console_(console),
    quiet_(options.quiet),
    settings_(options.settings()),
    vm_(options.vm_parts([&](const std::string& text) { notice(text); })),
    store_(store_root(options.root)),
    sandbox_(vm_ ? nullptr : make_sandbox(store_, settings_.cpus)),
    sweeper_(store_),
    place_(store_.staging()) {
    make_volumes();
}

MachineRig::~MachineRig() = default;

void MachineRig::make_volumes() {
    int number = 0;
    for (auto& [path, directory] : settings_.volumes) {
        const bool declared = settings_.config.volumes.contains(path);
        if (!declared) notice(fmt::format("the image declares no volume {}: a provider would not have it", path));
        if (!directory.empty()) continue;
        directory = place_.path() / fmt::format("volume-{}", number++);
        if (::mkdir(directory.c_str(), 0755) != 0 || ::chmod(directory.c_str(), 0755) != 0) {
            throw_errno("cannot create a volume");
        }
    }
}

std::unique_ptr<provider::Machine> MachineRig::make_machine(std::stop_token stop) {
    if (vm_) return provider::start_vm(settings_, *vm_, std::move(stop));
    const auto extracting = [&] { notice("extracting the image, once"); };
    image_.emplace(provider::extract_image(settings_.image, store_, *sandbox_, extracting, stop));
    const std::filesystem::path root = place_.path() / "root";
    if (::mkdir(root.c_str(), 0755) != 0) throw_errno("cannot create a directory for the root");
    return provider::start_sandbox(
        settings_, *image_, *sandbox_, root, [&](const std::string& text) { notice(text); }, std::move(stop));
}

provider::Guest& MachineRig::start(std::stop_token stop) {
    machine_ = make_machine(std::move(stop));
    machine_->prepare();
    return machine_->guest();
}

int MachineRig::with_machine(const std::function<int()>& body) {
    try {
        return body();
    } catch (Error& error) {
        if (!machine_ || !machine_->guest().is_gone()) throw;
        const std::string reason = machine_->last_words();
        throw Error(ErrorKind::io, reason.empty() ? "the machine has ended"
                                                  : fmt::format("the machine has ended: {}", printable(reason)))
            .hint("a provider would say no more than that the activity is broken");
    }
}

void MachineRig::notice(const std::string& text) const {
    if (!quiet_) console_.err.write(fmt::format("gbuild: {}\n", safe_text(text)));
}

void MachineRig::hint(const std::string& text) const {
    if (!quiet_) console_.err.write(fmt::format("gbuild: hint: {}\n", safe_text(text)));
}

}  // namespace gbuild::cli
