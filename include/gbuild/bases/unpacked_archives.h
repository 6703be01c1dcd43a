// Compressed archives of images, unpacked into the store's staging area so that their members can be read in any order.
#pragma once

#include <future>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <tuple>

#include "gbuild/base/fd.h"
#include "gbuild/base/synchronized.h"
#include "gbuild/registry/image_source.h"
#include "gbuild/store/store.h"

namespace gbuild::build {

// Thread-safe. What it gives has no name, and takes space until this and the last user are gone.
class UnpackedArchives {
  public:
    // `store` must outlive it.
    explicit UnpackedArchives(const store::Store& store) : store_(store) {}

    // For the registry's readers; must not outlive this. An archive is unpacked once, whoever asks for it at the same
    // time or later. Throws integrity for a damaged one, limit beyond 64 GiB, no_space, interrupted.
    registry::UnpackArchive unpacker(const std::stop_token& stop);

  private:
    using File = std::shared_ptr<const UniqueFd>;
    // Device, inode, size and time of change: a file that is replaced while the build runs is another one.
    using Key = std::tuple<uint64_t, uint64_t, int64_t, int64_t, int64_t>;

    static Key key_of(int fd, const std::string& path);
    File unpack(UniqueFd compressed, const std::string& path, const std::stop_token& stop) const;

    const store::Store& store_;
    Synchronized<std::map<Key, std::shared_future<File>>> known_;
};

}  // namespace gbuild::build
