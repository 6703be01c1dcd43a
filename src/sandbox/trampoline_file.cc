#include "trampoline_file.h"

#include <fcntl.h>
#include <sys/mman.h>

#include <cerrno>
#include <span>

#include "stage.h"

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif

// cmake/trampoline.cmake builds it and says where it is.
asm(".pushsection .rodata\n"
    ".globl gbuild_trampoline_begin\n"
    ".globl gbuild_trampoline_end\n"
    "gbuild_trampoline_begin:\n"
    ".incbin \"" GBUILD_TRAMPOLINE "\"\n"
    "gbuild_trampoline_end:\n"
    ".popsection\n");

extern "C" const std::byte gbuild_trampoline_begin[], gbuild_trampoline_end[];

namespace gbuild::sandbox {

UniqueFd make_trampoline_file() {
    constexpr unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
    UniqueFd file(::memfd_create("step", flags | MFD_EXEC));
    if (!file && errno == EINVAL) file = UniqueFd(::memfd_create("step", flags));  // before Linux 6.3
    if (!file) fail_stage("memfd_create of a program (is the sysctl vm.memfd_noexec 2?)");
    write_all(file.get(), std::span(gbuild_trampoline_begin, gbuild_trampoline_end));
    constexpr int seals = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL;
    check_stage(::fcntl(file.get(), F_ADD_SEALS, seals), "fcntl(F_ADD_SEALS)");
    return file;
}

}  // namespace gbuild::sandbox
