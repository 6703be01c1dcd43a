// Digests as OCI writes them ("sha256:…"), and the hash functions behind them.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace gbuild {

enum class HashAlgorithm { sha256, sha512, sha3_224 };

// An incremental hash. After finish() the object starts afresh.
class Hasher {
  public:
    explicit Hasher(HashAlgorithm algorithm);
    Hasher(Hasher&&) noexcept;
    Hasher& operator=(Hasher&&) noexcept;
    ~Hasher();

    void update(std::span<const std::byte> bytes);
    void update(std::string_view text);
    // Writes the digest's bytes (28, 32 or 64 by algorithm) to `out`, which must have that size exactly.
    void finish(std::span<std::byte> out);
    std::string finish_hex();

  private:
    struct State;
    std::unique_ptr<State> state_;
};

// A raw SHA-256, for tables that hold many of them.
using Sha256Sum = std::array<std::byte, 32>;
Sha256Sum sha256(std::span<const std::byte> bytes);
struct Sha256SumHash {
    size_t operator()(const Sha256Sum& sum) const {
        size_t value;
        std::memcpy(&value, sum.data(), sizeof value);
        return value;
    }
};

// Lower-case hexadecimal.
std::string to_hex(std::span<const std::byte> bytes);
// nullopt unless `hex` is exactly 2 × out.size() hexadecimal digits.
bool from_hex(std::string_view hex, std::span<std::byte> out);

// An OCI digest: "sha256:<64 hex>" or "sha512:<128 hex>" (image-spec, descriptor.md). Default-constructed: empty.
class Digest {
  public:
    Digest() = default;
    // nullopt for anything else, upper-case digits included.
    static std::optional<Digest> parse(std::string_view text);
    static Digest of_sha256(const Sha256Sum& sum);
    // The sha256 of `bytes`.
    static Digest of(std::span<const std::byte> bytes);
    static Digest of(std::string_view text);

    bool empty() const { return text_.empty(); }
    const std::string& text() const { return text_; }  // "sha256:…"
    std::string_view hex() const;
    std::string short_hex() const { return std::string(hex().substr(0, 12)); }
    HashAlgorithm algorithm() const;

    auto operator<=>(const Digest&) const = default;

  private:
    std::string text_;
};

}  // namespace gbuild

template <>
struct std::hash<gbuild::Digest> {
    size_t operator()(const gbuild::Digest& digest) const { return std::hash<std::string>()(digest.text()); }
};
