// The local store: content-addressed blobs, packs, remembered references and tags, shared by concurrent gbuild processes.
//
//   blobs/sha256/<hex>        verified blobs: manifests, configs, layers not packed yet
//   packs/<key>               packs (pack part), by layer and packing options
//   refs/<hash>               what a reference stood for when last resolved
//   images/<hash>             one tagged image each
//   locks/<hash>              lock files
//   tmp/                      everything unfinished; partial downloads are kept for resuming
//
// Files are written in tmp/ and renamed when complete and verified, so a crash at any instant leaves a working store. All of
// it may be deleted while no gbuild runs. Directories are 0700: layers can hold what their owner would not share.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gbuild/base/atomic_file.h"
#include "gbuild/base/digest.h"
#include "gbuild/base/file_lock.h"
#include "gbuild/store/partial_blob.h"

namespace gbuild::store {

// A result of a build that was given a name.
struct ImageRecord {
    std::string repository;  // "golem-example"
    std::string tag;         // "latest"
    std::string image_id;    // 64 hex digits
    std::string sha3;        // of the file, 56 hex digits
    int64_t created = 0;     // when it was built, seconds; not part of the image
    uint64_t size = 0;
    std::string file;        // absolute path of the .gvmi
};

class Store {
  public:
    // `--root`, else $GBUILD_ROOT, else $XDG_CACHE_HOME/gbuild, else ~/.cache/gbuild.
    static std::filesystem::path default_root();

    // Creates what is missing. Throws permission, io with a hint about --root.
    explicit Store(std::filesystem::path root);

    const std::filesystem::path& root() const { return root_; }
    std::filesystem::path staging() const { return root_ / "tmp"; }

    // One process at a time works on a key ("pull sha256:…", "pack …"); others wait. `waiting` is called once before
    // waiting, if set.
    FileLock lock(const std::string& key, const std::function<void()>& waiting = {}) const;

    std::optional<UniqueFd> open_blob(const Digest& digest) const;
    // Verifies the digest again; nullopt when absent, and a blob found corrupt is removed and counts as absent. A limit
    // error beyond `cap`.
    std::optional<std::string> read_blob(const Digest& digest, size_t cap) const;
    // Throws integrity when `bytes` do not have the digest.
    void put_blob(const Digest& digest, std::string_view bytes) const;
    void remove_blob(const Digest& digest) const;
    // A download of a blob of `size` bytes, gone on with where an earlier one stopped. Hold the blob's lock.
    std::unique_ptr<PartialBlob> partial_blob(const Digest& digest, uint64_t size) const;

    // `key` names a layer and its packing options; any text.
    std::optional<UniqueFd> open_pack(const std::string& key) const;
    AtomicFile new_pack(const std::string& key) const;
    void remove_pack(const std::string& key) const;

    // The manifest digest a reference and platform stood for when last resolved.
    std::optional<Digest> remembered(const std::string& reference, const std::string& platform) const;
    void remember(const std::string& reference, const std::string& platform, const Digest& manifest) const;

    void put_image(const ImageRecord& record) const;  // replaces the one of the same repository and tag
    std::optional<ImageRecord> find_image(const std::string& repository, const std::string& tag) const;
    std::vector<ImageRecord> images() const;          // newest first

  private:
    std::filesystem::path root_;
};

}  // namespace gbuild::store
