// The local store: content-addressed blobs, packs, remembered references and tags, shared by concurrent gbuild
// processes.
//
//   blobs/sha256/<hex>        verified blobs: manifests, configs, layers not packed yet
//   packs/<hash>              packs (pack part), by layer and packing options
//   steps/<hash>              what a step changed, by what decides that
//   builds/<hash>             what the last build of a Dockerfile was made of, to tell why the next one differs
//   outputs/<hash>            what was last written to a file
//   snapshots/<hash>/files/   an image's files, extracted for commands to run on
//   caches/<hash>-<n>/files/  what RUN --mount=type=cache shows; several where steps do not share one
//   refs/<hash>               what a reference stood for when last resolved
//   downloads/<hash>          which blob a URL stood for when last fetched
//   git/<hash>/               a bare repository: what was fetched from a remote one
//   images/<hash>             one tagged image each
//   locks/<hash>              lock files
//   CACHEDIR.TAG              says that this is a store (and to backup programs, that it is a cache)
//   tmp/                      everything unfinished: a directory for each running process, partial downloads, which are
//                             kept for resuming, and what is being removed
//
// Files are written in tmp/ and renamed when complete and verified, so a crash at any instant leaves a working store.
// What a process leaves in tmp/, dead or not, is removed by another one in the background when there is much of it; a
// dead one's by the next that opens the store, partial downloads a week after they last grew. Nothing is synced to
// disk: after a power failure a file may be shorter than it was or hold zeros, so what is read is checked. Blobs, notes
// and records are checked here, by digest, size or syntax, and are absent when damaged; packs carry checksums of all
// they hold, and who reads one checks them (pack part); snapshots count as absent after the machine was started anew.
// Caches stay. All of the store may be deleted while no gbuild runs. Directories are 0700: layers can hold what their
// owner would not share.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "gbuild/base/atomic_file.h"
#include "gbuild/base/digest.h"
#include "gbuild/base/error.h"
#include "gbuild/base/file_lock.h"
#include "gbuild/store/images.h"
#include "gbuild/store/new_blob.h"
#include "gbuild/store/partial_blob.h"

namespace gbuild::store {

// Nobody removes it while this lives.
struct Snapshot {
    std::filesystem::path files;
    FileLock in_use;
};

// A directory that commands write to, and that outlives them. `in_use` is a lock of cache_lock(): whoever has that for
// himself alone may remove the directory's parent.
struct Cache {
    std::filesystem::path files;
    FileLock in_use;
};

enum class CacheUse {
    shared,     // with others who use it so
    alone,      // one after the other
    an_unused,  // alone, and of several under one key the first that nobody uses
};

// Small files of any bytes, found by a key of any text.
enum class NoteKind : uint8_t { step, build, output };

// What a URL stood for when it was last fetched, and how to ask whether it still does (RFC 9110, 8.8).
struct DownloadRecord {
    Digest digest;              // of the blob
    std::string etag;           // "" when the server gave none
    std::string last_modified;  // as the server wrote it; "" when it gave none
};

class Store {
  public:
    // $GBUILD_ROOT, else $XDG_CACHE_HOME/gbuild, else ~/.cache/gbuild. Throws usage when the environment has none of
    // them.
    static std::filesystem::path default_root();

    // Whether root may use a store that is somebody else's: what it makes there is root's, which the owner can neither
    // use nor remove.
    enum class Owner { same, any };

    // Creates what is missing. Copies share one place in tmp/. Throws permission, io, no_space with a hint about
    // --root; conflict for a directory that holds something else, which a store would mix its files with.
    explicit Store(const std::filesystem::path& root, Owner owner = Owner::same);

    const std::filesystem::path& root() const { return root_; }
    // This process's own directory in tmp/. Whoever has a large tree there that is not needed any more leaves it: it is
    // removed after the last copy of the Store is gone, and nobody waits for that.
    const std::filesystem::path& staging() const;
    // Runs `body`, which writes to the store. A no_space error that leaves it, or a permission error without a hint,
    // gets the store's path and a hint.
    template <class Body>
    decltype(auto) writing(Body&& body) const {
        try {
            return std::forward<Body>(body)();
        } catch (Error& error) {
            explain(error);
            throw;
        }
    }

    // One process at a time works on a key ("pull sha256:…", "pack …"); others wait, until a stop is requested: then an
    // interrupted error. `waiting` is called once before waiting, if set.
    FileLock lock(const std::string& key, const std::function<void()>& waiting = {},
                  const std::stop_token& stop = {}) const;

    // For reading. A blob that has not `size` bytes, or none at all, is removed and counts as absent.
    std::optional<UniqueFd> open_blob(const Digest& digest, std::optional<uint64_t> size = {}) const;
    // Verifies the digest again; nullopt when absent, and a blob found corrupt is removed and counts as absent. A limit
    // error beyond `cap`.
    std::optional<std::string> read_blob(const Digest& digest, size_t cap) const;
    // Throws integrity when `bytes` do not have the digest.
    void put_blob(const Digest& digest, std::string_view bytes) const;
    void remove_blob(const Digest& digest) const;
    // A download of a blob of `size` bytes, gone on with where an earlier one stopped. Hold the blob's lock: it waits
    // for the end of a download that is under way already.
    std::unique_ptr<PartialBlob> partial_blob(const Digest& digest, uint64_t size,
                                              const std::stop_token& stop = {}) const;

    // A download of at most `cap` bytes.
    std::unique_ptr<NewBlob> new_blob(uint64_t cap) const;

    // By a URL, of which nothing but a hash is written down: it may hold secrets. nullopt when nothing is known.
    std::optional<DownloadRecord> remembered_download(const std::string& url) const;
    void remember_download(const std::string& url, const DownloadRecord& record) const;

    // Where the objects of a remote repository are kept; not made here. One process at a time uses it, as lock() has
    // it.
    std::filesystem::path git_directory(const std::string& url) const;
    FileLock lock_git(const std::string& url, const std::function<void()>& waiting, const std::stop_token& stop) const;

    // `key` names a layer and its packing options; any text. One with a line break is of a pack that others made, whose
    // file's name ends in imported_suffix. An empty pack is removed and counts as absent.
    static constexpr const char* imported_suffix = ".imported";
    std::optional<UniqueFd> open_pack(const std::string& key) const;
    AtomicFile new_pack(const std::string& key) const;
    // For one whose key is known once it is written: to be given to name_pack() before its commit.
    AtomicFile new_pack() const;
    void name_pack(AtomicFile& pack, const std::string& key) const;
    void remove_pack(const std::string& key) const;

    // Files extracted to a directory; `key` says which and how, any text. When there are none, or they were made before
    // the machine was last started, `fill` is given an empty directory (0755) to make them; `waiting` is called before
    // waiting for another process that does, if set. Who uses a snapshot does not change it.
    Snapshot snapshot(const std::string& key, const std::function<void(const std::filesystem::path&)>& fill,
                      const std::function<void()>& waiting = {}, const std::stop_token& stop = {}) const;
    // Removes one that turned out to be damaged. Throws conflict when somebody else uses it.
    void drop_snapshot(Snapshot snapshot) const;
    // A damaged note is absent; one beyond 256 MiB is not written.
    std::optional<std::string> read_note(NoteKind kind, const std::string& key) const;
    void put_note(NoteKind kind, const std::string& key, std::string_view bytes) const;
    void remove_note(NoteKind kind, const std::string& key) const;

    // `key` says which, any text. A new one is a directory (0755) that `fill` is given to put something in; `waiting`
    // is called once before waiting for others, if set.
    Cache cache(const std::string& key, CacheUse use, const std::function<void(const std::filesystem::path&)>& fill,
                const std::function<void()>& waiting = {}, const std::stop_token& stop = {}) const;
    // The lock file of a directory in caches/, by the directory's name.
    std::filesystem::path cache_lock(const std::string& name) const;

    // The manifest digest a reference and platform stood for when last resolved.
    std::optional<Digest> remembered(const std::string& reference, const std::string& platform) const;
    void remember(const std::string& reference, const std::string& platform, const Digest& manifest) const;

    void put_image(const ImageRecord& record) const;  // replaces the one of the same repository and tag
    void remove_image(const std::string& repository, const std::string& tag) const;  // its record, not the file

  private:
    class Session;
    FileLock lock_file(const std::filesystem::path& path, const std::function<void()>& waiting,
                       const std::stop_token& stop) const;
    void explain(Error& error) const;
    std::filesystem::path blob_path(const Digest& digest) const;
    std::filesystem::path hashed_path(std::string_view folder, std::string_view key) const;
    std::filesystem::path pack_path(const std::string& key) const;
    std::filesystem::path snapshot_lock(const std::filesystem::path& snapshot) const;
    void write_record(const std::filesystem::path& path, const std::string& text) const;

    std::filesystem::path root_;
    std::shared_ptr<const Session> session_;
};

}  // namespace gbuild::store
