#include "snapshots.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include <fmt/format.h>

#include "gbuild/base/atomic_file.h"
#include "gbuild/base/error.h"
#include "gbuild/base/remove_tree.h"
#include "gbuild/base/text.h"
#include "gbuild/store/store.h"
#include "last_use.h"

namespace gbuild::store {

namespace fs = std::filesystem;

namespace {

constexpr const char* marker_name = "boot";
constexpr const char* files_name = "files";
constexpr const char* key_name = "key";
constexpr size_t key_cap = size_t{1} << 20;

constexpr std::string_view synced = "synced";
constexpr size_t marker_cap = 64;

// Different after every start of the machine; empty where that is not known, as in containers that mask it.
std::string boot_id() {
    try {
        auto file = open_if_exists("/proc/sys/kernel/random/boot_id");
        return file ? std::string(trim(read_text(file->get(), marker_cap, "the boot id"))) : "";
    } catch (const Error&) {
        return "";
    }
}

// To sync takes longer than to extract. So what may have been left half-written by a power failure, having been made
// before it, counts as absent; only where nothing tells one start of the machine from another it is synced.
std::string make_durable(const fs::path& directory) {
    std::string boot = boot_id();
    if (!boot.empty()) return boot;
    const UniqueFd held = open_file(directory, O_RDONLY | O_DIRECTORY);
    if (::syncfs(held.get()) != 0) throw_errno(fmt::format("cannot sync {}", quoted(directory.native())));
    return std::string(synced);
}

bool is_complete(const fs::path& snapshot) {
    auto marker = open_if_exists(snapshot / marker_name);
    if (!marker) return false;
    const std::string made = read_text(marker->get(), marker_cap, "a snapshot's marker");
    return made == synced || (!made.empty() && made == boot_id());
}

void make_open_directory(const fs::path& path) {
    if (::mkdir(path.c_str(), 0755) != 0 || ::chmod(path.c_str(), 0755) != 0) {
        throw_errno(fmt::format("cannot create {}", quoted(path.native())));
    }
}

void make_snapshot(const fs::path& target, const std::string& key, const fs::path& staging,
                   const std::function<void(const fs::path&)>& fill) {
    remove_tree(target);
    const TempDir place(staging);
    make_open_directory(place.path() / files_name);
    fill(place.path() / files_name);
    write_file_atomically(place.path() / key_name, key, 0600);
    write_file_atomically(place.path() / marker_name, make_durable(place.path()), 0600);
    if (::rename(place.path().c_str(), target.c_str()) != 0) {
        throw_errno(fmt::format("cannot create {}", quoted(target.native())));
    }
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
        // Between the two locks another process may remove what was made; not time and again.
        for (int turn = 0; turn < 10; turn++) {
            FileLock in_use = lock(LockMode::shared);
            if (is_complete(path)) {
                note_use(path);
                return Snapshot{path / files_name, std::move(in_use)};
            }
            { FileLock gone = std::move(in_use); }
            const FileLock alone = lock(LockMode::exclusive);
            if (!is_complete(path)) make_snapshot(path, key, staging(), fill);
        }
        throw Error(ErrorKind::conflict, fmt::format("{} is removed whenever it is made", quoted(path.native())));
    });
}

void Store::drop_snapshot(Snapshot snapshot) const {
    const fs::path path = snapshot.files.parent_path();
    { const FileLock gone = std::move(snapshot.in_use); }
    writing([&] {
        if (const auto alone = FileLock::try_acquire(snapshot_lock(path), LockMode::exclusive))
            return remove_tree(path);
        throw Error(ErrorKind::conflict,
                    fmt::format("{} is damaged, and another gbuild is using it", quoted(path.native())))
            .hint("build again when the other one has ended");
    });
}

fs::path Store::snapshot_lock(const fs::path& snapshot) const { return snapshot_lock_of(root_, snapshot); }

fs::path snapshot_lock_of(const fs::path& root, const fs::path& snapshot) {
    return root / "locks" / ("snapshot-" + snapshot.filename().native());
}

std::optional<std::string> key_of_snapshot(const fs::path& snapshot) {
    const auto file = is_complete(snapshot) ? open_if_exists(snapshot / key_name) : std::nullopt;
    return file ? std::optional(read_text(file->get(), key_cap, "a snapshot's key")) : std::nullopt;
}

}  // namespace gbuild::store
