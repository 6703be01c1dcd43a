#include "init_program.h"

// The assembler finds the file where the build left it.
__asm__(".pushsection .rodata\n"
        ".balign 16\n"
        "gbuild_init_begin:\n"
        ".incbin \"" GBUILD_INIT_PROGRAM "\"\n"
        "gbuild_init_end:\n"
        ".byte 0\n"
        ".popsection\n");

extern "C" {
extern const char gbuild_init_begin[] __attribute__((visibility("hidden")));
extern const char gbuild_init_end[] __attribute__((visibility("hidden")));
}

namespace gbuild::provider {

std::string_view init_program() {
    return {gbuild_init_begin, static_cast<size_t>(gbuild_init_end - gbuild_init_begin)};
}

}  // namespace gbuild::provider
