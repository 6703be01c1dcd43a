#include "gbuild/base/text.h"

#include "support/catch.h"

using namespace gbuild;

TEST_CASE("sizes are printed as docker prints them") {
    CHECK(human_size(0) == "0 B");
    CHECK(human_size(999) == "999 B");
    CHECK(human_size(1000) == "1.0 kB");
    CHECK(human_size(999'950) == "1.0 MB");
    CHECK(human_size(58'900'000) == "58.9 MB");
    CHECK(human_size(UINT64_MAX) == "18.4 EB");
}

TEST_CASE("untrusted text cannot steer a terminal") {
    CHECK(quoted("plain") == "\"plain\"");
    CHECK(printable("a\033[31mb\n") == "a\\x1b[31mb\\n");
    CHECK(printable("caf\xc3\xa9") == "caf\xc3\xa9");
    CHECK(printable("\xff\xc3") == "\\xff\\xc3");
    CHECK(printable("\xc2\x9b") == "\\xc2\\x9b");
    CHECK(printable("\"\\") == "\"\\");
}

TEST_CASE("the nearest word is a likely misspelling or nothing") {
    std::vector<std::string> words{"COPY", "WORKDIR", "VOLUME"};
    CHECK(nearest("WROKDIR", words) == "WORKDIR");
    CHECK(nearest("workdirs", words) == "WORKDIR");
    CHECK_FALSE(nearest("FROBNICATE", words));
    CHECK_FALSE(nearest("", words));
    CHECK_FALSE(nearest("XY", words));
}

TEST_CASE("decimal numbers parse strictly") {
    CHECK(parse_decimal("18446744073709551615") == UINT64_MAX);
    for (const char* bad : {"", "-1", "+1", " 1", "1 ", "0x1", "18446744073709551616"}) CHECK_FALSE(parse_decimal(bad));
}

TEST_CASE("times parse as RFC 3339") {
    CHECK(parse_rfc3339("1970-01-01T00:00:00Z") == 0);
    CHECK(parse_rfc3339("2024-05-01T12:00:00.123456789Z") == 1714564800);
    CHECK(parse_rfc3339("2024-05-01T14:00:00+02:00") == 1714564800);
    CHECK(parse_rfc3339("0001-01-01T00:00:00Z") == -62135596800);
    CHECK(format_rfc3339(1714564800) == "2024-05-01T12:00:00Z");
    for (const char* bad : {"", "2024", "2024-05-01", "2024-13-01T00:00:00Z", "2024-04-31T00:00:00Z",
                            "2024-05-01T12:00:00", "2024-05-01T12:00:00.Z", "2024-05-01T12:00:00+0200"}) {
        CHECK_FALSE(parse_rfc3339(bad));
    }
}

TEST_CASE("split and join are inverse") {
    CHECK(split("a,,b", ',') == std::vector<std::string>{"a", "", "b"});
    CHECK(split("", ',') == std::vector<std::string>{""});
    CHECK(join(split("a,,b", ','), ",") == "a,,b");
    CHECK(trim(" \t a b\r\n") == "a b");
    CHECK(equal_ignoring_case("From", "fROM"));
    CHECK_FALSE(equal_ignoring_case("From", "Fro"));
}
