#include "gbuild/store/housekeeping.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <tuple>

#include <fmt/format.h>

#include "discarded.h"
#include "gbuild/base/error.h"
#include "gbuild/base/remove_tree.h"
#include "gbuild/base/text.h"
#include "records.h"
#include "session.h"

namespace gbuild::store {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view partial_suffix = ".partial";

struct Folder {
    const char* name;
    ItemKind kind;
};
constexpr Folder folders[] = {
    {"blobs/sha256", ItemKind::blob}, {"blobs/sha512", ItemKind::blob},  {"packs", ItemKind::pack},
    {"steps", ItemKind::record},      {"builds", ItemKind::record},      {"outputs", ItemKind::record},
    {"downloads", ItemKind::record},  {"snapshots", ItemKind::snapshot}, {"caches", ItemKind::cache},
    {"git", ItemKind::git},           {"tmp", ItemKind::download},
};

// What removing it would free. What others remove meanwhile counts for nothing.
uint64_t allocated(const fs::path& path, const struct stat& status) {
    uint64_t bytes = static_cast<uint64_t>(status.st_blocks) * 512;
    if (!S_ISDIR(status.st_mode)) return bytes;
    std::error_code error;
    const auto options = fs::directory_options::skip_permission_denied;
    for (fs::recursive_directory_iterator entry(path, options, error), end; !error && entry != end;
         entry.increment(error)) {
        struct stat below {};
        if (::lstat(entry->path().c_str(), &below) != 0 || below.st_nlink == 0) continue;
        const auto names = S_ISDIR(below.st_mode) ? 1u : static_cast<uint64_t>(below.st_nlink);
        bytes += static_cast<uint64_t>(below.st_blocks) * 512 / names;
    }
    return bytes;
}

// By manifest.
std::map<std::string, std::string> references(const fs::path& root) {
    std::map<std::string, std::string> found;
    std::error_code error;
    for (fs::directory_iterator entry(root / "refs", error), end; !error && entry != end; entry.increment(error)) {
        auto text = read_record(entry->path());
        auto record = text ? parse_ref(*text) : std::nullopt;
        if (record) found[std::string(record->manifest.hex())] = record->reference + " " + record->platform;
    }
    return found;
}

void add_folder(const fs::path& root, const Folder& folder, std::vector<Item>& items) {
    std::error_code error;
    fs::directory_iterator entry(root / folder.name, error), end;
    if (error == std::errc::no_such_file_or_directory) return;
    for (; !error && entry != end; entry.increment(error)) {
        if (folder.kind == ItemKind::download && entry->path().extension() != partial_suffix) continue;
        struct stat status {};
        if (::lstat(entry->path().c_str(), &status) != 0) continue;
        items.push_back({folder.kind, entry->path(), "", allocated(entry->path(), status), status.st_mtim.tv_sec});
    }
    if (error) throw system_error(error.value(), fmt::format("cannot list {}", quoted((root / folder.name).native())));
}

// When the oldest of the other processes that use the store began; nullopt without any.
std::optional<int64_t> oldest_session(const Store& store) {
    const fs::path own = store.staging().native() + ".lock";
    std::optional<int64_t> oldest;
    std::error_code error;
    for (fs::directory_iterator entry(store.root() / "tmp", error), end; !error && entry != end;
         entry.increment(error)) {
        if (entry->path().extension() != ".lock" || entry->path() == own || !is_locked(entry->path())) continue;
        struct stat status {};
        if (::lstat(entry->path().c_str(), &status) != 0) continue;
        oldest = std::min<int64_t>(oldest.value_or(INT64_MAX), status.st_mtim.tv_sec);
    }
    return oldest;
}

class Pruning {
  public:
    Pruning(const Store& store, const PruneRequest& request) :
        store_(store), request_(request), began_(oldest_session(store)) {}

    PruneResult run() {
        std::vector<Item> items = list_items(store_.root());
        for (const Item& item : items) result_.left += item.size;
        for (Item& item : items) {
            if (!is_wanted(item)) continue;
            const bool used = began_ && item.last_used >= *began_;
            auto& list = !used && remove(item) ? result_.removed : result_.in_use;
            if (&list == &result_.removed) result_.left -= item.size;
            list.push_back(std::move(item));
        }
        if (!request_.pretend) {
            sweep_locks(store_);
            sweep_leavings(store_);
        }
        return std::move(result_);
    }

  private:
    bool is_wanted(const Item& item) const {
        if (!request_.kinds.contains(item.kind)) return false;
        if (request_.unused_since && item.last_used >= *request_.unused_since) return false;
        return !request_.max_size || result_.left > *request_.max_size;
    }

    // False when a lock says that it is used.
    bool remove(const Item& item) const {
        if (item.kind == ItemKind::download) {
            const auto lock = lock_existing(item.path);
            if (lock) unlink(item.path);
            return lock || !fs::exists(fs::symlink_status(item.path));
        }
        const fs::path lock_path = lock_of(item);
        if (lock_path.empty()) {
            unlink(item.path);
            return true;
        }
        const auto alone = FileLock::try_acquire(lock_path, LockMode::exclusive);
        if (alone && !request_.pretend) store_.writing([&] { remove_tree(item.path); });
        return alone.has_value();
    }

    // Held by whoever uses a directory.
    fs::path lock_of(const Item& item) const {
        const std::string name = item.path.filename().native();
        switch (item.kind) {
        case ItemKind::snapshot: return store_.root() / "locks" / ("snapshot-" + name);
        case ItemKind::cache: return store_.cache_lock(name);
        case ItemKind::git: return store_.root() / "locks" / ("git-" + name);
        default: return {};
        }
    }

    void unlink(const fs::path& path) const {
        if (request_.pretend || ::unlink(path.c_str()) == 0 || errno == ENOENT) return;
        store_.writing([&] { throw_errno(fmt::format("cannot remove {}", quoted(path.native()))); });
    }

    const Store& store_;
    const PruneRequest& request_;
    std::optional<int64_t> began_;
    PruneResult result_;
};

}  // namespace

std::string_view kind_name(ItemKind kind) {
    switch (kind) {
    case ItemKind::blob: return "blob";
    case ItemKind::pack: return "pack";
    case ItemKind::record: return "record";
    case ItemKind::snapshot: return "snapshot";
    case ItemKind::cache: return "cache";
    case ItemKind::download: return "download";
    case ItemKind::git: break;
    }
    return "git";
}

std::optional<ItemKind> parse_item_kind(std::string_view name) {
    for (ItemKind kind : all_item_kinds) {
        if (kind_name(kind) == name) return kind;
    }
    return std::nullopt;
}

std::vector<Item> list_items(const fs::path& root) {
    std::vector<Item> items;
    for (const Folder& folder : folders) add_folder(root, folder, items);
    const auto known = references(root);
    for (Item& item : items) {
        auto reference = item.kind == ItemKind::blob ? known.find(item.path.filename().native()) : known.end();
        if (reference != known.end()) item.what = reference->second;
    }
    std::sort(items.begin(), items.end(), [](const Item& a, const Item& b) {
        return std::tie(a.last_used, a.path) < std::tie(b.last_used, b.path);
    });
    return items;
}

void sweep_locks(const Store& store) {
    std::error_code error;
    for (fs::directory_iterator entry(store.root() / "locks", error), end; !error && entry != end;
         entry.increment(error)) {
        FileLock::remove_unused(entry->path());
    }
}

void sweep_leavings(const Store& store) { remove_discarded(store.root() / "tmp"); }

PruneResult prune(const Store& store, const PruneRequest& request) { return Pruning(store, request).run(); }

}  // namespace gbuild::store
