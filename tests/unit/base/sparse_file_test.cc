#include "gbuild/base/sparse_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "gbuild/base/content_run.h"
#include "gbuild/base/fd.h"
#include "support/catch.h"

using namespace gbuild;

namespace {

// In memory, where holes have the size of pages.
UniqueFd file_of(uint64_t size, const std::vector<std::pair<uint64_t, std::string>>& data) {
    UniqueFd fd(::memfd_create("test", MFD_CLOEXEC));
    REQUIRE(::ftruncate(fd.get(), static_cast<off_t>(size)) == 0);
    for (const auto& [offset, text] : data) pwrite_all(fd.get(), as_bytes(text), offset);
    return fd;
}

constexpr uint64_t gibibyte = uint64_t{1} << 30;

}  // namespace

TEST_CASE("a file of nothing but a hole is passed over at once") {
    const UniqueFd fd = file_of(400 * gibibyte, {});
    SparseFile file(fd.get());
    CHECK(file.zeros() == 400 * gibibyte);
    CHECK_FALSE(file.at_end());
    file.skip(400 * gibibyte);
    CHECK(file.zeros() == 0);
    CHECK(file.at_end());
}

TEST_CASE("holes are told at the beginning, in the middle and at the end") {
    const UniqueFd fd = file_of(3 * gibibyte, {{gibibyte, std::string(8192, 'a')}, {2 * gibibyte, "b"}});
    SparseFile file(fd.get());
    CHECK(file.zeros() == gibibyte);
    file.skip(gibibyte);
    CHECK(file.zeros() == 0);
    std::string text(8192, '\0');
    CHECK(file.read(std::as_writable_bytes(std::span(text))) == 8192);
    CHECK(text == std::string(8192, 'a'));
    CHECK(file.zeros() == gibibyte - 8192);
    file.skip(100);
    CHECK(file.zeros() == gibibyte - 8292);
    file.skip(file.zeros());
    CHECK(file.zeros() == 0);
    file.read(std::as_writable_bytes(std::span(text)));
    CHECK(text[0] == 'b');
    CHECK(file.zeros() == gibibyte - 8192);
}

TEST_CASE("holes can be read as well") {
    const UniqueFd fd = file_of(200'000, {{150'000, "x"}});
    SparseFile file(fd.get());
    std::string text(200'000, '?');
    CHECK(file.read(std::as_writable_bytes(std::span(text))) == 200'000);
    CHECK(text.find_first_not_of('\0') == 150'000);
    CHECK(file.at_end());
}

TEST_CASE("a file that was cut short has no hole behind its end") {
    const UniqueFd fd = file_of(gibibyte, {});
    SparseFile file(fd.get());
    REQUIRE(::ftruncate(fd.get(), 4096) == 0);
    CHECK(file.zeros() == 4096);
    file.skip(4096);
    CHECK(file.zeros() == 0);
    CHECK(file.at_end());
}

TEST_CASE("where nobody knows of holes, there are none") {
    // A file in /proc says that it has no size, and takes no such question.
    const UniqueFd fd = open_file("/proc/self/status", O_RDONLY);
    SparseFile file(fd.get());
    CHECK(file.zeros() == 0);
    CHECK_FALSE(file.at_end());
}

TEST_CASE("a run is taken piece by piece") {
    ContentRun hole = ContentRun::hole(10);
    CHECK(hole.take(3).zeros == 3);
    CHECK(hole.take(30).zeros == 7);
    CHECK(hole.empty());
    ContentRun bytes(as_bytes("abcdef"));
    CHECK(as_text(bytes.take(2).bytes) == "ab");
    CHECK(as_text(bytes.take(9).bytes) == "cdef");
    CHECK(bytes.empty());
}

TEST_CASE("zeros are passed on in pieces") {
    uint64_t seen = 0;
    pass_bytes(ContentRun::hole(1'000'001), [&](std::span<const std::byte> zeros) {
        CHECK(all_zero(zeros));
        seen += zeros.size();
    });
    CHECK(seen == 1'000'001);
}
