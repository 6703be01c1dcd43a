#include "gbuild/copy/content_hasher.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "gbuild/base/fd.h"
#include "gbuild/copy/copy_source.h"
#include "support/catch.h"

using namespace gbuild;
using namespace gbuild::build;

namespace {

constexpr size_t piece = 65536;

Sha256Sum sum_of(std::string_view text, size_t run = SIZE_MAX) {
    ContentHasher hasher;
    for (; !text.empty(); text.remove_prefix(std::min(run, text.size()))) hasher.update(as_bytes(text.substr(0, run)));
    return hasher.finish();
}

const std::string zeros(piece, '\0');

}  // namespace

TEST_CASE("contents without a piece of zeros have their SHA-256") {
    for (const std::string& text : {std::string("text"), std::string(3 * piece, 'x'), std::string("x") + zeros + "x"}) {
        CHECK(sum_of(text) == sha256(as_bytes(text)));
    }
    CHECK(sum_of("") == sha256({}));
}

TEST_CASE("sums do not depend on how contents are cut, nor on what is told to be zeros") {
    const std::string text = zeros + "a" + std::string(3 * piece, '\0') + "b" + std::string(piece + 9, '\0');
    const Sha256Sum sum = sum_of(text);
    CHECK(sum != sha256(as_bytes(text)));
    for (size_t run : {1000, 4096, 65535, 65536, 65537, 200'000}) CHECK(sum_of(text, run) == sum);

    ContentHasher hasher;
    hasher.zeros(piece / 2);
    hasher.update(as_bytes(std::string_view(zeros).substr(piece / 2)));
    hasher.update(as_bytes("a"));
    hasher.zeros(3 * piece);
    hasher.update(as_bytes("b"));
    hasher.zeros(piece + 9);
    CHECK(hasher.finish() == sum);
    // It starts afresh.
    hasher.update(as_bytes("text"));
    CHECK(hasher.finish() == sha256(as_bytes("text")));
}

TEST_CASE("files that differ in their holes, or in their data alone, have other sums") {
    const std::vector<std::string> texts = {zeros,
                                            zeros + zeros,
                                            zeros + std::string(1, '\0'),
                                            zeros + "a",
                                            "a" + zeros,
                                            std::string(piece, 'a') + zeros,
                                            zeros + std::string(piece, 'a'),
                                            std::string(piece, 'a') + zeros + zeros,
                                            zeros + std::string(piece, 'a') + zeros,
                                            std::string(piece, 'a')};
    for (size_t i = 0; i < texts.size(); i++) {
        for (size_t j = 0; j < i; j++) CHECK(sum_of(texts[i]) != sum_of(texts[j]));
    }
}

TEST_CASE("a file's sum takes no time for its holes, and is that of its bytes") {
    const UniqueFd fd(::memfd_create("test", MFD_CLOEXEC));
    REQUIRE(::ftruncate(fd.get(), 5 * piece) == 0);
    pwrite_all(fd.get(), as_bytes("data"), 2 * piece + 5);
    std::string text(5 * piece, '\0');
    text.replace(2 * piece + 5, 4, "data");
    CHECK(sum_file(fd.get()).sum == sum_of(text));
    CHECK(sum_file(fd.get()).size == text.size());
    REQUIRE(::ftruncate(fd.get(), off_t{1} << 40) == 0);
    CHECK(sum_file(fd.get()).size == uint64_t{1} << 40);
}
