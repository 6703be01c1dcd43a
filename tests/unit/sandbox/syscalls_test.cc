#include "sandbox/syscalls.h"

#include <cstdint>

#include <linux/audit.h>
#include <sys/syscall.h>

#include "support/catch.h"

using namespace gbuild::sandbox;

TEST_CASE("calls are known by the numbers of each interface") {
    const SyscallTable table;
    auto at = [&](uint32_t arch, int number) {
        const SyscallEntry* entry = table.find(arch, number);
        REQUIRE(entry != nullptr);
        return *entry;
    };
    CHECK(at(AUDIT_ARCH_X86_64, SYS_fchownat).syscall->call == Call::fchownat);
    CHECK(at(AUDIT_ARCH_X86_64, SYS_fchownat).abi == Abi::x86_64);
    CHECK_FALSE(at(AUDIT_ARCH_X86_64, SYS_chown).narrow);
    constexpr int i386_chown = 182, i386_chown32 = 212, i386_stat64 = 195, x32 = 0x40000000;
    CHECK(at(AUDIT_ARCH_I386, i386_chown).narrow);
    CHECK(at(AUDIT_ARCH_I386, i386_chown32).syscall->call == Call::chown);
    CHECK_FALSE(at(AUDIT_ARCH_I386, i386_chown32).narrow);
    CHECK(at(AUDIT_ARCH_I386, i386_stat64).syscall->call == Call::stat);
    CHECK(at(AUDIT_ARCH_X86_64, x32 | SYS_chown).abi == Abi::x32);
    for (int number : {SYS_read, SYS_openat2 + 1000, x32 | SYS_read, -1}) {
        CAPTURE(number);
        CHECK(table.find(AUDIT_ARCH_X86_64, number) == nullptr);
        CHECK(table.find(AUDIT_ARCH_I386, -1) == nullptr);
    }
}
