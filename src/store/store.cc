#include "gbuild/store/store.h"

#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <vector>

#include <fmt/format.h>

#include "advice.h"
#include "gbuild/base/text.h"
#include "last_use.h"
#include "records.h"
#include "session.h"

namespace gbuild::store {

namespace fs = std::filesystem;

namespace {

// https://bford.info/cachedir/: programs that make backups pass over a directory with such a file.
constexpr const char* tag_name = "CACHEDIR.TAG";
constexpr const char* tag_text =
    "Signature: 8a477f597d28d172789f06886806bc55\n"
    "# This directory is a store of gbuild's: layers and images' records, all of which it can make again.\n";

std::optional<std::string> environment(const char* name) {
    const char* value = std::getenv(name);
    if (!value || !*value) return std::nullopt;
    return value;
}

// As shells have it: HOME, else what the system knows of the user, as for services and cron jobs.
fs::path home_directory() {
    constexpr const char* hint = "choose a place for the store with --root or GBUILD_ROOT";
    if (auto home = environment("HOME")) {
        // It would be another store in each directory, and part of the build context in some.
        if (fs::path(*home).is_absolute()) return *home;
        throw Error(ErrorKind::usage, fmt::format("HOME is {}, which is not an absolute path", quoted(*home)))
            .hint(hint);
    }
    std::vector<char> buffer(16384);
    passwd entry{};
    passwd* found = nullptr;
    ::getpwuid_r(::geteuid(), &entry, buffer.data(), buffer.size(), &found);
    if (found != nullptr && found->pw_dir != nullptr && found->pw_dir[0] == '/') return found->pw_dir;
    throw Error(ErrorKind::usage,
                "no place for the store: GBUILD_ROOT, XDG_CACHE_HOME and HOME are not set, and the user has no home "
                "directory")
        .hint(hint);
}

// 0700 whatever the umask; one that is there already keeps its mode.
void make_directory(const fs::path& path) {
    if (::mkdir(path.c_str(), 0700) == 0) {
        if (::chmod(path.c_str(), 0700) != 0) throw_errno(fmt::format("cannot chmod {}", quoted(path.native())));
        return;
    }
    int error_number = errno;
    std::error_code ignored;
    if (fs::is_directory(path, ignored)) return;
    if (error_number == EEXIST || error_number == ENOTDIR) {
        throw Error(ErrorKind::io, fmt::format("{} cannot hold the store: something in its place is not a directory",
                                               quoted(path.native())))
            .hint("choose another place with --root or GBUILD_ROOT");
    }
    Error error = system_error(error_number, fmt::format("cannot create {}", quoted(path.native())));
    const bool explained = error.kind() == ErrorKind::no_space || error.kind() == ErrorKind::permission;
    if (!explained) error.hint("choose another place for the store with --root or GBUILD_ROOT");
    throw error;
}

void make_directories(const fs::path& path) {
    std::error_code ignored;
    if (fs::is_directory(path, ignored)) return;
    if (path.has_parent_path() && path.parent_path() != path) make_directories(path.parent_path());
    make_directory(path);
}

// The user that a store at `root` is or will be for, if that is not who runs this as root; 0 otherwise.
uid_t other_owner(const fs::path& root) {
    constexpr uid_t unmapped = 65534;  // in a user namespace: it is none of its users
    struct stat status {};
    if (::geteuid() != 0) return 0;
    if (::stat(root.c_str(), &status) == 0) return status.st_uid == unmapped ? 0 : status.st_uid;
    // sudo may keep the caller's HOME.
    const auto caller = environment("SUDO_UID");
    const auto uid = caller ? parse_decimal(*caller) : std::nullopt;
    for (fs::path above = root.parent_path(); uid; above = above.parent_path()) {
        if (::stat(above.c_str(), &status) == 0) return status.st_uid == *uid ? status.st_uid : 0;
        if (above == above.parent_path()) break;
    }
    return 0;
}

void refuse_foreign(const fs::path& root) {
    const uid_t owner = other_owner(root);
    if (owner == 0) return;
    throw Error(ErrorKind::permission,
                fmt::format("the store {} is for the user with the id {}, who could not use what root puts there",
                            quoted(root.native()), owner))
        .hint("run gbuild as that user, or give root a store of its own with --root or GBUILD_ROOT");
}

// A directory with anything in it is a store when it has the tag; the tag is the first thing a store gets. Otherwise a
// mistyped --root could have somebody's files taken for a store's leftovers.
void claim(const fs::path& root) {
    const fs::path tag = root / tag_name;
    std::error_code error;
    if (fs::exists(tag, error)) return;
    for (fs::directory_iterator entry(root, error), end; !error && entry != end; entry.increment(error)) {
        const std::string name = entry->path().filename().native();
        // A fresh file system's own, and what another gbuild is about to call the tag.
        if (name == "lost+found" || name.starts_with(fmt::format(".{}.", tag_name))) continue;
        if (fs::exists(tag, error)) return;
        throw Error(ErrorKind::conflict, fmt::format("{} is not a store of gbuild's, and not empty: {} is in it",
                                                     quoted(root.native()), quoted(name)))
            .hint("give an empty or a new directory with --root or GBUILD_ROOT");
    }
    if (error) throw system_error(error.value(), fmt::format("cannot list {}", quoted(root.native())));
    write_file_atomically(tag, tag_text, 0600);
}

void remove_if_there(const fs::path& path) {
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
        throw_errno(fmt::format("cannot remove {}", quoted(path.native())));
    }
}

bool has_digest(std::string_view bytes, const Digest& digest) {
    Hasher hasher(digest.algorithm());
    hasher.update(bytes);
    return hasher.finish_hex() == digest.hex();
}

std::string_view algorithm_name(const Digest& digest) {
    return std::string_view(digest.text()).substr(0, digest.text().find(':'));
}

}  // namespace

fs::path Store::default_root() {
    if (auto root = environment("GBUILD_ROOT")) return *root;
    // The XDG base directory specification has relative paths ignored.
    if (auto cache = environment("XDG_CACHE_HOME"); cache && fs::path(*cache).is_absolute()) {
        return fs::path(*cache) / "gbuild";
    }
    return home_directory() / ".cache" / "gbuild";
}

Store::Store(const fs::path& root, Owner owner) : root_(fs::absolute(root).lexically_normal()) {
    if (!root_.has_filename()) root_ = root_.parent_path();
    if (owner == Owner::same) refuse_foreign(root_);
    writing([&] {
        make_directories(root_);
        claim(root_);
        for (const char* folder : {"blobs", "blobs/sha256", "blobs/sha512", "packs", "steps", "builds", "outputs",
                                   "snapshots", "caches", "refs", "downloads", "git", "images", "locks", "tmp"}) {
            make_directory(root_ / folder);
        }
        reclaim(root_ / "tmp");
        session_ = std::make_shared<Session>(root_ / "tmp");
    });
}

const fs::path& Store::staging() const { return session_->directory(); }

void Store::explain(Error& error) const { explain_write_error(error, root_); }

fs::path Store::blob_path(const Digest& digest) const {
    return root_ / "blobs" / algorithm_name(digest) / digest.hex();
}

fs::path Store::hashed_path(std::string_view folder, std::string_view key) const {
    return root_ / folder / Digest::of(key).hex();
}

FileLock Store::lock(const std::string& key, const std::function<void()>& waiting, const std::stop_token& stop) const {
    return lock_file(hashed_path("locks", key), waiting, stop);
}

FileLock Store::lock_file(const fs::path& path, const std::function<void()>& waiting,
                          const std::stop_token& stop) const {
    return writing([&] {
        if (auto lock = FileLock::try_acquire(path, LockMode::exclusive)) return std::move(*lock);
        if (waiting) waiting();
        return FileLock::acquire(path, LockMode::exclusive, stop);
    });
}

std::optional<UniqueFd> Store::open_blob(const Digest& digest, std::optional<uint64_t> size) const {
    fs::path path = blob_path(digest);
    auto fd = open_if_exists(path);
    if (!fd) return std::nullopt;
    uint64_t found = file_size(fd->get());
    bool damaged = size ? found != *size : found == 0 && !has_digest({}, digest);
    if (!damaged) {
        note_use(fd->get());
        return fd;
    }
    remove_if_there(path);
    return std::nullopt;
}

std::optional<std::string> Store::read_blob(const Digest& digest, size_t cap) const {
    fs::path path = blob_path(digest);
    auto fd = open_if_exists(path);
    if (!fd) return std::nullopt;
    std::string bytes = read_text(fd->get(), cap, digest.text());
    if (has_digest(bytes, digest)) {
        note_use(fd->get());
        return bytes;
    }
    remove_if_there(path);
    return std::nullopt;
}

void Store::put_blob(const Digest& digest, std::string_view bytes) const {
    if (!has_digest(bytes, digest)) {
        throw Error(ErrorKind::integrity,
                    fmt::format("{} bytes given as {} do not have that digest", bytes.size(), digest.text()));
    }
    writing([&] {
        AtomicFile file(blob_path(digest), staging(), 0600);
        write_all(file.fd(), bytes);
        file.commit();
    });
}

void Store::remove_blob(const Digest& digest) const {
    writing([&] { remove_if_there(blob_path(digest)); });
}

std::unique_ptr<PartialBlob> Store::partial_blob(const Digest& digest, uint64_t size,
                                                 const std::stop_token& stop) const {
    fs::path partial = root_ / "tmp" / fmt::format("{}-{}.partial", algorithm_name(digest), digest.hex());
    return std::make_unique<PartialBlob>(partial, blob_path(digest), digest, size, stop);
}

// A key of several lines says where the pack came from; no other has one.
fs::path Store::pack_path(const std::string& key) const {
    fs::path path = hashed_path("packs", key);
    if (key.find('\n') != std::string::npos) path += imported_suffix;
    return path;
}

std::optional<UniqueFd> Store::open_pack(const std::string& key) const {
    fs::path path = pack_path(key);
    auto fd = open_if_exists(path);
    if (!fd) return std::nullopt;
    if (file_size(fd->get()) > 0) {
        note_use(fd->get());
        return fd;
    }
    remove_if_there(path);
    return std::nullopt;
}

AtomicFile Store::new_pack(const std::string& key) const {
    return writing([&] { return AtomicFile(pack_path(key), staging(), 0600); });
}

AtomicFile Store::new_pack() const {
    return writing([&] { return AtomicFile(root_ / "packs" / "unnamed", staging(), 0600); });
}

void Store::name_pack(AtomicFile& pack, const std::string& key) const { pack.set_target(pack_path(key)); }

void Store::remove_pack(const std::string& key) const {
    writing([&] { remove_if_there(pack_path(key)); });
}

void Store::write_record(const fs::path& path, const std::string& text) const {
    writing([&] {
        AtomicFile file(path, staging(), 0600);
        write_all(file.fd(), text);
        file.commit();
    });
}

std::optional<Digest> Store::remembered(const std::string& reference, const std::string& platform) const {
    fs::path path = hashed_path("refs", ref_key(reference, platform));
    auto text = read_record(path);
    if (!text) return std::nullopt;
    auto record = parse_ref(*text);
    if (record && record->reference == reference && record->platform == platform) return record->manifest;
    remove_if_there(path);
    return std::nullopt;
}

void Store::remember(const std::string& reference, const std::string& platform, const Digest& manifest) const {
    write_record(hashed_path("refs", ref_key(reference, platform)), to_json(RefRecord{reference, platform, manifest}));
}

std::unique_ptr<NewBlob> Store::new_blob(uint64_t cap) const {
    return std::make_unique<NewBlob>(root_ / "blobs" / "sha256", staging(), cap);
}

std::optional<DownloadRecord> Store::remembered_download(const std::string& url) const {
    const fs::path path = hashed_path("downloads", url);
    auto text = read_record(path);
    if (!text) return std::nullopt;
    auto record = parse_download(*text);
    if (!record) remove_if_there(path);
    return record;
}

void Store::remember_download(const std::string& url, const DownloadRecord& record) const {
    write_record(hashed_path("downloads", url), to_json(record));
}

fs::path Store::git_directory(const std::string& url) const { return hashed_path("git", url); }

FileLock Store::lock_git(const std::string& url, const std::function<void()>& waiting,
                         const std::stop_token& stop) const {
    const fs::path directory = git_directory(url);
    FileLock lock = lock_file(root_ / "locks" / ("git-" + directory.filename().native()), waiting, stop);
    // For who looks for what has not been used for long; nothing there is fine.
    note_use(directory);
    return lock;
}

void Store::put_image(const ImageRecord& record) const {
    write_record(root_ / image_path(record.repository, record.tag), to_json(record));
}

void Store::remove_image(const std::string& repository, const std::string& tag) const {
    writing([&] { remove_if_there(root_ / image_path(repository, tag)); });
}

}  // namespace gbuild::store
