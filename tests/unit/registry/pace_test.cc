#include "registry/pace.h"

#include "gbuild/registry/retry.h"
#include "support/catch.h"

using namespace gbuild;
using namespace gbuild::registry;
using namespace std::chrono_literals;

namespace {

const Url slow_url = *Url::parse("https://slow.example/");
const Pace::Clock::time_point start{1h};

}  // namespace

TEST_CASE("a byte a second is too slow, and that is told (X-17)") {
    Pace pace({128, 120s});
    auto trickle = [&] {
        for (int second = 0; second < 1000; second++) pace.moved(1, slow_url, start + std::chrono::seconds(second));
    };
    try {
        trickle();
        FAIL("went on");
    } catch (const TransientError& error) {
        CHECK(error.message() == "the transfer with slow.example is too slow: 121 bytes in 120 s, and --min-speed asks "
                                 "for 128 a second");
        CHECK_THAT(error.hint(), ContainsSubstring("--min-speed"));
        CHECK(error.attempts() == 2);
    }
}

TEST_CASE("an honest slow line goes on, with pauses and all (X-17)") {
    Pace pace({128, 120s});
    for (int minute = 0; minute < 600; minute++) {
        CHECK_NOTHROW(pace.moved(16'000, slow_url, start + std::chrono::minutes(minute)));
    }
}

TEST_CASE("every window counts for itself (X-17)") {
    Pace pace({128, 120s});
    pace.moved(1u << 30, slow_url, start);
    CHECK_NOTHROW(pace.moved(1, slow_url, start + 120s));
    CHECK_THROWS_AS(pace.moved(1, slow_url, start + 240s), TransientError);
}

TEST_CASE("the time that is spent on what came does not count (X-17)") {
    Pace pace({128, 120s});
    for (int hour = 0; hour < 100; hour++) {
        CHECK_NOTHROW(pace.moved(1, slow_url, start + std::chrono::hours(hour)));
        pace.ready(start + std::chrono::hours(hour + 1));
    }
}

TEST_CASE("without a floor anything will do (X-17)") {
    Pace pace({0, 120s});
    CHECK_NOTHROW(pace.moved(1, slow_url, start));
    CHECK_NOTHROW(pace.moved(1, slow_url, start + 1000h));
}
