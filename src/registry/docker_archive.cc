#include <array>
#include <map>

#include <fmt/format.h>

#include "file_set.h"
#include "gbuild/base/error.h"
#include "gbuild/base/synchronized.h"
#include "gbuild/base/text.h"
#include "gbuild/oci/json.h"
#include "gbuild/oci/media_type.h"
#include "gbuild/registry/image_source.h"

namespace gbuild::registry {

namespace {

constexpr size_t max_images = 4096;
constexpr size_t max_layers = 4096;
constexpr size_t max_listed = 10;
constexpr std::string_view blobs = "blobs/sha256/";

// An element of manifest.json.
struct SavedImage {
    std::vector<std::string> tags;
    std::string config;
    std::vector<std::string> layers;  // lowest first
};

std::vector<SavedImage> read_saved_images(const std::string& text) {
    nlohmann::json document = oci::parse_json(text, "manifest.json", {.bytes = oci::max_manifest_size});
    std::vector<SavedImage> images;
    if (document.is_null()) return images;  // Go's empty list
    for (const auto& element : oci::JsonValue(document, "manifest.json").elements(max_images)) {
        SavedImage image;
        image.config = element.require("Config").string();
        if (auto tags = element.get("RepoTags")) image.tags = tags->strings(max_images);
        if (auto layers = element.get("Layers")) image.layers = layers->strings(max_layers);
        images.push_back(std::move(image));
    }
    return images;
}

std::optional<oci::Reference> try_parse(const std::string& text) {
    try {
        return oci::Reference::parse(text);
    } catch (const Error&) {
        return std::nullopt;
    }
}

bool is_tagged(const SavedImage& image, const std::string& reference) {
    auto wanted = try_parse(reference);
    for (const auto& tag : image.tags) {
        if (tag == reference || (wanted && try_parse(tag) == wanted)) return true;
    }
    return false;
}

bool is_compressed(const FileExtent& file) {
    std::array<std::byte, 4> head{};
    std::string_view start = as_text(std::span(head).first(file.read_head(head)));
    return start.starts_with("\x1f\x8b") || start == "\x28\xb5\x2f\xfd";
}

// A save has no manifest in a registry's form; one is made of what the archive says. It describes the bytes as they lie
// in the archive, so the digests are what any reader of them checks.
class DockerArchive : public ImageSource {
  public:
    DockerArchive(const std::string& path, const std::string& reference, const UnpackArchive& unpack) :
        path_(path), reference_(reference), files_(open_file_set(path, unpack)) {
        auto file = files_->find("manifest.json");
        if (!file) fail_without_manifest();
        image_ = choose(read_saved_images(file->read_text(oci::max_manifest_size, "manifest.json")));
    }

    std::string name() const override {
        return "docker-archive://" + path_ + (reference_.empty() ? "" : ':' + reference_);
    }

    ManifestDocument root_manifest(std::stop_token stop) override {
        auto contents = contents_.lock();
        return described(*contents, stop).manifest;
    }

    ManifestDocument manifest(const oci::Descriptor& descriptor, std::stop_token) override {
        throw Error(ErrorKind::not_found, fmt::format("{} has no manifest {}", name(), descriptor.digest.text()));
    }

    void fetch_blob(const oci::Descriptor& descriptor, BlobSink& sink, std::stop_token stop) override {
        std::optional<FileExtent> file;
        {
            auto contents = contents_.lock();
            const auto& known = described(*contents, stop).files;
            auto found = known.find(descriptor.digest);
            if (found != known.end()) file = found->second;
        }
        if (!file || file->size() != descriptor.size) {
            throw Error(ErrorKind::not_found, fmt::format("{} has no blob {} of {} bytes", name(),
                                                          descriptor.digest.text(), descriptor.size));
        }
        file->append_rest(sink, stop);
    }

  private:
    struct Contents {
        ManifestDocument manifest;
        std::map<Digest, FileExtent> files;
    };

    [[noreturn]] void fail_without_manifest() const {
        if (files_->find("repositories")) {
            throw Error(ErrorKind::unsupported,
                        fmt::format("{} was saved by a docker older than 1.10, which kept no image configuration",
                                    quoted(path_)))
                .hint("load it into a current docker and save it again");
        }
        throw Error(ErrorKind::unsupported,
                    fmt::format("{} is no output of docker save: it has no manifest.json", quoted(path_)))
            .hint("for an OCI image layout, use oci-layout://");
    }

    SavedImage choose(std::vector<SavedImage> images) const {
        std::vector<std::string> listed;
        for (auto& image : images) {
            if (reference_.empty() ? images.size() == 1 : is_tagged(image, reference_)) return std::move(image);
            for (const auto& tag : image.tags) listed.push_back(printable(tag));
        }
        if (images.empty()) throw Error(ErrorKind::not_found, fmt::format("{} holds no image", name()));
        if (listed.size() > max_listed) {
            size_t more = listed.size() - max_listed;
            listed.resize(max_listed);
            listed.push_back(fmt::format("and {} more", more));
        }
        std::string names = listed.empty() ? "images without names only" : join(listed, ", ");
        if (reference_.empty()) {
            throw Error(ErrorKind::usage, fmt::format("{} holds several images", name()))
                .hint("add :NAME:TAG; it holds: " + names);
        }
        throw Error(ErrorKind::not_found, fmt::format("{} holds no image of that name", name()))
            .hint("it holds: " + names);
    }

    FileExtent require(const std::string& path) const {
        auto file = files_->find(path);
        if (!file) {
            throw Error(ErrorKind::integrity,
                        fmt::format("{} has no {}, which its manifest.json names", name(), quoted(path)));
        }
        return *file;
    }

    // Made at the first use, since it may have to read every layer.
    Contents& described(std::optional<Contents>& contents, const std::stop_token& stop) const {
        if (!contents) contents = with_context("reading " + name(), [&] { return describe(stop); });
        return *contents;
    }

    Contents describe(const std::stop_token& stop) const {
        Contents contents;
        FileExtent config_file = require(image_.config);
        std::string config_json = config_file.read_text(oci::max_config_size, "the image configuration");
        oci::ImageConfig config = oci::parse_image_config(config_json);
        if (config.diff_ids.size() != image_.layers.size()) {
            throw Error(ErrorKind::integrity,
                        fmt::format("manifest.json names {} layers, but the image configuration {}",
                                    image_.layers.size(), config.diff_ids.size()));
        }
        nlohmann::json layers = nlohmann::json::array();
        auto describe_file = [&](std::string_view media_type, const Digest& digest, const FileExtent& file) {
            contents.files.emplace(digest, file);
            return nlohmann::json{{"mediaType", media_type}, {"digest", digest.text()}, {"size", file.size()}};
        };
        for (size_t i = 0; i < image_.layers.size(); i++) {
            FileExtent file = require(image_.layers[i]);
            Digest digest = layer_digest(image_.layers[i], file, config.diff_ids[i], stop);
            layers.push_back(describe_file(oci::media_type::docker_layer, digest, file));
        }
        nlohmann::json manifest = {
            {"schemaVersion", 2},
            {"mediaType", oci::media_type::docker_manifest},
            {"config", describe_file(oci::media_type::docker_config, Digest::of(config_json), config_file)},
            {"layers", std::move(layers)}};
        std::string text = manifest.dump();
        Digest digest = Digest::of(text);
        contents.manifest = {std::move(text), std::string(oci::media_type::docker_manifest), std::move(digest),
                             std::nullopt};
        return contents;
    }

    // Of the bytes in the archive. Newer archives name files by it; that of an uncompressed layer is its diffID.
    // Whoever reads the layer verifies either; only a compressed layer of an older archive has to be read for it.
    static Digest layer_digest(const std::string& path, const FileExtent& file, const Digest& diff_id,
                               const std::stop_token& stop) {
        if (path.starts_with(blobs)) {
            if (auto digest = Digest::parse("sha256:" + path.substr(blobs.size()))) return *digest;
        }
        return is_compressed(file) ? file.sha256(stop) : diff_id;
    }

    std::string path_;
    std::string reference_;
    std::unique_ptr<FileSet> files_;
    SavedImage image_;
    Synchronized<std::optional<Contents>> contents_;
};

}  // namespace

std::unique_ptr<ImageSource> open_docker_archive(const std::string& path, const std::string& reference,
                                                 const UnpackArchive& unpack) {
    return std::make_unique<DockerArchive>(path, reference, unpack);
}

}  // namespace gbuild::registry
