#include "gbuild/base/digest.h"

#include <openssl/evp.h>

#include "gbuild/base/error.h"
#include "gbuild/base/fd.h"

namespace gbuild {

namespace {

const char* openssl_name(HashAlgorithm algorithm) {
    switch (algorithm) {
    case HashAlgorithm::sha256: return "SHA256";
    case HashAlgorithm::sha512: return "SHA512";
    case HashAlgorithm::sha3_224: return "SHA3-224";
    }
    return "";
}

int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

size_t hex_length(HashAlgorithm algorithm) { return algorithm == HashAlgorithm::sha512 ? 128 : 64; }

}  // namespace

struct Hasher::State {
    struct FreeMd {
        void operator()(EVP_MD* object) const { EVP_MD_free(object); }
    };
    struct FreeContext {
        void operator()(EVP_MD_CTX* object) const { EVP_MD_CTX_free(object); }
    };

    std::unique_ptr<EVP_MD, FreeMd> md;
    std::unique_ptr<EVP_MD_CTX, FreeContext> context;

    void begin() const {
        if (EVP_DigestInit_ex2(context.get(), md.get(), nullptr) != 1) {
            throw Error(ErrorKind::internal, "OpenSSL cannot start a digest");
        }
    }
};

Hasher::Hasher(HashAlgorithm algorithm) : state_(std::make_unique<State>()) {
    state_->md.reset(EVP_MD_fetch(nullptr, openssl_name(algorithm), nullptr));
    state_->context.reset(EVP_MD_CTX_new());
    if (!state_->md || !state_->context) {
        throw Error(ErrorKind::internal, std::string("OpenSSL has no ") + openssl_name(algorithm));
    }
    state_->begin();
}
Hasher::Hasher(Hasher&&) noexcept = default;
Hasher& Hasher::operator=(Hasher&&) noexcept = default;
Hasher::~Hasher() = default;

void Hasher::update(std::span<const std::byte> bytes) {
    EVP_DigestUpdate(state_->context.get(), bytes.data(), bytes.size());
}
void Hasher::update(std::string_view text) { update(as_bytes(text)); }

void Hasher::finish(std::span<std::byte> out) {
    if (out.size() != static_cast<size_t>(EVP_MD_get_size(state_->md.get()))) {
        throw Error(ErrorKind::internal, "digest buffer of the wrong size");
    }
    EVP_DigestFinal_ex(state_->context.get(), reinterpret_cast<unsigned char*>(out.data()), nullptr);
    state_->begin();
}

std::string Hasher::finish_hex() {
    std::array<std::byte, EVP_MAX_MD_SIZE> buffer;
    auto out = std::span(buffer).first(static_cast<size_t>(EVP_MD_get_size(state_->md.get())));
    finish(out);
    return to_hex(out);
}

Sha256Sum sha256(std::span<const std::byte> bytes) {
    // One context a thread: fetching the algorithm costs more than hashing a small block.
    thread_local Hasher hasher(HashAlgorithm::sha256);
    Sha256Sum sum;
    hasher.update(bytes);
    hasher.finish(sum);
    return sum;
}

std::string to_hex(std::span<const std::byte> bytes) {
    constexpr char digits[] = "0123456789abcdef";
    std::string hex;
    hex.reserve(bytes.size() * 2);
    for (std::byte b : bytes) {
        hex += digits[std::to_integer<unsigned>(b) >> 4];
        hex += digits[std::to_integer<unsigned>(b) & 15];
    }
    return hex;
}

bool from_hex(std::string_view hex, std::span<std::byte> out) {
    if (hex.size() != out.size() * 2) return false;
    for (size_t i = 0; i < out.size(); i++) {
        int high = hex_value(hex[2 * i]);
        int low = hex_value(hex[2 * i + 1]);
        if (high < 0 || low < 0) return false;
        out[i] = static_cast<std::byte>(high << 4 | low);
    }
    return true;
}

std::optional<Digest> Digest::parse(std::string_view text) {
    HashAlgorithm algorithm;
    if (text.starts_with("sha256:"))
        algorithm = HashAlgorithm::sha256;
    else if (text.starts_with("sha512:"))
        algorithm = HashAlgorithm::sha512;
    else
        return std::nullopt;
    std::string_view hex = text.substr(7);
    if (hex.size() != hex_length(algorithm)) return std::nullopt;
    if (hex.find_first_not_of("0123456789abcdef") != std::string_view::npos) return std::nullopt;
    Digest digest;
    digest.text_ = text;
    return digest;
}

Digest Digest::of_sha256(const Sha256Sum& sum) {
    Digest digest;
    digest.text_ = "sha256:" + to_hex(sum);
    return digest;
}
Digest Digest::of(std::span<const std::byte> bytes) { return of_sha256(sha256(bytes)); }
Digest Digest::of(std::string_view text) { return of(as_bytes(text)); }

std::string_view Digest::hex() const { return text_.empty() ? std::string_view() : std::string_view(text_).substr(7); }

HashAlgorithm Digest::algorithm() const {
    return text_.starts_with("sha512:") ? HashAlgorithm::sha512 : HashAlgorithm::sha256;
}

}  // namespace gbuild
