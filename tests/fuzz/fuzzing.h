// What the harnesses have in common: an input that is refused is as good as one that is taken; a crash, a leak,
// undefined behaviour, any other exception or an internal error is a finding.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "gbuild/base/byte_source.h"
#include "gbuild/base/error.h"
#include "gbuild/base/fd.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace gbuild::fuzz {

inline std::string_view text_of(const uint8_t* data, size_t size) {
    return {reinterpret_cast<const char*>(data), size};
}

template <class Body>
int with_input(Body&& body) {
    try {
        body();
    } catch (const Error& error) {
        if (error.kind() == ErrorKind::internal) std::abort();
    }
    return 0;
}

inline UniqueFd file_of(std::string_view bytes) {
    UniqueFd fd(::memfd_create("input", MFD_CLOEXEC));
    if (!fd) std::abort();
    write_all(fd.get(), bytes);
    return fd;
}

// Pieces of an odd size, so that nothing is whole by chance. The bytes must outlive it.
inline std::unique_ptr<ByteSource> source_of(std::string_view bytes) {
    return std::make_unique<MemorySource>(as_bytes(bytes), 509);
}

}  // namespace gbuild::fuzz
