#include <fcntl.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/process.h"
#include "gbuild/base/text.h"
#include "gbuild/provider/vm.h"
#include "qemu.h"

namespace gbuild::provider {

namespace {

namespace fs = std::filesystem;

// Some machines that are virtual themselves offer KVM, but not all that QEMU asks of it: tried out, with a machine that
// does not begin to run.
bool qemu_takes_kvm() {
    CommandOptions options;
    options.input = "quit\n";
    options.timeout = std::chrono::seconds(20);
    try {
        return run_command({qemu_program, "-nodefaults", "-no-user-config", "-display", "none", "-machine",
                            "pc,accel=kvm", "-cpu", "host", "-m", "64M", "-S", "-monitor", "stdio"},
                           options)
                   .exit_code == 0;
    } catch (const Error&) {
        return false;
    }
}

// Whether a VM can be made, not only asked for.
bool kvm_works() {
    const UniqueFd kvm(::open("/dev/kvm", O_RDWR | O_CLOEXEC));
    if (!kvm) return false;
    const UniqueFd machine(::ioctl(kvm.get(), KVM_CREATE_VM, 0));
    if (!machine) return false;
    return UniqueFd(::ioctl(machine.get(), KVM_CREATE_VCPU, 0)) && qemu_takes_kvm();
}

bool is_on_path(const char* program) {
    const char* path = ::getenv("PATH");
    for (const std::string& directory : split(path == nullptr ? "/usr/bin:/bin" : path, ':')) {
        if (::access((directory + "/" + program).c_str(), X_OK) == 0) return true;
    }
    return false;
}

void require(const std::string& path, const char* option) {
    if (::access(path.c_str(), R_OK) == 0) return;
    throw system_error(errno, fmt::format("{}: cannot read {}", option, quoted(path)));
}

VmParts runtime_parts(const std::string& directory) {
    for (const std::string& place : {directory, directory + "/runtime"}) {
        VmParts parts;
        parts.kernel = place + "/vmlinuz-virt";
        parts.initramfs = place + "/initramfs.cpio.gz";
        if (::access(parts.kernel.c_str(), R_OK) == 0 && ::access(parts.initramfs->c_str(), R_OK) == 0) return parts;
    }
    throw Error(ErrorKind::not_found,
                fmt::format("--runtime: there is no vmlinuz-virt with an initramfs.cpio.gz in {}", quoted(directory)))
        .hint("give the directory of the plugin ya-runtime-vm, below ~/.local/lib/yagna/plugins");
}

// The kernel that runs, else any that has modules.
std::optional<VmParts> parts_of_machine(std::string& lacking) {
    utsname system{};
    ::uname(&system);
    std::vector<std::string> releases = {static_cast<const char*>(system.release)};
    std::error_code error;
    for (const auto& entry : fs::directory_iterator("/lib/modules", error)) releases.push_back(entry.path().filename());
    for (const std::string& release : releases) {
        VmParts parts;
        parts.kernel = "/boot/vmlinuz-" + release;
        parts.modules = "/lib/modules/" + release;
        if (::access(parts.kernel.c_str(), F_OK) != 0 || ::access(parts.modules.c_str(), R_OK) != 0) continue;
        if (::access(parts.kernel.c_str(), R_OK) == 0) return parts;
        lacking = fmt::format("{} cannot be read: {}", parts.kernel, ::strerror(errno));
    }
    if (lacking.empty()) lacking = "there is no kernel in /boot with its modules; --kernel and --modules name others";
    return std::nullopt;
}

}  // namespace

VmSearch find_vm(const VmRequest& request) {
    VmSearch found;
    if (!is_on_path(qemu_program)) return {std::nullopt, fmt::format("{} is not installed", qemu_program)};
    if (!request.runtime.empty()) {
        found.parts = runtime_parts(request.runtime);
    } else if (!request.kernel.empty()) {
        require(request.kernel, "--kernel");
        require(request.modules, "--modules");
        found.parts = VmParts{request.kernel, request.modules, std::nullopt, false};
    } else {
        found.parts = parts_of_machine(found.lacking);
    }
    if (found.parts) found.parts->hardware = kvm_works();
    return found;
}

std::string describe(const VmParts& parts) {
    return fmt::format("a virtual machine ({}, {})",
                       parts.hardware ? "KVM" : "software emulation, for KVM cannot be used",
                       parts.initramfs ? "the runtime's kernel and init" : parts.kernel);
}

}  // namespace gbuild::provider
