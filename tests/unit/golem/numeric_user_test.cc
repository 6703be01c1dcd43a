#include "gbuild/golem/numeric_user.h"

#include "gbuild/base/error.h"
#include "support/catch.h"

using gbuild::Error;
using gbuild::golem::numeric_user;

namespace {

const gbuild::tree::Accounts accounts{.passwd = "root:x:0:0::/root:/bin/sh\napp:x:1000:100::/home/app:/bin/sh\n",
                                      .group = "root:x:0:\nusers:x:100:\nweb:x:33:app\n"};

}  // namespace

TEST_CASE("no user stays none") { CHECK(numeric_user("", accounts).empty()); }

TEST_CASE("names become numbers by the image's own accounts") {
    CHECK(numeric_user("app", accounts) == "1000:100");
    CHECK(numeric_user("app:web", accounts) == "1000:33");
    CHECK(numeric_user("root", accounts) == "0:0");
}

TEST_CASE("numbers get the group of a known user, else group 0") {
    CHECK(numeric_user("1000", accounts) == "1000:100");
    CHECK(numeric_user("4242", accounts) == "4242:0");
    CHECK(numeric_user("4242:4343", accounts) == "4242:4343");
}

TEST_CASE("an unknown user is named together with the instruction") {
    try {
        numeric_user("nobody-here", accounts);
        FAIL("accepted");
    } catch (const Error& error) {
        CHECK(error.kind() == gbuild::ErrorKind::dockerfile);
        CHECK_THAT(error.message(), ContainsSubstring("nobody-here"));
        CHECK(error.context() == std::vector<std::string>{"resolving USER \"nobody-here\""});
        CHECK_FALSE(error.hint().empty());
    }
    REQUIRE_THROWS_AS(numeric_user("app:nogroup", accounts), Error);
}
