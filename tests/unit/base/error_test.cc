#include "gbuild/base/error.h"

#include <cerrno>

#include "support/catch.h"

using namespace gbuild;

TEST_CASE("a system error's kind follows its errno") {
    CHECK(system_error(ENOSPC, "x").kind() == ErrorKind::no_space);
    CHECK(system_error(EDQUOT, "x").kind() == ErrorKind::no_space);
    CHECK(system_error(EACCES, "x").kind() == ErrorKind::permission);
    CHECK(system_error(ENOENT, "x").kind() == ErrorKind::not_found);
    CHECK(system_error(EIO, "x").kind() == ErrorKind::io);
    CHECK(system_error(ENOENT, "cannot open \"a\"").message() == "cannot open \"a\": No such file or directory");
}

TEST_CASE("context is added from the inside out, and only on failure") {
    CHECK(with_context("unused", [] { return 7; }) == 7);
    try {
        with_context(
            [] { return std::string("while pulling"); },
            [] { with_context("while reading", [] { throw Error(ErrorKind::io, "broken").hint("mend it"); }); });
        FAIL("nothing thrown");
    } catch (const Error& error) {
        CHECK(error.context() == std::vector<std::string>{"while reading", "while pulling"});
        CHECK(error.hint() == "mend it");
    }
}
