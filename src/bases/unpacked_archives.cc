#include "gbuild/bases/unpacked_archives.h"

#include <sys/stat.h>

#include <fmt/format.h>

#include "gbuild/base/atomic_file.h"
#include "gbuild/base/byte_source.h"
#include "gbuild/base/error.h"
#include "gbuild/base/text.h"
#include "gbuild/layer/tar_stream.h"

namespace gbuild::build {

namespace {

constexpr uint64_t max_unpacked = uint64_t{64} << 30;

}  // namespace

UnpackedArchives::Key UnpackedArchives::key_of(int fd, const std::string& path) {
    struct stat facts {};
    if (::fstat(fd, &facts) != 0) throw_errno("stat " + quoted(path));
    return {facts.st_dev, facts.st_ino, facts.st_size, facts.st_ctim.tv_sec, facts.st_ctim.tv_nsec};
}

registry::UnpackArchive UnpackedArchives::unpacker(const std::stop_token& stop) {
    return [this, stop](UniqueFd compressed, const std::string& path) {
        std::promise<File> promise;
        std::shared_future<File> file;
        bool is_first = false;
        {
            auto known = known_.lock();
            auto [found, is_new] = known->try_emplace(key_of(compressed.get(), path));
            if (is_new) found->second = promise.get_future().share();
            file = found->second;
            is_first = is_new;
        }
        if (!is_first) return file.get();
        try {
            promise.set_value(unpack(std::move(compressed), path, stop));
        } catch (...) {
            promise.set_exception(std::current_exception());
        }
        return file.get();
    };
}

UnpackedArchives::File UnpackedArchives::unpack(UniqueFd compressed, const std::string& path,
                                                const std::stop_token& stop) const {
    return with_context([&] { return "unpacking " + quoted(path); },
                        [&] {
                            return store_.writing([&] {
                                UniqueFd unpacked = anonymous_file(store_.staging());
                                auto tar = layer::decompress_archive(
                                    std::make_unique<FileSource>(std::move(compressed)), quoted(path), max_unpacked);
                                for (auto run = tar->next(); !run.empty(); run = tar->next()) {
                                    if (stop.stop_requested()) throw Error(ErrorKind::interrupted, "interrupted");
                                    write_all(unpacked.get(), run);
                                }
                                return std::make_shared<const UniqueFd>(std::move(unpacked));
                            });
                        });
}

}  // namespace gbuild::build
