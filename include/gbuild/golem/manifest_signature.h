// Signatures of payload manifests, as providers verify them: SHA-256 over the manifest's base64 text, by the key of an
// X.509 certificate.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace gbuild::golem {

constexpr std::string_view signature_algorithm = "sha256";

// Asked for the passphrase of a key that has one; nullopt: there is none.
using Passphrase = std::function<std::optional<std::string>()>;

// The signature's bytes. `key` is a private key in PEM or DER, `certificates` (PEM, or one in DER) the certificate for
// it, behind those that lead to it. Throws usage for a key that cannot be read, and for a last certificate of another
// key.
std::string sign_manifest(std::string_view base64_text, std::string_view key, std::string_view certificates,
                          const Passphrase& passphrase);

// What a certificate is about.
struct CertificateFacts {
    std::string subject, issuer;
    int64_t not_before = 0, not_after = 0;  // seconds since the epoch
};
// Of the last of `certificates`. Throws integrity.
CertificateFacts certificate_facts(std::string_view certificates);

// Throws integrity unless the last certificate's key made the signature and, when there are `authorities` (PEM), they
// vouch for the certificates at the time `now`.
void verify_manifest(std::string_view base64_text, std::string_view signature, std::string_view certificates,
                     const std::optional<std::string>& authorities, int64_t now);

}  // namespace gbuild::golem
