// A machine made with QEMU: the image as a provider's VM has it, a kernel and an init.
#pragma once

#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "gbuild/provider/machine.h"

namespace gbuild::provider {

// What a VM can be started with.
struct VmParts {
    std::string kernel;                    // a file
    std::string modules;                   // a directory; for gbuild's own init
    std::optional<std::string> initramfs;  // that of a provider's runtime, with its own init
    bool hardware = false;                 // KVM can be used
};

struct VmRequest {
    std::string kernel, modules;  // "": this machine's
    std::string runtime;          // directory of an installed ya-runtime-vm; "": gbuild's own init
};

struct VmSearch {
    std::optional<VmParts> parts;
    std::string lacking;  // without parts: what a VM would take, and is not there
};
// Throws not_found for what the request names and is not there.
VmSearch find_vm(const VmRequest& request);

// "a virtual machine (KVM, Linux of this machine)" for people.
std::string describe(const VmParts& parts);

// Throws io; unsupported for what the runtime's own init cannot do.
std::unique_ptr<Machine> start_vm(const MachineSettings& settings, const VmParts& parts, std::stop_token stop);

}  // namespace gbuild::provider
