#include "../../../src/provider/initramfs.h"

#include <filesystem>
#include <fstream>

#include "gbuild/base/atomic_file.h"
#include "support/catch.h"

namespace gbuild::provider {

namespace {

void write_module(const std::filesystem::path& path, const std::string& depends) {
    std::filesystem::create_directories(path.parent_path());
    std::ofstream file(path, std::ios::binary);
    file << "\177ELF" << '\0' << "license=GPL" << '\0' << "depends=" << depends << '\0' << "name=x" << '\0';
}

std::vector<std::string> module_order(const std::vector<KernelModule>& modules) {
    std::vector<std::string> names;
    for (const KernelModule& module : modules) names.push_back(module.name);
    return names;
}

}  // namespace

TEST_CASE("an archive in cpio's newc form, byte for byte") {
    CpioWriter archive;
    archive.directory("dev");
    archive.char_device("dev/console", 5, 1);
    archive.file("init", "hello", 0755);
    const std::string bytes = archive.finish();
    const std::string directory =
        "07070100000001000041ed0000000000000000000000010000000000000000000000000000000000000000"
        "000000000000000400000000";
    const std::string file = "07070100000003000081ed0000000000000000000000010000000000000005000000000000000000000000"
                             "000000000000000500000000";
    using namespace std::string_literals;
    CHECK(bytes.starts_with(directory + "dev\0\0\0"s));
    CHECK(bytes.find(file + "init\0\0hello\0\0\0"s) != std::string::npos);
    CHECK(bytes.find("0000000000000005000000010000000c00000000dev/console\0"s) != std::string::npos);
    CHECK(bytes.find("TRAILER!!!") != std::string::npos);
    CHECK(bytes.size() % 4 == 0);
}

TEST_CASE("modules come behind those that they need, once each") {
    const TempDir place;
    write_module(place.path() / "drivers/virtio/virtio_pci.ko", "virtio,virtio_ring");
    write_module(place.path() / "drivers/virtio/virtio.ko", "");
    write_module(place.path() / "drivers/virtio/virtio_ring.ko", "virtio");
    write_module(place.path() / "fs/9p-fs.ko", "virtio");
    write_module(place.path() / "fs/notes.txt", "");
    const auto modules = find_modules(place.path(), {"virtio-pci", "9p_fs", "built_in", "virtio_pci"});
    CHECK(module_order(modules) == std::vector<std::string>{"virtio", "virtio_ring", "virtio_pci", "9p_fs"});
    CHECK(modules.front().contents.starts_with("\177ELF"));
}

TEST_CASE("modules that need each other are no endless search") {
    const TempDir place;
    write_module(place.path() / "a.ko", "b");
    write_module(place.path() / "b.ko", "a");
    CHECK(module_order(find_modules(place.path(), {"a"})) == std::vector<std::string>{"b", "a"});
}

}  // namespace gbuild::provider
