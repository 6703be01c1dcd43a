#include "loaded_library.h"

#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <libdeflate.h>
#include <link.h>

#include <cstring>
#include <optional>

#include "gbuild/base/digest.h"
#include "gbuild/base/fd.h"
#include "gbuild/base/text.h"

namespace gbuild::pack {

namespace {

constexpr size_t digits = 16;
constexpr size_t largest_library = size_t{64} << 20;

constexpr uint64_t aligned(uint64_t size) { return (size + 3) / 4 * 4; }

// The object that an address is in, and what its linker called this build of it.
struct Search {
    uintptr_t address = 0;
    bool found = false;
    std::string build_id;
};

// The loader has checked what is mapped; only the note's own sizes are looked at here.
std::string build_id_in(const std::byte* notes, uint64_t size) {
    while (size >= sizeof(ElfW(Nhdr))) {
        ElfW(Nhdr) note;
        std::memcpy(&note, notes, sizeof note);
        const uint64_t name = aligned(note.n_namesz), value = aligned(note.n_descsz);
        if (name > size - sizeof note || value > size - sizeof note - name) break;
        const std::byte* text = notes + sizeof note;
        if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 && std::memcmp(text, "GNU", 4) == 0) {
            return to_hex({text + name, note.n_descsz});
        }
        notes += sizeof note + name + value;
        size -= sizeof note + name + value;
    }
    return "";
}

int visit(dl_phdr_info* object, size_t, void* data) {
    auto& search = *static_cast<Search*>(data);
    std::string build_id;
    bool is_here = false;
    for (const ElfW(Phdr) & part : std::span(object->dlpi_phdr, object->dlpi_phnum)) {
        const uintptr_t start = object->dlpi_addr + part.p_vaddr;
        if (part.p_type == PT_LOAD && search.address >= start && search.address - start < part.p_memsz) is_here = true;
        if (part.p_type == PT_NOTE && build_id.empty()) {
            // The loader tells addresses as numbers. NOLINTNEXTLINE(performance-no-int-to-ptr)
            build_id = build_id_in(reinterpret_cast<const std::byte*>(start), part.p_memsz);
        }
    }
    if (!is_here) return 0;
    search.found = true;
    search.build_id = build_id;
    return 1;
}

LoadedLibrary find_libdeflate() {
    // By name: the address that the linker takes may be the program's own.
    void* function = ::dlsym(RTLD_DEFAULT, "libdeflate_alloc_compressor");
    Dl_info info{};
    if (!function || ::dladdr(function, &info) == 0 || !info.dli_fname) return {LIBDEFLATE_VERSION_STRING, ""};
    Search search{reinterpret_cast<uintptr_t>(function), false, ""};
    ::dl_iterate_phdr(&visit, &search);
    std::string build = search.build_id;
    if (build.size() < digits) {
        const UniqueFd file = open_file(info.dli_fname, O_RDONLY);
        build = Digest::of(read_text(file.get(), largest_library, quoted(info.dli_fname))).hex();
    }
    return {build.substr(0, digits), info.dli_fname};
}

}  // namespace

const LoadedLibrary& libdeflate_in_use() {
    static const LoadedLibrary library = find_libdeflate();
    return library;
}

}  // namespace gbuild::pack
