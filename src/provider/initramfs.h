// The files that a kernel starts with.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gbuild/base/fd.h"

namespace gbuild::provider {

// An archive in cpio's "newc" form (kernel: early-userspace/buffer-format). Inode numbers count from 1, times are 0.
class CpioWriter {
  public:
    void directory(std::string_view name);
    void file(std::string_view name, std::string_view contents, uint32_t mode);
    void char_device(std::string_view name, uint32_t major, uint32_t minor);
    std::string finish();

  private:
    void entry(std::string_view name, uint32_t mode, std::string_view contents, uint32_t major = 0, uint32_t minor = 0);
    void pad();

    std::string bytes_;
    uint32_t inode_ = 0;
};

struct KernelModule {
    std::string name;      // "virtio_blk"
    std::string contents;  // not compressed
};

// gbuild's init, and the modules in the order in which it loads them.
std::string make_initramfs(const std::vector<KernelModule>& modules);

// The modules of a directory tree (NAME.ko, plain or compressed with gzip, xz or zstd) that `names` stand for, each
// behind those that it needs. What has no file is taken to be built into the kernel. Throws io, integrity, limit.
std::vector<KernelModule> find_modules(const std::string& directory, const std::vector<std::string>& names);

}  // namespace gbuild::provider
