#include "gbuild/oci/platform.h"

#include "gbuild/base/error.h"
#include "support/catch.h"

using gbuild::Error;
using gbuild::oci::matches;
using gbuild::oci::Platform;

TEST_CASE("platforms are written os/architecture[/variant]") {
    CHECK(Platform::parse("linux/amd64") == Platform{"linux", "amd64", ""});
    CHECK(Platform::parse("linux/arm/v7") == Platform{"linux", "arm", "v7"});
    CHECK(Platform::parse("windows/amd64").os == "windows");
}

TEST_CASE("a lone architecture is on linux and a lone system on amd64") {
    CHECK(Platform::parse("arm64") == Platform{"linux", "arm64", ""});
    CHECK(Platform::parse("linux") == Platform{"linux", "amd64", ""});
}

TEST_CASE("aliases become the names that images use") {
    CHECK(Platform::parse("x86_64").text() == "linux/amd64");
    CHECK(Platform::parse("Linux/X86-64").text() == "linux/amd64");
    CHECK(Platform::parse("aarch64").text() == "linux/arm64");
    CHECK(Platform::parse("linux/armhf").text() == "linux/arm/v7");
    CHECK(Platform::parse("linux/armel").text() == "linux/arm/v6");
    CHECK(Platform::parse("linux/i386").text() == "linux/386");
    CHECK(Platform::parse("macos/arm64").text() == "darwin/arm64");
}

TEST_CASE("the base variants are left out") {
    CHECK(Platform::parse("linux/arm64/v8").text() == "linux/arm64");
    CHECK(Platform::parse("linux/arm64/8").text() == "linux/arm64");
    CHECK(Platform::parse("linux/amd64/v1").text() == "linux/amd64");
    CHECK(Platform::parse("linux/amd64/v3").text() == "linux/amd64/v3");
}

TEST_CASE("unknown platforms are usage errors that say what is known") {
    auto text = GENERATE(as<std::string>(), "", "linux/", "/amd64", "linux/z80", "plan9/amd64/v1/x", "beos/amd64",
                         "linux/amd64/", "linux/amd64/v 1", "unknown/unknown");
    try {
        Platform::parse(text);
        FAIL("accepted " + text);
    } catch (const Error& error) {
        CHECK(error.kind() == gbuild::ErrorKind::usage);
        CHECK_THAT(error.hint(), ContainsSubstring("for example linux/amd64"));
    }
}

TEST_CASE("a wanted platform without variant takes any") {
    CHECK(matches({"linux", "arm", ""}, {"linux", "arm", "v6"}));
    CHECK(matches({"linux", "amd64", ""}, {"linux", "amd64", "v2"}));
    CHECK(matches({"linux", "arm64", "v8"}, {"linux", "arm64", ""}));
}

TEST_CASE("a wanted variant takes lower ones, but none that is higher or cannot be compared (S-2)") {
    CHECK_FALSE(matches({"linux", "arm", "v6"}, {"linux", "arm", "v7"}));
    CHECK_FALSE(matches({"linux", "arm", "v6"}, {"linux", "arm", ""}));
    CHECK(matches({"linux", "arm", "v7"}, {"linux", "arm", "v5"}));
    CHECK(matches({"linux", "amd64", "v3"}, {"linux", "amd64", ""}));
    CHECK_FALSE(matches({"linux", "amd64", "v2"}, {"linux", "amd64", "v3"}));
    CHECK(matches({"linux", "arm", "v7"}, {"linux", "arm", ""}));
    CHECK(matches({"linux", "arm64", "v9"}, {"linux", "arm64", "v8.2"}));
    CHECK_FALSE(matches({"linux", "arm64", "v8.1"}, {"linux", "arm64", "v8.2"}));
    CHECK(matches({"linux", "mips", "big"}, {"linux", "mips", "big"}));
    CHECK_FALSE(matches({"linux", "mips", "big"}, {"linux", "mips", "small"}));
}

TEST_CASE("what an image leaves unsaid may be what is wanted (S-2)") {
    using gbuild::oci::may_match;
    CHECK(may_match({"linux", "amd64", ""}, {"", "", ""}));
    CHECK(may_match({"linux", "amd64", "v3"}, {"linux", "", ""}));
    CHECK(may_match({"linux", "amd64", ""}, {"", "amd64", ""}));
    CHECK_FALSE(may_match({"linux", "amd64", ""}, {"windows", "", ""}));
    CHECK_FALSE(may_match({"linux", "amd64", ""}, {"", "arm64", ""}));
}

TEST_CASE("system and architecture must be the same") {
    CHECK_FALSE(matches({"linux", "amd64", ""}, {"windows", "amd64", ""}));
    CHECK_FALSE(matches({"linux", "amd64", ""}, {"linux", "arm64", ""}));
    CHECK(matches({"linux", "amd64", ""}, {"linux", "x86_64", ""}));
}

TEST_CASE("the host's platform is one that can be written") {
    Platform host = gbuild::oci::host_platform();
    CHECK(Platform::parse(host.text()) == host);
}
