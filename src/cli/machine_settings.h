// The options of commands that start a machine from an image, and that machine.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "gbuild/base/atomic_file.h"
#include "gbuild/cli/console.h"
#include "gbuild/cli/options.h"
#include "gbuild/provider/command.h"
#include "gbuild/provider/machine.h"
#include "gbuild/provider/sweeper.h"
#include "gbuild/provider/transfer.h"
#include "gbuild/provider/vm.h"

namespace gbuild::cli {

struct MachineOptions {
    std::string image, root, memory = "1G", cpus = "1", runtime = "0.5", engine = "auto";
    std::string kernel, modules, runtime_directory;
    std::vector<std::string> volumes;
    bool outbound = false, quiet = false;

    void declare(OptionSet& options);
    // Throws usage, and what finding and reading the image throws. No directory stands for a volume yet that --volume
    // does not give one.
    provider::MachineSettings settings() const;
    // What a virtual machine is to be made of; nullopt for a sandbox. `chosen` gets which it is, and why, where the
    // user left it open. Throws unsupported where there has to be a virtual machine and cannot be one.
    std::optional<provider::VmParts> vm_parts(const std::function<void(const std::string&)>& chosen) const;
};

// A transfer as it is written: FILE:PATH, or PATH:FILE.
struct Transfer {
    std::string file;  // here
    std::string path;  // in the machine
};
// Throw usage.
Transfer parse_transfer_in(const std::string& text);
Transfer parse_transfer_out(const std::string& text);

// A machine, and what it needs on this one: gone with it.
class MachineRig {
  public:
    // To be made while the process has one thread. Throws what MachineOptions::settings() does; unsupported.
    MachineRig(const MachineOptions& options, Console& console);
    ~MachineRig();
    MachineRig(const MachineRig&) = delete;
    MachineRig& operator=(const MachineRig&) = delete;

    const provider::MachineSettings& settings() const { return settings_; }
    provider::Guest& start(std::stop_token stop);
    // Calls `body`; when the machine ends meanwhile, the error says why.
    int with_machine(const std::function<int()>& body);
    void notice(const std::string& text) const;
    void hint(const std::string& text) const;

  private:
    void make_volumes();
    std::unique_ptr<provider::Machine> make_machine(std::stop_token stop);

    Console& console_;
    bool quiet_;
    provider::MachineSettings settings_;
    std::optional<provider::VmParts> vm_;
    store::Store store_;
    std::unique_ptr<sandbox::Sandbox> sandbox_;  // null: a virtual machine
    provider::Sweeper sweeper_;
    TempDir place_;
    std::optional<provider::ExtractedImage> image_;
    std::unique_ptr<provider::Machine> machine_;
};

}  // namespace gbuild::cli
