#include <sys/stat.h>

#include <algorithm>
#include <exception>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "gbuild/base/child.h"
#include "gbuild/base/error.h"
#include "gbuild/base/rooted.h"
#include "gbuild/base/text.h"
#include "gbuild/provider/machine.h"
#include "gbuild/sandbox/cgroup.h"
#include "init_program.h"
#include "last_words.h"
#include "nameservers.h"
#include "volume_path.h"

namespace gbuild::provider {

namespace {

using Notice = std::function<void(const std::string&)>;

// What the image has at these places is not to be seen in a provider's VM.
void mask(sandbox::Step& step) {
    sandbox::StepMount memory;
    memory.kind = sandbox::StepMount::Kind::tmpfs;
    memory.target = "/tmp";
    step.mounts.push_back(std::move(memory));
}

void add_volumes(sandbox::Step& step, const MachineSettings& settings, const std::string& root) {
    const RootedDir files(root);
    for (const auto& [path, directory] : settings.volumes) {
        require_mountable(path, files);
        sandbox::StepMount volume;
        volume.target = path;
        volume.layers = {directory};
        step.mounts.push_back(std::move(volume));
    }
}

void require_own_directories(const std::string& root) {
    const RootedDir files(root);
    for (const char* path : {"proc", "sys", "etc"}) {
        const auto status = files.lstat(path);
        if (status && S_ISDIR(status->st_mode)) continue;
        throw Error(ErrorKind::unsupported,
                    fmt::format("the image has no directory /{}, without which no provider's VM starts", path))
            .hint("build it with gbuild, which adds what the VM needs");
    }
}

class SandboxMachine final : public Machine {
  public:
    SandboxMachine(sandbox::Sandbox& sandbox, sandbox::Step step, std::unique_ptr<sandbox::Cgroup> limits,
                   std::stop_token stop) :
        limits_(std::move(limits)),
        pair_(make_stream_pair()),
        guest_(std::move(pair_.ours), Dialect::own, std::move(stop)),
        thread_([this, &sandbox, step = std::move(step)](const std::stop_token& stopped) {
            run(sandbox, step, stopped);
        }) {}
    SandboxMachine(const SandboxMachine&) = delete;
    SandboxMachine& operator=(const SandboxMachine&) = delete;

    Guest& guest() override { return guest_; }

    void prepare() override {}  // they are mounted by now

    std::string last_words() override {
        if (thread_.joinable()) thread_.join();
        if (failure_) std::rethrow_exception(failure_);
        return said_;
    }

  private:
    // Closes the init's end of the channel when it returns, whatever happens: the other end notices.
    void run(sandbox::Sandbox& sandbox, const sandbox::Step& step, const std::stop_token& stop) {
        try {
            const auto take = [this](std::string_view text) { console_.add(text); };
            const sandbox::StepResult result = sandbox.run(step, take, stop, std::move(pair_.theirs));
            said_ = result.problem.empty() ? console_.reason() : result.problem;
        } catch (...) {
            pair_.theirs.reset();
            failure_ = std::current_exception();
        }
    }

    std::unique_ptr<sandbox::Cgroup> limits_;
    StreamPair pair_;
    Guest guest_;
    LastWords console_;
    std::string said_;
    std::exception_ptr failure_;
    std::jthread thread_;  // its end is that of all the above
};

std::unique_ptr<sandbox::Cgroup> limits_of(const MachineSettings& settings, const Notice& notice) {
    if (!settings.limits_memory) return nullptr;
    try {
        return std::make_unique<sandbox::Cgroup>(sandbox::Limits{settings.memory, std::nullopt});
    } catch (const Error& error) {
        notice(fmt::format("--memory limits only what the root has room for: {}", error.message()));
        return nullptr;
    }
}

}  // namespace

std::unique_ptr<Machine> start_sandbox(const MachineSettings& settings, const ExtractedImage& image,
                                       sandbox::Sandbox& sandbox, const std::filesystem::path& place,
                                       const Notice& notice, std::stop_token stop) {
    if (!sandbox.has_overlay()) {
        throw Error(ErrorKind::unsupported,
                    fmt::format("the root of a provider's VM takes overlayfs, which is not to be had here: {}",
                                sandbox.shortcoming()))
            .hint("gbuild doctor tells what this machine lacks");
    }
    require_own_directories(image.root);
    sandbox::Step step;
    step.root.layers = {image.root};
    step.root.directory = place.native();
    step.root.memory = root_size(settings);
    step.command = {"/dev/pipes/init", "sandbox", "hostname=" + settings.hostname};
    if (settings.outbound) {
        for (const std::string& server : nameservers()) step.command.push_back("gbuild.nameserver=" + server);
    }
    step.scripts = {{"init", std::string(init_program())}};
    step.hostname = settings.hostname;
    step.network = settings.outbound ? sandbox::Network::host : sandbox::Network::none;
    step.owners = image.owners;
    step.has_devices = image.has_devices;
    mask(step);
    add_volumes(step, settings, image.root);
    auto limits = limits_of(settings, notice);
    if (limits) step.cgroup = limits->directory();
    return std::make_unique<SandboxMachine>(sandbox, std::move(step), std::move(limits), std::move(stop));
}

}  // namespace gbuild::provider
