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

const std::string& media_type_of(const Document& document) {
    return std::visit([](const auto& parsed) -> const std::string& { return parsed.media_type; }, document);
}

// The document an index's entry stands for. Whatever the source checked, what an image is rests on this.
Document fetch_entry(ImageSource& source, const oci::Descriptor& entry, ManifestDocument& raw,
                     const std::stop_token& stop) {
    if (!oci::is_index_type(entry.media_type) && !oci::is_manifest_type(entry.media_type)) {
        throw Error(ErrorKind::unsupported, fmt::format("the index's entry {} is {}, not an image", entry.digest.text(),
                                                        quoted(entry.media_type)));
    }
    raw = source.manifest(entry, stop);
    verify_text(raw.json, entry.digest, entry.size, "manifest " + entry.digest.text());
    Document document = oci::parse_manifest(raw.json, raw.media_type);
    if (media_type_of(document) != entry.media_type) {
        throw Error(ErrorKind::integrity, fmt::format("manifest {} is {}, but its index says {}", entry.digest.text(),
                                                      media_type_of(document), entry.media_type));
    }
    return document;
}

ResolvedImage resolve(ImageSource& source, const oci::Platform& platform, const std::stop_token& stop) {
    ManifestDocument raw = source.root_manifest(stop);
    verify_text(raw.json, raw.digest, raw.json.size(), "manifest");
    Digest root_digest = raw.digest;
    Document document = oci::parse_manifest(raw.json, raw.media_type);
    for (int indexes = 1; auto* index = std::get_if<oci::Index>(&document); indexes++) {
        if (indexes > max_indexes) {
            throw Error(ErrorKind::unsupported, fmt::format("more than {} indexes lead to the image", max_indexes));
        }
        oci::Descriptor entry = oci::choose_platform(*index, platform);
        document = fetch_entry(source, entry, raw, stop);
        raw.digest = entry.digest;
    }
    return {std::get<oci::Manifest>(std::move(document)), std::move(raw.json), raw.digest, root_digest};
}

}  // namespace

ResolvedImage resolve_image(ImageSource& source, const oci::Platform& platform, std::stop_token stop) {
    return with_context([&] { return "reading the manifest of " + source.name(); },
                        [&] { return resolve(source, platform, stop); });
}

}  // namespace gbuild::registry
