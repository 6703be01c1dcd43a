#include <sys/stat.h>

#include <cstdio>

#include <fmt/format.h>

#include "gbuild/base/atomic_file.h"
#include "gbuild/base/error.h"
#include "gbuild/base/text.h"
#include "gbuild/store/store.h"
#include "last_use.h"

namespace gbuild::store {

namespace fs = std::filesystem;

namespace {

constexpr int most_of_one_key = 1000;
constexpr const char* cache_files_name = "files";

void make_cache(const fs::path& target, const fs::path& staging, const std::function<void(const fs::path&)>& fill) {
    const TempDir place(staging);
    const fs::path files = place.path() / cache_files_name;
    if (::mkdir(files.c_str(), 0755) != 0 || ::chmod(files.c_str(), 0755) != 0) {
        throw_errno(fmt::format("cannot create {}", quoted(files.native())));
    }
    fill(files);
    if (::rename(place.path().c_str(), target.c_str()) != 0) {
        throw_errno(fmt::format("cannot create {}", quoted(target.native())));
    }
}

}  // namespace

fs::path Store::cache_lock(const std::string& name) const { return root_ / "locks" / ("cache-" + name); }

Cache Store::cache(const std::string& key, CacheUse use, const std::function<void(const fs::path&)>& fill,
                   const std::function<void()>& waiting, const std::stop_token& stop) const {
    int number = 0;
    bool told = false;
    auto name = [&] { return fmt::format("{}-{}", Digest::of(key).hex(), number); };
    auto lock = [&](LockMode mode) {
        for (;;) {
            if (auto taken = FileLock::try_acquire(cache_lock(name()), mode)) return std::move(*taken);
            if (use != CacheUse::an_unused || number == most_of_one_key) break;
            number++;
        }
        if (waiting && !std::exchange(told, true)) waiting();
        return FileLock::acquire(cache_lock(name()), mode, stop);
    };
    return writing([&] {
        // Between two locks another process may remove what was made; not time and again.
        for (int turn = 0; turn < 10; turn++) {
            FileLock in_use = lock(use == CacheUse::shared ? LockMode::shared : LockMode::exclusive);
            const fs::path path = root_ / "caches" / name();
            std::error_code ignored;
            const bool there = fs::is_directory(path / cache_files_name, ignored);
            if (!there && use != CacheUse::shared) make_cache(path, staging(), fill);
            if (there || use != CacheUse::shared) {
                note_use(path);
                return Cache{path / cache_files_name, std::move(in_use)};
            }
            { const FileLock gone = std::move(in_use); }
            const FileLock alone = lock(LockMode::exclusive);
            if (!fs::is_directory(path / cache_files_name, ignored)) make_cache(path, staging(), fill);
        }
        throw Error(ErrorKind::conflict, "a cache is removed whenever it is made");
    });
}

}  // namespace gbuild::store
