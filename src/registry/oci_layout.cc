#include <algorithm>

#include <fmt/format.h>

#include "file_set.h"
#include "gbuild/base/error.h"
#include "gbuild/base/text.h"
#include "gbuild/oci/json.h"
#include "gbuild/oci/media_type.h"
#include "gbuild/registry/image_source.h"
#include "oci_layout.h"

namespace gbuild::registry {

namespace {

constexpr size_t max_version_file = 4096;
constexpr size_t max_names_listed = 10;

std::string annotation(const oci::Descriptor& entry, const std::string& key) {
    auto found = entry.annotations.find(key);
    return found == entry.annotations.end() ? std::string() : found->second;
}

std::string name_of(const oci::Descriptor& entry) { return annotation(entry, "org.opencontainers.image.ref.name"); }

bool is_called(const oci::Descriptor& entry, const std::string& reference) {
    // buildx puts the tag alone into ref.name, and the whole name here.
    return reference == name_of(entry) || reference == annotation(entry, "io.containerd.image.name") ||
           reference == entry.digest.text();
}

std::string list_entries(const oci::Index& index) {
    std::vector<std::string> names;
    for (const auto& entry : index.manifests) {
        if (names.size() == max_names_listed) {
            names.push_back(fmt::format("and {} more", index.manifests.size() - max_names_listed));
            break;
        }
        names.push_back(name_of(entry).empty() ? entry.digest.text() : printable(name_of(entry)));
    }
    return join(names, ", ");
}

// The layout's index is the image's own when its entries differ only by platform.
bool is_one_image(const oci::Index& index) {
    return std::all_of(index.manifests.begin(), index.manifests.end(),
                       [](const oci::Descriptor& entry) { return entry.platform && name_of(entry).empty(); });
}

class OciLayout : public ImageSource {
  public:
    OciLayout(const std::string& path, std::string reference, const UnpackArchive& unpack) :
        path_(path), reference_(std::move(reference)), files_(open_file_set(path, unpack)) {
        check_layout_version(*files_, path_);
        index_json_ = require("index.json").read_text(oci::max_manifest_size, "index.json");
        auto document = oci::parse_manifest(index_json_, "");
        if (!std::holds_alternative<oci::Index>(document)) {
            throw Error(ErrorKind::integrity, fmt::format("index.json of {} is no index", name()));
        }
        index_ = std::get<oci::Index>(std::move(document));
    }

    std::string name() const override { return "oci-layout://" + path_ + (reference_.empty() ? "" : ':' + reference_); }

    ManifestDocument root_manifest(std::stop_token stop) override {
        if (reference_.empty() && index_.manifests.size() > 1 && is_one_image(index_)) {
            return {index_json_, index_.media_type, Digest::of(index_json_), std::nullopt};
        }
        const oci::Descriptor& entry = chosen();
        ManifestDocument document = manifest(entry, stop);
        document.platform = entry.platform;
        return document;
    }

    ManifestDocument manifest(const oci::Descriptor& descriptor, std::stop_token) override {
        std::string what = fmt::format("manifest {} of {}", descriptor.digest.text(), name());
        std::string text = blob(descriptor).read_text(oci::max_manifest_size, what);
        verify_text(text, descriptor.digest, descriptor.size, what);
        return {std::move(text), descriptor.media_type, descriptor.digest};
    }

    void fetch_blob(const oci::Descriptor& descriptor, BlobSink& sink, std::stop_token stop) override {
        FileExtent file = blob(descriptor);
        if (file.size() != descriptor.size) {
            throw Error(ErrorKind::integrity,
                        fmt::format("blob {} of {} has {} bytes, but should have {}", descriptor.digest.text(), name(),
                                    file.size(), descriptor.size));
        }
        file.append_rest(sink, stop);
    }

  private:
    FileExtent require(const std::string& path) const {
        auto file = files_->find(path);
        if (!file) {
            throw Error(ErrorKind::not_found, fmt::format("{} has no {}", name(), path))
                .hint("the layout is incomplete: copy it once more");
        }
        return *file;
    }

    FileExtent blob(const oci::Descriptor& descriptor) const {
        const char* algorithm = descriptor.digest.algorithm() == HashAlgorithm::sha512 ? "sha512" : "sha256";
        return require(fmt::format("blobs/{}/{}", algorithm, descriptor.digest.hex()));
    }

    const oci::Descriptor& chosen() const {
        std::vector<const oci::Descriptor*> fitting;
        for (const auto& entry : index_.manifests) {
            if (reference_.empty() || is_called(entry, reference_)) fitting.push_back(&entry);
        }
        bool same = std::all_of(fitting.begin(), fitting.end(),
                                [&](const oci::Descriptor* entry) { return entry->digest == fitting[0]->digest; });
        if (!fitting.empty() && same) return *fitting[0];
        if (index_.manifests.empty()) throw Error(ErrorKind::not_found, fmt::format("{} holds no image", name()));
        std::string listed = list_entries(index_);
        if (fitting.empty()) {
            throw Error(ErrorKind::not_found, fmt::format("{} holds no image of that name", name()))
                .hint("it holds: " + listed);
        }
        if (reference_.empty()) {
            throw Error(ErrorKind::usage, fmt::format("{} holds several images", name()))
                .hint(fmt::format("add :NAME, one of: {}", listed));
        }
        throw Error(ErrorKind::integrity, fmt::format("{} names several images", name()));
    }

    std::string path_;
    std::string reference_;
    std::unique_ptr<FileSet> files_;
    std::string index_json_;
    oci::Index index_;
};

}  // namespace

void check_layout_version(const FileSet& files, const std::string& path) {
    auto file = files.find("oci-layout");
    if (!file) {
        throw Error(ErrorKind::unsupported,
                    fmt::format("{} is no OCI image layout: it has no oci-layout file", quoted(path)))
            .hint("for the output of docker save, use docker-archive://");
    }
    nlohmann::json document = oci::parse_json(file->read_text(max_version_file, "oci-layout"), "oci-layout");
    oci::JsonValue version = oci::JsonValue(document, "oci-layout").require("imageLayoutVersion");
    if (!version.string().starts_with("1.")) {
        version.fail(fmt::format("version {} is not supported", quoted(version.string())), ErrorKind::unsupported);
    }
}

std::unique_ptr<ImageSource> open_oci_layout(const std::string& path, const std::string& reference,
                                             const UnpackArchive& unpack) {
    return std::make_unique<OciLayout>(path, reference, unpack);
}

}  // namespace gbuild::registry
