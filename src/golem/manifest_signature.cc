#include "gbuild/golem/manifest_signature.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

#include <algorithm>
#include <array>
#include <memory>
#include <vector>

#include <fmt/format.h>

#include "gbuild/base/error.h"

namespace gbuild::golem {

namespace {

template <auto free_it>
struct Free {
    template <class Object>
    void operator()(Object* object) const {
        free_it(object);
    }
};
void free_stack(STACK_OF(X509) * stack) { sk_X509_free(stack); }

using Bio = std::unique_ptr<BIO, Free<BIO_free_all>>;
using Key = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Free<X509_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, Free<EVP_MD_CTX_free>>;

Bio reading(std::string_view text) {
    Bio bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
    if (!bio) throw Error(ErrorKind::internal, "OpenSSL has no memory");
    return bio;
}

const unsigned char* as_octets(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

// OpenSSL's own reason, which is not left for others to find.
std::string reason() {
    std::array<char, 256> text{};
    const unsigned long code = ERR_get_error();
    ERR_clear_error();
    if (code == 0) return "";
    ERR_error_string_n(code, text.data(), text.size());
    const std::string_view whole = text.data();
    return fmt::format(" ({})", whole.substr(whole.rfind(':') + 1));
}

int give_passphrase(char* buffer, int size, int, void* asked) {
    const auto text = (*static_cast<const Passphrase*>(asked))();
    if (!text || text->size() > static_cast<size_t>(size)) return -1;
    std::copy(text->begin(), text->end(), buffer);
    return static_cast<int>(text->size());
}

Key read_key(std::string_view text, const Passphrase& passphrase) {
    bool was_asked = false;
    const Passphrase asking = [&] {
        was_asked = true;
        return passphrase ? passphrase() : std::nullopt;
    };
    const Bio bio = reading(text);
    Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, give_passphrase, const_cast<Passphrase*>(&asking)));
    if (!key && text.find("-----BEGIN") == std::string_view::npos) {
        const unsigned char* octets = as_octets(text);
        key.reset(d2i_AutoPrivateKey(nullptr, &octets, static_cast<long>(text.size())));
    }
    const std::string why = reason();
    if (key) return key;
    if (was_asked) {
        throw Error(ErrorKind::usage, "the key needs a passphrase" + why)
            .hint("put the right one into the variable GBUILD_KEY_PASSPHRASE");
    }
    throw Error(ErrorKind::usage, "the key is not a private key in PEM or DER" + why)
        .hint("openssl genpkey makes one; ssh's own format is another");
}

std::vector<Certificate> read_certificates(std::string_view text) {
    std::vector<Certificate> certificates;
    const Bio bio = reading(text);
    while (X509* certificate = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr))
        certificates.emplace_back(certificate);
    ERR_clear_error();  // the end of the text counts as one
    if (certificates.empty()) {
        const unsigned char* octets = as_octets(text);
        if (X509* certificate = d2i_X509(nullptr, &octets, static_cast<long>(text.size())))
            certificates.emplace_back(certificate);
    }
    if (certificates.empty()) throw Error(ErrorKind::integrity, "there is no certificate in PEM or DER" + reason());
    return certificates;
}

bool fits(const X509* certificate, const EVP_PKEY* key) {
    const EVP_PKEY* own = X509_get0_pubkey(certificate);
    return own && EVP_PKEY_eq(own, key) == 1;
}

void require_last(const std::vector<Certificate>& certificates, const EVP_PKEY* key) {
    if (fits(certificates.back().get(), key)) return;
    ERR_clear_error();
    const bool elsewhere = std::any_of(certificates.begin(), certificates.end(),
                                       [&](const Certificate& one) { return fits(one.get(), key); });
    throw Error(ErrorKind::usage,
                elsewhere ? "the certificate of the key is not the last one" : "the certificate is for another key")
        .hint(elsewhere ? "providers take the last certificate for the signer's: write those that lead to it before it"
                        : "give the certificate that was made for the key");
}

std::string name_text(const X509_NAME* name) {
    const Bio bio(BIO_new(BIO_s_mem()));
    if (!bio || X509_NAME_print_ex(bio.get(), name, 0, XN_FLAG_RFC2253) < 0) return "";
    char* text = nullptr;
    const long size = BIO_get_mem_data(bio.get(), &text);
    return std::string(text, static_cast<size_t>(size));
}

int64_t seconds_of(const ASN1_TIME* time) {
    const std::unique_ptr<ASN1_TIME, Free<ASN1_TIME_free>> epoch(ASN1_TIME_set(nullptr, 0));
    int days = 0, seconds = 0;
    if (!epoch || ASN1_TIME_diff(&days, &seconds, epoch.get(), time) != 1)
        throw Error(ErrorKind::integrity, "a time of the certificate is malformed" + reason());
    return int64_t{days} * 86400 + seconds;
}

void require_trusted(const std::vector<Certificate>& certificates, const std::string& authorities, int64_t now) {
    const std::unique_ptr<X509_STORE, Free<X509_STORE_free>> store(X509_STORE_new());
    const std::unique_ptr<X509_STORE_CTX, Free<X509_STORE_CTX_free>> context(X509_STORE_CTX_new());
    const std::unique_ptr<STACK_OF(X509), Free<free_stack>> chain(sk_X509_new_null());
    if (!store || !context || !chain) throw Error(ErrorKind::internal, "OpenSSL has no memory");
    for (const Certificate& authority : read_certificates(authorities))
        X509_STORE_add_cert(store.get(), authority.get());
    for (const Certificate& one : certificates) sk_X509_push(chain.get(), one.get());
    if (X509_STORE_CTX_init(context.get(), store.get(), certificates.back().get(), chain.get()) != 1)
        throw Error(ErrorKind::internal, "OpenSSL cannot verify certificates" + reason());
    X509_VERIFY_PARAM* parameters = X509_STORE_CTX_get0_param(context.get());
    X509_VERIFY_PARAM_set_time(parameters, now);
    // An authority need not be a root, as in a provider's key store.
    X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_PARTIAL_CHAIN);
    if (X509_verify_cert(context.get()) == 1) return;
    const int code = X509_STORE_CTX_get_error(context.get());
    ERR_clear_error();
    throw Error(ErrorKind::integrity,
                fmt::format("the certificate is not trusted: {}", X509_verify_cert_error_string(code)));
}

}  // namespace

std::string sign_manifest(std::string_view base64_text, std::string_view key_text, std::string_view certificates,
                          const Passphrase& passphrase) {
    const Key key = read_key(key_text, passphrase);
    require_last(read_certificates(certificates), key.get());
    const DigestContext context(EVP_MD_CTX_new());
    size_t size = 0;
    bool good = context && EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key.get()) == 1 &&
                EVP_DigestSign(context.get(), nullptr, &size, as_octets(base64_text), base64_text.size()) == 1;
    std::string signature(size, '\0');
    good = good && EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                                  as_octets(base64_text), base64_text.size()) == 1;
    if (!good) {
        throw Error(ErrorKind::usage, "the key cannot sign with SHA-256" + reason())
            .hint("use an RSA key or an elliptic curve; Ed25519 has a hash of its own");
    }
    signature.resize(size);
    return signature;
}

CertificateFacts certificate_facts(std::string_view certificates) {
    const std::vector<Certificate> all = read_certificates(certificates);
    const X509* last = all.back().get();
    return {name_text(X509_get_subject_name(last)), name_text(X509_get_issuer_name(last)),
            seconds_of(X509_get0_notBefore(last)), seconds_of(X509_get0_notAfter(last))};
}

void verify_manifest(std::string_view base64_text, std::string_view signature, std::string_view certificates,
                     const std::optional<std::string>& authorities, int64_t now) {
    const std::vector<Certificate> all = read_certificates(certificates);
    EVP_PKEY* key = X509_get0_pubkey(all.back().get());
    const DigestContext context(EVP_MD_CTX_new());
    const bool good = key && context && EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key) == 1 &&
                      EVP_DigestVerify(context.get(), as_octets(signature), signature.size(), as_octets(base64_text),
                                       base64_text.size()) == 1;
    ERR_clear_error();
    if (!good) throw Error(ErrorKind::integrity, "the signature is not one of the certificate's key for this manifest");
    if (authorities) require_trusted(all, *authorities, now);
}

}  // namespace gbuild::golem
