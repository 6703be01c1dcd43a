#include "gbuild/store/check.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/remove_tree.h"
#include "gbuild/base/text.h"
#include "notes.h"
#include "records.h"
#include "snapshots.h"

namespace gbuild::store {

namespace fs = std::filesystem;

namespace {

std::optional<std::string> damage_of_blob(const fs::path& path) {
    const std::string algorithm = path.parent_path().filename().native();
    const auto digest = Digest::parse(algorithm + ":" + path.filename().native());
    if (!digest) return "its name is no digest";
    const auto file = open_if_exists(path);
    if (!file) return std::nullopt;
    constexpr size_t run_size = size_t{1} << 20;
    const auto run = std::make_unique<std::byte[]>(run_size);
    Hasher hasher(digest->algorithm());
    for (uint64_t at = 0;;) {
        const size_t got = pread_full(file->get(), std::span(run.get(), run_size), at);
        if (got == 0) break;
        hasher.update(std::span(run.get(), got));
        at += got;
    }
    if (hasher.finish_hex() == digest->hex()) return std::nullopt;
    return "it does not have the digest that it is called by";
}

std::optional<std::string> damage_of_note(const fs::path& path) {
    const auto key = key_of_note(path);
    if (!key) return "it does not match its checksum";
    return Digest::of(*key).hex() == path.filename().native() ? std::nullopt
                                                              : std::optional<std::string>("it is another one's");
}

std::optional<std::string> damage_of_json(const fs::path& path, const std::string& folder) {
    const auto text = read_record(path);
    if (!text) return std::nullopt;
    const std::string name = path.filename().native();
    bool is_right = false;
    if (folder == "downloads") is_right = parse_download(*text).has_value();
    if (folder == "refs") {
        const auto record = parse_ref(*text);
        is_right = record && Digest::of(ref_key(record->reference, record->platform)).hex() == name;
    }
    if (folder == "images") {
        const auto record = parse_image(*text);
        is_right = record && image_path(record->repository, record->tag).filename() == name;
    }
    return is_right ? std::nullopt : std::optional<std::string>("it is no record of what it is called by");
}

void add_records(const fs::path& folder, std::vector<Item>& items) {
    std::error_code error;
    for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
        struct stat status {};
        if (::lstat(entry->path().c_str(), &status) != 0) continue;
        items.push_back({ItemKind::record, entry->path(), "", static_cast<uint64_t>(status.st_blocks) * 512,
                         status.st_mtim.tv_sec});
    }
    if (error && error != std::errc::no_such_file_or_directory) {
        throw system_error(error.value(), fmt::format("cannot list {}", quoted(folder.native())));
    }
}

}  // namespace

std::vector<Item> list_all(const fs::path& root) {
    std::vector<Item> items = list_items(root);
    add_records(root / "refs", items);
    add_records(root / "images", items);
    return items;
}

std::optional<std::string> damage_of(const Item& item) {
    struct stat status {};
    if (::lstat(item.path.c_str(), &status) != 0 && errno == ENOENT) return std::nullopt;
    if (!S_ISREG(status.st_mode)) return "it is not a regular file";
    if (item.kind == ItemKind::blob) return damage_of_blob(item.path);
    const std::string folder = item.path.parent_path().filename().native();
    if (folder == "steps" || folder == "builds" || folder == "outputs") return damage_of_note(item.path);
    return damage_of_json(item.path, folder);
}

bool remove_unused(const Store& store, const Item& item) {
    return store.writing([&] {
        if (item.kind == ItemKind::snapshot) {
            const auto alone = FileLock::try_acquire(snapshot_lock_of(store.root(), item.path), LockMode::exclusive);
            if (alone) remove_tree(item.path);
            return alone.has_value();
        }
        struct stat status {};
        if (::lstat(item.path.c_str(), &status) != 0) return errno == ENOENT;
        if (S_ISDIR(status.st_mode)) {
            remove_tree(item.path);
        } else if (::unlink(item.path.c_str()) != 0 && errno != ENOENT) {
            throw_errno(fmt::format("cannot remove {}", quoted(item.path.native())));
        }
        return true;
    });
}

std::optional<FileLock> hold_snapshot(const Store& store, const Item& item) {
    return FileLock::try_acquire(snapshot_lock_of(store.root(), item.path), LockMode::shared);
}

std::optional<std::string> snapshot_key(const Item& item) { return key_of_snapshot(item.path); }

}  // namespace gbuild::store
