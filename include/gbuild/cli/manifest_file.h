// A payload manifest in a file: as JSON, in base64, or as the signed properties of a demand.
#pragma once

#include <filesystem>
#include <string>

#include "gbuild/cli/json_text.h"

namespace gbuild::cli {

struct ManifestFile {
    std::string base64;        // the manifest's text, which a signature is of
    std::string signature;     // in base64; empty: not signed
    std::string certificates;  // PEM or DER

    // Both throw integrity for what is not base64.
    std::string json() const;
    std::string signature_bytes() const;
};

// golem.srv.comp.payload, .sig, .sig.algorithm and .cert.
Json properties_json(const ManifestFile& manifest);
// Throws not_found, limit, and integrity for a file that is none of the three, or is signed in another way.
ManifestFile read_manifest_file(const std::filesystem::path& path);

}  // namespace gbuild::cli
