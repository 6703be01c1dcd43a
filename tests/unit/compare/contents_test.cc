#include "compare/contents.h"

#include <stop_token>

#include "gbuild/base/error.h"
#include "gbuild/base/fd.h"
#include "support/catch.h"

using namespace gbuild;
using namespace gbuild::compare;

namespace {

std::optional<ContentChange> change_of(std::string_view a, std::string_view b, size_t run_a = 3, size_t run_b = 5) {
    MemorySource source_a(as_bytes(a), run_a), source_b(as_bytes(b), run_b);
    ByteRuns runs_a(source_a), runs_b(source_b);
    return compare_contents(runs_a, runs_b, {});
}

}  // namespace

TEST_CASE("equal contents have no difference, however they are cut") {
    CHECK_FALSE(change_of("", ""));
    for (size_t run : {1, 2, 3, 7, 100}) CHECK_FALSE(change_of("the same bytes", "the same bytes", run, 4));
}

TEST_CASE("bytes that differ are counted in runs, across the runs they are read in") {
    auto change = change_of("0123456789abcdef", "0123XXXXXXabcdeY");
    REQUIRE(change);
    CHECK(change->offset == 4);
    CHECK(change->bytes == 7);
    CHECK(change->range_count == 2);
    REQUIRE(change->first_ranges.size() == 2);
    CHECK(change->first_ranges[0].offset == 4);
    CHECK(change->first_ranges[0].length == 6);
    CHECK(change->first_ranges[1].offset == 15);
    CHECK(change->first_ranges[1].length == 1);
}

TEST_CASE("a longer file differs where the shorter one ends") {
    auto change = change_of("abc", "abcdef");
    REQUIRE(change);
    CHECK(change->offset == 3);
    CHECK(change->bytes == 0);
    CHECK(change->first_ranges.empty());
    CHECK(change_of("", "x")->offset == 0);
    CHECK(change_of("xbcd", "abc")->offset == 0);
}

TEST_CASE("only the first ranges are kept, all are counted") {
    std::string a(200, 'a'), b = a;
    for (size_t i = 0; i < b.size(); i += 2) b[i] = 'b';
    auto change = change_of(a, b);
    REQUIRE(change);
    CHECK(change->bytes == 100);
    CHECK(change->range_count == 100);
    REQUIRE(change->first_ranges.size() == ContentChange::most_ranges);
    for (const ByteRange& range : change->first_ranges) CHECK(range.length == 1);
}

TEST_CASE("the first difference of two streams") {
    auto first = [](std::string_view a, std::string_view b) {
        MemorySource source_a(as_bytes(a), 4), source_b(as_bytes(b), 3);
        ByteRuns runs_a(source_a), runs_b(source_b);
        return first_difference(runs_a, runs_b, {});
    };
    CHECK_FALSE(first("same", "same"));
    CHECK(first("0123456789", "012345x789") == 6u);
    CHECK(first("0123", "01234") == 4u);
}

TEST_CASE("a comparison can be stopped") {
    std::stop_source stop;
    stop.request_stop();
    MemorySource a(as_bytes("a")), b(as_bytes("b"));
    ByteRuns runs_a(a), runs_b(b);
    try {
        compare_contents(runs_a, runs_b, stop.get_token());
        FAIL("not stopped");
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::interrupted);
    }
}
