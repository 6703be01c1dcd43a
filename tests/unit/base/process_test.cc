#include "gbuild/base/process.h"

#include "gbuild/base/error.h"
#include "support/catch.h"

using namespace gbuild;

TEST_CASE("a command gets its input and gives output, errors and exit code") {
    CommandOptions options;
    options.input = std::string(300'000, 'x');
    auto result = run_command({"sh", "-c", "wc -c; echo oops >&2; exit 3"}, options);
    CHECK(result.out == "300000\n");
    CHECK(result.err == "oops\n");
    CHECK(result.exit_code == 3);
}

TEST_CASE("a command that reads nothing does not block its input") {
    CommandOptions options;
    options.input = std::string(300'000, 'x');
    CHECK(run_command({"true"}, options).exit_code == 0);
}

TEST_CASE("a command that is not there is not found") {
    REQUIRE_THROWS_WITH(run_command({"no-such-program-here"}),
                        ContainsSubstring("cannot run \"no-such-program-here\""));
}

TEST_CASE("a flood of output is refused") {
    CommandOptions options;
    options.output_cap = 1000;
    REQUIRE_THROWS_WITH(run_command({"yes"}, options), ContainsSubstring("printed more than 1.0 kB"));
}
