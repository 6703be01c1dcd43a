#include <algorithm>

#include <fmt/format.h>

#include "file_set.h"
#include "gbuild/base/error.h"
#include "gbuild/base/fd.h"
#include "gbuild/base/text.h"
#include "gbuild/oci/media_type.h"
#include "gbuild/registry/image_source.h"

namespace gbuild::registry {

namespace {

// An image of several platforms is an index; in a layout another one may stand before it.
constexpr int max_indexes = 2;
// Entries whose configurations are looked into to find a platform.
constexpr int max_asked = 32;

using Document = std::variant<oci::Manifest, oci::Index>;

bool is_image(const oci::Descriptor& entry) {
    return oci::is_index_type(entry.media_type) || oci::is_manifest_type(entry.media_type);
}

bool is_index(const Document& document) { return std::holds_alternative<oci::Index>(document); }

// The document an index's entry stands for. Whatever the source checked, what an image is rests on this.
Document fetch_entry(ImageSource& source, const oci::Descriptor& entry, ManifestDocument& raw,
                     const std::stop_token& stop) {
    if (!is_image(entry)) {
        throw Error(ErrorKind::unsupported, fmt::format("the index's entry {} is {}, not an image", entry.digest.text(),
                                                        quoted(entry.media_type)));
    }
    raw = source.manifest(entry, stop);
    verify_text(raw.json, entry.digest, entry.size, "manifest " + entry.digest.text());
    // The entry's type is covered by a digest, the transport's by nothing.
    Document document = oci::parse_manifest(raw.json, entry.media_type);
    if (is_index(document) != oci::is_index_type(entry.media_type)) {
        throw Error(ErrorKind::integrity,
                    fmt::format("{} is {}, but its index says {}", entry.digest.text(),
                                is_index(document) ? "an index" : "an image manifest", entry.media_type));
    }
    return document;
}

// A small blob in memory.
class TextSink : public BlobSink {
  public:
    explicit TextSink(uint64_t cap) : cap_(cap) {}
    uint64_t received() const override { return text_.size(); }
    void append(std::span<const std::byte> bytes) override {
        if (bytes.size() > cap_ - text_.size()) throw Error(ErrorKind::integrity, "a blob is larger than its size");
        text_ += as_text(bytes);
    }
    void restart() override { text_.clear(); }
    const std::string& text() const { return text_; }

  private:
    uint64_t cap_;
    std::string text_;
};

// The platform that the configuration of an index's entry names; nullopt when the entry is an index itself.
std::optional<oci::Platform> platform_of(ImageSource& source, const oci::Descriptor& entry,
                                         const std::stop_token& stop) {
    ManifestDocument raw;
    const Document document = fetch_entry(source, entry, raw, stop);
    const auto* manifest = std::get_if<oci::Manifest>(&document);
    if (!manifest) return std::nullopt;
    TextSink sink(manifest->config.size);
    source.fetch_blob(manifest->config, sink, stop);
    verify_text(sink.text(), manifest->config.digest, manifest->config.size, "the image configuration");
    const oci::Platform platform = oci::parse_image_config(sink.text()).platform;
    return platform.os.empty() || platform.architecture.empty() ? std::nullopt : std::optional(platform);
}

// Several entries that name no platform are told apart by their images' configurations, as containerd does.
oci::Descriptor choose(ImageSource& source, oci::Index index, const oci::Platform& platform,
                       const std::stop_token& stop) {
    // Artifacts beside an image, such as signatures, are not for a platform.
    if (std::any_of(index.manifests.begin(), index.manifests.end(), is_image)) {
        std::erase_if(index.manifests,
                      [](const oci::Descriptor& entry) { return !entry.platform && !is_image(entry); });
    }
    const auto nameless = std::count_if(index.manifests.begin(), index.manifests.end(),
                                        [](const oci::Descriptor& entry) { return !entry.platform; });
    const bool is_named = std::any_of(index.manifests.begin(), index.manifests.end(), [&](const auto& entry) {
        return entry.platform && oci::matches(platform, *entry.platform);
    });
    if (!is_named && nameless > 1 && nameless <= max_asked) {
        for (oci::Descriptor& entry : index.manifests) {
            if (!entry.platform) entry.platform = platform_of(source, entry, stop);
        }
    }
    return oci::choose_platform(index, platform);
}

ResolvedImage resolve(ImageSource& source, const oci::Platform& platform, const std::stop_token& stop) {
    ManifestDocument raw = source.root_manifest(stop);
    verify_text(raw.json, raw.digest, raw.json.size(), "manifest");
    Digest root_digest = raw.digest;
    std::optional<oci::Platform> named = raw.platform;
    Document document = oci::parse_manifest(raw.json, raw.media_type);
    for (int indexes = 1; auto* index = std::get_if<oci::Index>(&document); indexes++) {
        if (indexes > max_indexes) {
            throw Error(ErrorKind::unsupported, fmt::format("more than {} indexes lead to the image", max_indexes));
        }
        oci::Descriptor entry = choose(source, *index, platform, stop);
        document = fetch_entry(source, entry, raw, stop);
        raw.digest = entry.digest;
        if (entry.platform) named = entry.platform;
    }
    return {std::get<oci::Manifest>(std::move(document)), std::move(raw.json), raw.digest, root_digest, named};
}

}  // namespace

ResolvedImage resolve_image(ImageSource& source, const oci::Platform& platform, std::stop_token stop) {
    return with_context([&] { return "reading the manifest of " + source.name(); },
                        [&] { return resolve(source, platform, stop); });
}

}  // namespace gbuild::registry
