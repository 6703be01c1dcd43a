#include <fmt/format.h>

#include "file_set.h"
#include "gbuild/base/error.h"
#include "gbuild/base/text.h"
#include "gbuild/oci/media_type.h"
#include "gbuild/registry/image_source.h"

namespace gbuild::registry {

namespace {

// An image of several platforms is an index; in a layout another one may stand before it.
constexpr int max_indexes = 2;

using Document = std::variant<oci::Manifest, oci::Index>;

bool is_index(const Document& document) { return std::holds_alternative<oci::Index>(document); }

// The document an index's entry stands for. Whatever the source checked, what an image is rests on this.
Document fetch_entry(ImageSource& source, const oci::Descriptor& entry, ManifestDocument& raw,
                     const std::stop_token& stop) {
    if (!oci::is_index_type(entry.media_type) && !oci::is_manifest_type(entry.media_type)) {
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
        oci::Descriptor entry = oci::choose_platform(*index, platform);
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
