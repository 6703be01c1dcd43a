#include <sys/stat.h>

#include <cerrno>
#include <cstdio>

#include <fmt/format.h>

#include "gbuild/base/atomic_file.h"
#include "gbuild/base/error.h"
#include "gbuild/base/remove_tree.h"
#include "gbuild/base/text.h"
#include "gbuild/store/store.h"

namespace gbuild::store {

namespace fs = std::filesystem;

namespace {

constexpr const char* marker_name = "boot";
constexpr const char* files_name = "files";

// Different after every start of the machine; empty where that is not known.
std::string boot_id() {
    auto file = open_if_exists("/proc/sys/kernel/random/boot_id");
    return file ? std::string(trim(read_text(file->get(), 64, "the boot id"))) : "";
}

// Nothing is synced, so that a power failure may have left files empty: what was made before it counts as absent.
bool is_complete(const fs::path& snapshot) {
    auto marker = open_if_exists(snapshot / marker_name);
    const std::string now = boot_id();
    return marker && !now.empty() && read_text(marker->get(), 64, "the boot id of a snapshot") == now;
}

void make_open_directory(const fs::path& path) {
    if (::mkdir(path.c_str(), 0755) != 0 || ::chmod(path.c_str(), 0755) != 0) {
        throw_errno(fmt::format("cannot create {}", quoted(path.native())));
    }
}

void make_snapshot(const fs::path& target, const fs::path& staging, const std::function<void(const fs::path&)>& fill) {
    remove_tree(target);
    const TempDir place(staging);
    make_open_directory(place.path() / files_name);
    fill(place.path() / files_name);
    write_file_atomically(place.path() / marker_name, boot_id(), 0600);
    if (::rename(place.path().c_str(), target.c_str()) != 0) {
        throw_errno(fmt::format("cannot create {}", quoted(target.native())));
    }
}

// What removing it would free.
uint64_t allocated(const fs::path& directory) {
    uint64_t bytes = 0;
    std::error_code error;
    const auto options = fs::directory_options::skip_permission_denied;
    for (fs::recursive_directory_iterator entry(directory, options, error), end; !error && entry != end;
         entry.increment(error)) {
        struct stat status {};
        if (::lstat(entry->path().c_str(), &status) != 0 || status.st_nlink == 0) continue;
        const auto names = S_ISDIR(status.st_mode) ? 1u : static_cast<uint64_t>(status.st_nlink);
        bytes += static_cast<uint64_t>(status.st_blocks) * 512 / names;
    }
    return bytes;
}

}  // namespace

Snapshot Store::snapshot(const std::string& key, const std::function<void(const fs::path&)>& fill,
                         const std::function<void()>& waiting, const std::stop_token& stop) const {
    const fs::path path = hashed_path("snapshots", key);
    const fs::path lock_path = snapshot_lock(path);
    auto lock = [&](LockMode mode) {
        if (auto taken = FileLock::try_acquire(lock_path, mode)) return std::move(*taken);
        if (waiting) waiting();
        return FileLock::acquire(lock_path, mode, stop);
    };
    return writing([&] {
        for (;;) {
            FileLock in_use = lock(LockMode::shared);
            if (is_complete(path)) return Snapshot{path / files_name, std::move(in_use)};
            { FileLock gone = std::move(in_use); }
            const FileLock alone = lock(LockMode::exclusive);
            if (!is_complete(path)) make_snapshot(path, staging(), fill);
        }
    });
}

RemovedSnapshots Store::remove_snapshots(Removal removal) const {
    RemovedSnapshots removed;
    for (const auto& entry : fs::directory_iterator(root_ / "snapshots")) {
        const auto alone = FileLock::try_acquire(snapshot_lock(entry.path()), LockMode::exclusive);
        if (!alone) {
            removed.in_use++;
            continue;
        }
        removed.bytes += allocated(entry.path());
        if (removal == Removal::really) writing([&] { remove_tree(entry.path()); });
        removed.count++;
    }
    return removed;
}

fs::path Store::snapshot_lock(const fs::path& snapshot) const {
    return root_ / "locks" / ("snapshot-" + snapshot.filename().native());
}

}  // namespace gbuild::store
