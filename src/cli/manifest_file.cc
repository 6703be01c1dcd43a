#include "gbuild/cli/manifest_file.h"

#include <fmt/format.h>

#include "gbuild/base/fd.h"
#include "gbuild/base/text.h"
#include "gbuild/golem/manifest_signature.h"
#include "gbuild/oci/json.h"
#include "gbuild/registry/base64.h"

namespace gbuild::cli {

namespace {

constexpr size_t max_file_size = 4u << 20;
constexpr const char* payload_key = "golem.srv.comp.payload";
constexpr const char* signature_key = "golem.srv.comp.payload.sig";
constexpr const char* algorithm_key = "golem.srv.comp.payload.sig.algorithm";
constexpr const char* certificate_key = "golem.srv.comp.payload.cert";

std::string decoded(const std::string& text, std::string_view what) {
    auto bytes = registry::base64_decode(trim(text));
    if (!bytes) throw Error(ErrorKind::integrity, fmt::format("{} is not base64", what));
    return std::move(*bytes);
}

ManifestFile read_properties(const oci::JsonValue& root) {
    ManifestFile file;
    file.base64 = root.require(payload_key).string();
    const auto signature = root.get(signature_key);
    if (!signature) return file;
    file.signature = signature->string();
    file.certificates = decoded(root.require(certificate_key).string(), certificate_key);
    const auto algorithm = root.get(algorithm_key);
    if (algorithm && algorithm->string() != golem::signature_algorithm)
        algorithm->fail(fmt::format("must be {}", golem::signature_algorithm));
    return file;
}

}  // namespace

std::string ManifestFile::json() const { return decoded(base64, "the manifest"); }
std::string ManifestFile::signature_bytes() const { return decoded(signature, "the signature"); }

Json properties_json(const ManifestFile& manifest) {
    return Json{{payload_key, manifest.base64},
                {signature_key, manifest.signature},
                {algorithm_key, golem::signature_algorithm},
                {certificate_key, registry::base64_encode(manifest.certificates)}};
}

ManifestFile read_manifest_file(const std::filesystem::path& path) {
    const std::string text = read_text_file(path, max_file_size);
    if (!trim(text).starts_with('{')) return {std::string(trim(text)), "", ""};
    const nlohmann::json document = oci::parse_json(text, "manifest");
    const oci::JsonValue root(document, "manifest");
    if (root.has(payload_key)) return read_properties(root);
    return {registry::base64_encode(text), "", ""};
}

}  // namespace gbuild::cli
