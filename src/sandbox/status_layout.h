// What stat(2) writes, as each interface of the kernel has it.
#pragma once

#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace gbuild::sandbox {

enum class StatusLayout : uint8_t {
    native,    // x86-64's, and x32's
    i386_64,   // stat64
    i386,      // ids of 16 bits
    i386_old,  // oldstat
};

std::vector<std::byte> encode_status(const struct stat& status, StatusLayout layout);

// An id in 16 bits: the kernel's overflow id when it does not fit.
uint16_t narrow_id(uint32_t id);

}  // namespace gbuild::sandbox
