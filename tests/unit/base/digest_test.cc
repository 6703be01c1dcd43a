#include "gbuild/base/digest.h"

#include "gbuild/base/byte_source.h"
#include "gbuild/base/error.h"
#include "support/catch.h"

using namespace gbuild;

namespace {

const std::string empty_sha256 = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

std::string drain(ByteSource& source) {
    std::string all;
    for (auto run = source.next(); !run.empty(); run = source.next()) all += as_text(run);
    return all;
}

std::string drain_verified(std::string_view text, const Digest& digest, std::optional<uint64_t> size) {
    VerifyingSource source(std::make_unique<MemorySource>(as_bytes(text), 3), digest, size, "the blob");
    return drain(source);
}

}  // namespace

TEST_CASE("known digests") {
    CHECK(Digest::of("").text() == empty_sha256);
    Hasher sha3(HashAlgorithm::sha3_224);
    CHECK(sha3.finish_hex() == "6b4e03423667dbb73b6e15454f0eb1abd4597f9a1b078e3f5b5a6bc7");
    sha3.update("abc");
    CHECK(sha3.finish_hex() == "e642824c3f8cf24ad09234ee7d3c766fc9a3a5168d0c94ad73b46fdf");
    CHECK(Digest::of("abc").short_hex() == "ba7816bf8f01");
}

TEST_CASE("digests parse strictly") {
    CHECK(Digest::parse(empty_sha256));
    CHECK(Digest::parse("sha512:" + std::string(128, 'a'))->algorithm() == HashAlgorithm::sha512);
    CHECK_FALSE(Digest::parse(""));
    CHECK_FALSE(Digest::parse("sha256:"));
    CHECK_FALSE(Digest::parse("sha256:" + std::string(63, 'a')));
    CHECK_FALSE(Digest::parse("sha256:" + std::string(64, 'A')));
    CHECK_FALSE(Digest::parse("sha256:" + std::string(63, 'a') + "/"));
    CHECK_FALSE(Digest::parse("md5:" + std::string(32, 'a')));
}

TEST_CASE("hexadecimal goes both ways") {
    std::array<std::byte, 2> out;
    CHECK(from_hex("0aFf", out));
    CHECK(to_hex(out) == "0aff");
    CHECK_FALSE(from_hex("0a", out));
    CHECK_FALSE(from_hex("0ag0", out));
}

TEST_CASE("a verifying source passes right bytes and refuses wrong ones") {
    Digest abc = Digest::of("abcdef");
    CHECK(drain_verified("abcdef", abc, 6) == "abcdef");
    CHECK(drain_verified("abcdef", abc, std::nullopt) == "abcdef");
    REQUIRE_THROWS_WITH(drain_verified("abcdeX", abc, 6), ContainsSubstring("the blob has digest"));
    REQUIRE_THROWS_WITH(drain_verified("abc", abc, 6), ContainsSubstring("has 3 bytes instead of 6"));
    REQUIRE_THROWS_WITH(drain_verified("abcdefghi", abc, 6), ContainsSubstring("longer than"));
}
