#include <sys/stat.h>

#include <algorithm>

#include <fmt/format.h>

#include "file_set.h"
#include "gbuild/base/atomic_file.h"
#include "gbuild/base/error.h"
#include "gbuild/base/file_lock.h"
#include "gbuild/base/rooted.h"
#include "gbuild/base/text.h"
#include "gbuild/oci/json.h"
#include "gbuild/oci/media_type.h"
#include "gbuild/registry/image_destination.h"
#include "oci_layout.h"

namespace gbuild::registry {

namespace {

namespace fs = std::filesystem;

constexpr size_t copy_run = 1u << 20;
constexpr const char* ref_name = "org.opencontainers.image.ref.name";
constexpr std::string_view empty_index =
    R"({"manifests":[],"mediaType":"application/vnd.oci.image.index.v1+json","schemaVersion":2})";

void make_directory(const fs::path& path) {
    if (::mkdir(path.c_str(), 0777) == 0) return;
    if (errno != EEXIST) throw_errno(fmt::format("cannot make the directory {}", quoted(path.native())));
    struct stat facts {};
    if (::lstat(path.c_str(), &facts) != 0) throw_errno("stat " + quoted(path.native()));
    // A link could lead anywhere.
    if (!S_ISDIR(facts.st_mode)) {
        throw Error(ErrorKind::conflict, fmt::format("{} is in the way: it is no directory", quoted(path.native())));
    }
}

void make_directories(const fs::path& path) {
    std::error_code error;
    fs::create_directories(path, error);
    if (error) throw system_error(error.value(), fmt::format("cannot make the directory {}", quoted(path.native())));
}

bool is_file(const fs::path& path) {
    struct stat facts {};
    return ::lstat(path.c_str(), &facts) == 0 && S_ISREG(facts.st_mode);
}

// Hidden files (.gitkeep, what a killed process left) do not make a directory somebody else's.
bool holds_anything(const fs::path& directory) {
    std::error_code error;
    fs::directory_iterator entry(directory, error);
    for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
        if (!entry->path().filename().native().starts_with('.')) return true;
    }
    if (error) throw system_error(error.value(), fmt::format("cannot list {}", quoted(directory.native())));
    return false;
}

class LayoutDestination : public ImageDestination {
  public:
    LayoutDestination(fs::path directory, std::string tag) : directory_(std::move(directory)), tag_(std::move(tag)) {
        prepare();
    }

    std::string name() const override { return fmt::format("oci-layout://{}:{}", directory_.native(), tag_); }

    bool has_blob(const oci::Descriptor& blob, std::stop_token) override {
        struct stat facts {};
        return ::lstat(blob_path(blob.digest).c_str(), &facts) == 0 && S_ISREG(facts.st_mode) &&
               static_cast<uint64_t>(facts.st_size) == blob.size;
    }

    void put_blob(const oci::Descriptor& blob, const BlobContent& content, std::stop_token stop,
                  const UploadProgress& progress) override {
        if (has_blob(blob, stop)) return;
        std::string what = fmt::format("blob {} of {}", blob.digest.text(), name());
        if (content.size() != blob.size) {
            throw Error(ErrorKind::integrity,
                        fmt::format("{} has {} bytes, but should have {}", what, content.size(), blob.size));
        }
        with_context([&] { return "writing " + what; }, [&] { write_blob(blob, content, stop, progress); });
    }

    void put_manifest(std::string_view json, const std::string& media_type, std::stop_token stop) override {
        oci::Descriptor manifest;
        manifest.media_type = media_type;
        manifest.digest = Digest::of(json);
        manifest.size = json.size();
        put_blob(manifest, TextContent{std::string(json)}, stop, {});
        with_context([&] { return "writing the index of " + name(); }, [&] { enter(manifest, json, stop); });
    }

  private:
    void prepare() {
        make_directories(directory_);
        if (!is_layout()) make_layout();
        make_directory(directory_ / "blobs");
        make_directory(directory_ / "blobs" / "sha256");
        check_layout_version(*open_file_set(directory_.native()), directory_.native());
    }

    void make_layout() const {
        refuse_foreign();
        const FileLock lock = FileLock::acquire(lock_path(), LockMode::exclusive);
        if (is_layout()) return;
        if (!is_file(index_path())) write_file_atomically(index_path(), empty_index);
        write_file_atomically(directory_ / "oci-layout", R"({"imageLayoutVersion":"1.0.0"})");
    }

    bool is_layout() const { return is_file(directory_ / "oci-layout"); }

    // What somebody else is making has its index before anything else, so that is looked for after anything else.
    void refuse_foreign() const {
        const bool anything = holds_anything(directory_);
        if (!anything || is_file(index_path()) || is_layout()) return;
        throw Error(ErrorKind::conflict,
                    fmt::format("{} holds something else than an OCI image layout", quoted(directory_.native())))
            .hint("name a directory that is empty or not there yet");
    }

    fs::path index_path() const { return directory_ / "index.json"; }
    fs::path lock_path() const { return directory_ / ".lock"; }
    fs::path blob_path(const Digest& digest) const {
        const char* algorithm = digest.algorithm() == HashAlgorithm::sha512 ? "sha512" : "sha256";
        return directory_ / "blobs" / algorithm / std::string(digest.hex());
    }

    void write_blob(const oci::Descriptor& blob, const BlobContent& content, const std::stop_token& stop,
                    const UploadProgress& progress) {
        fs::path path = blob_path(blob.digest);
        make_directory(path.parent_path());
        // Staged outside of blobs: what a killed process leaves is no blob.
        AtomicFile file(path, directory_);
        Hasher hasher(blob.digest.algorithm());
        std::vector<std::byte> buffer(std::min<uint64_t>(copy_run, blob.size));
        for (uint64_t at = 0; at < blob.size;) {
            if (stop.stop_requested()) throw Error(ErrorKind::interrupted, "interrupted");
            auto run = std::span(buffer).first(std::min<uint64_t>(buffer.size(), blob.size - at));
            content.read(at, run);
            hasher.update(run);
            write_all(file.fd(), run);
            at += run.size();
            if (progress) progress(at);
        }
        std::string found = hasher.finish_hex();
        if (found != blob.digest.hex()) {
            throw Error(ErrorKind::integrity, fmt::format("the bytes have another digest: {}", found));
        }
        file.commit();
    }

    // Other entries, and what they have that we know nothing of, stay as they are.
    void enter(const oci::Descriptor& manifest, std::string_view json, const std::stop_token& stop) {
        FileLock lock = FileLock::acquire(lock_path(), LockMode::exclusive, stop);
        auto file = open_file_set(directory_.native())->find("index.json");
        std::string text = file ? file->read_text(oci::max_manifest_size, "index.json") : std::string(empty_index);
        nlohmann::json index = oci::parse_json(text, "index.json");
        auto manifests = index.is_object() ? index.find("manifests") : index.end();
        if (manifests == index.end() || !manifests->is_array()) {
            throw Error(ErrorKind::integrity, "index.json is no index").hint("remove the directory");
        }
        nlohmann::json kept = nlohmann::json::array();
        for (auto& entry : *manifests) {
            if (!is_ours(entry)) kept.push_back(std::move(entry));
        }
        nlohmann::json added = {{"mediaType", manifest.media_type},
                                {"digest", manifest.digest.text()},
                                {"size", manifest.size},
                                {"annotations", {{ref_name, tag_}}}};
        auto document = nlohmann::json::parse(json, nullptr, false);
        if (document.is_object() && document.contains("artifactType")) added["artifactType"] = document["artifactType"];
        kept.push_back(std::move(added));
        *manifests = std::move(kept);
        write_file_atomically(index_path(), oci::dump_json(index));
    }

    bool is_ours(const nlohmann::json& entry) const {
        auto annotations = entry.is_object() ? entry.find("annotations") : entry.end();
        if (annotations == entry.end() || !annotations->is_object()) return false;
        auto name = annotations->find(ref_name);
        return name != annotations->end() && *name == tag_;
    }

    fs::path directory_;
    std::string tag_;
};

}  // namespace

std::unique_ptr<ImageDestination> open_layout_destination(const fs::path& directory, const std::string& tag) {
    return with_context([&] { return "opening the OCI image layout " + quoted(directory.native()); },
                        [&] { return std::make_unique<LayoutDestination>(directory, tag); });
}

}  // namespace gbuild::registry
