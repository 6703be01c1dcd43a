#include "initramfs.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <fmt/format.h>

#include "init_program.h"

namespace gbuild::provider {

void CpioWriter::directory(std::string_view name) { entry(name, S_IFDIR | 0755, ""); }

void CpioWriter::file(std::string_view name, std::string_view contents, uint32_t mode) {
    entry(name, S_IFREG | mode, contents);
}

void CpioWriter::char_device(std::string_view name, uint32_t major, uint32_t minor) {
    entry(name, S_IFCHR | 0600, "", major, minor);
}

std::string CpioWriter::finish() {
    entry("TRAILER!!!", 0, "");
    return std::move(bytes_);
}

void CpioWriter::entry(std::string_view name, uint32_t mode, std::string_view contents, uint32_t major,
                       uint32_t minor) {
    // Inode, mode, owner, group, links, time, size, device of the archive, device, length of the name, no checksum.
    bytes_ += fmt::format("070701{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}",
                          ++inode_, mode, 0, 0, 1, 0, contents.size(), 0, 0, major, minor, name.size() + 1, 0);
    bytes_ += name;
    bytes_ += '\0';
    pad();
    bytes_ += contents;
    pad();
}

void CpioWriter::pad() {
    while (bytes_.size() % 4 != 0) bytes_ += '\0';
}

std::string make_initramfs(const std::vector<KernelModule>& modules) {
    CpioWriter archive;
    for (const char* name : {"dev", "proc", "sys", "lower", "memory", "root", "modules"}) archive.directory(name);
    archive.char_device("dev/console", 5, 1);
    archive.file("init", init_program(), 0755);
    std::string order;
    for (const KernelModule& module : modules) {
        archive.file("modules/" + module.name, module.contents, 0644);
        order += module.name + "\n";
    }
    archive.file("modules/order", order, 0644);
    return archive.finish();
}

}  // namespace gbuild::provider
