#include "gbuild/registry/artifact.h"

#include <unistd.h>

#include <fmt/format.h>

#include "file_set.h"
#include "gbuild/base/error.h"
#include "gbuild/base/text.h"
#include "gbuild/oci/media_type.h"

namespace gbuild::registry {

namespace {

std::string name_of_blob(const ImageSource& source, const oci::Descriptor& blob) {
    return fmt::format("blob {} of {}", blob.digest.text(), source.name());
}

class TextSink : public BlobSink {
  public:
    explicit TextSink(uint64_t size) { text_.reserve(size); }
    uint64_t received() const override { return text_.size(); }
    void append(std::span<const std::byte> bytes) override { text_ += as_text(bytes); }
    void restart() override { text_.clear(); }
    std::string take() { return std::move(text_); }

  private:
    std::string text_;
};

// Writes to a file and hashes on the way.
class HashedFileSink : public BlobSink {
  public:
    HashedFileSink(int fd, HashAlgorithm algorithm) : fd_(fd), algorithm_(algorithm), hasher_(algorithm) {}

    uint64_t received() const override { return received_; }
    void append(std::span<const std::byte> bytes) override {
        pwrite_all(fd_, bytes, received_);
        hasher_.update(bytes);
        received_ += bytes.size();
    }
    void restart() override {
        if (::ftruncate(fd_, 0) != 0) throw_errno("cannot empty the file of a blob");
        hasher_ = Hasher(algorithm_);
        received_ = 0;
    }
    std::string finish_hex() { return hasher_.finish_hex(); }

  private:
    int fd_;
    HashAlgorithm algorithm_;
    Hasher hasher_;
    uint64_t received_ = 0;
};

// What a source of another kind says of itself begins with its name.
oci::Artifact parse_named(const ImageSource& source, const oci::ArtifactKind& kind, const ManifestDocument& raw) {
    try {
        return oci::parse_artifact(kind, raw.json, raw.media_type);
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::unsupported) throw;
        throw Error(error.kind(), fmt::format("{} {}", source.name(), error.message())).hint(error.hint());
    }
}

FetchedArtifact fetch(ImageSource& source, const oci::ArtifactKind& kind, const std::stop_token& stop) {
    ManifestDocument raw = source.root_manifest(stop);
    verify_text(raw.json, raw.digest, raw.json.size(), fmt::format("the manifest of {}", source.name()));
    FetchedArtifact out{parse_named(source, kind, raw), {}, raw.digest};
    out.config = fetch_text(source, out.manifest.config, oci::max_config_size, stop);
    return out;
}

}  // namespace

FetchedArtifact fetch_artifact(ImageSource& source, const oci::ArtifactKind& kind, std::stop_token stop) {
    return with_context([&] { return fmt::format("reading the {} {}", kind.name, source.name()); },
                        [&] { return fetch(source, kind, stop); });
}

std::string fetch_text(ImageSource& source, const oci::Descriptor& blob, uint64_t cap, std::stop_token stop) {
    std::string what = name_of_blob(source, blob);
    if (blob.size > cap) {
        throw Error(ErrorKind::limit, fmt::format("{} of {} is larger than the {} allowed", what, human_size(blob.size),
                                                  human_size(cap)));
    }
    TextSink sink(blob.size);
    source.fetch_blob(blob, sink, stop);
    std::string text = sink.take();
    verify_text(text, blob.digest, blob.size, what);
    return text;
}

void fetch_to_file(ImageSource& source, const oci::Descriptor& blob, int fd, std::stop_token stop) {
    HashedFileSink sink(fd, blob.digest.algorithm());
    source.fetch_blob(blob, sink, stop);
    if (sink.received() != blob.size || sink.finish_hex() != blob.digest.hex()) {
        throw Error(ErrorKind::integrity,
                    fmt::format("{} does not have the digest that it was fetched by", name_of_blob(source, blob)));
    }
}

oci::Descriptor describe(std::string_view bytes, std::string media_type) {
    oci::Descriptor out;
    out.media_type = std::move(media_type);
    out.digest = Digest::of(bytes);
    out.size = bytes.size();
    return out;
}

Digest put_artifact(ImageDestination& destination, const oci::ArtifactKind& kind, oci::Artifact artifact,
                    const std::string& config, std::stop_token stop) {
    artifact.config = describe(config, std::string(kind.config_type));
    std::string json = oci::artifact_json(kind, artifact);
    if (!destination.has_blob(artifact.config, stop)) {
        destination.put_blob(artifact.config, TextContent(config), stop);
    }
    destination.put_manifest(json, std::string(oci::media_type::oci_manifest), stop);
    return Digest::of(json);
}

}  // namespace gbuild::registry
