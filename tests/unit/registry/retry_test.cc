#include "gbuild/registry/retry.h"

#include <vector>

#include "support/catch.h"

using namespace gbuild;
using namespace gbuild::registry;
using std::chrono::seconds;

namespace {

RetryPolicy quick() {
    RetryPolicy policy;
    policy.first_delay = std::chrono::milliseconds(1);
    return policy;
}

}  // namespace

TEST_CASE("Retry-After is read as seconds") {
    auto now = std::chrono::system_clock::now();
    CHECK(parse_retry_after("120", now) == seconds(120));
    CHECK(parse_retry_after(" 0 ", now) == seconds(0));
    CHECK_FALSE(parse_retry_after("soon", now));
    CHECK_FALSE(parse_retry_after("", now));
    CHECK(parse_retry_after("99999999999999999", now).value() < seconds(400 * 24 * 3600));
}

TEST_CASE("Retry-After is read as an HTTP date, a past one as no wait") {
    auto now = std::chrono::system_clock::from_time_t(784111777);  // Sun, 06 Nov 1994 08:49:37 GMT
    CHECK(parse_retry_after("Sun, 06 Nov 1994 08:50:07 GMT", now) == seconds(30));
    CHECK(parse_retry_after("Sun, 06 Nov 1994 08:49:07 GMT", now) == seconds(0));
}

TEST_CASE("a transient failure is tried again until it is gone") {
    Retrier retrier(quick(), {});
    int calls = 0;
    int result = retrier.run([&] {
        if (++calls < 4) throw TransientError(ErrorKind::network, "reset");
        return 7;
    });
    CHECK(result == 7);
    CHECK(calls == 4);
}

TEST_CASE("transient failures are given up after the policy's number of attempts") {
    Retrier retrier(quick(), {});
    int calls = 0;
    auto attempt = [&] {
        calls++;
        throw TransientError(ErrorKind::network, "connection reset");
    };
    CHECK_THROWS_WITH(retrier.run(attempt), "connection reset (tried 5 times)");
    CHECK(calls == 5);
}

TEST_CASE("other failures are not tried again") {
    Retrier retrier(quick(), {});
    int calls = 0;
    CHECK_THROWS_WITH(retrier.run([&] {
        calls++;
        throw Error(ErrorKind::not_found, "gone");
    }),
                      "gone");
    CHECK(calls == 1);
}

TEST_CASE("progress makes earlier failures count no more") {
    Retrier retrier(quick(), {});
    int calls = 0;
    retrier.run([&] {
        if (++calls == 12) return;
        retrier.progressed();
        throw TransientError(ErrorKind::network, "reset");
    });
    CHECK(calls == 12);
}

TEST_CASE("a Retry-After beyond the limit is an error that says when the limit resets") {
    auto policy = quick();
    policy.max_retry_after = seconds(10);
    Retrier retrier(policy, {});
    CHECK_THROWS_WITH(retrier.run([] { throw TransientError(ErrorKind::network, "too many requests", seconds(3600)); }),
                      ContainsSubstring("too many requests; the limit resets in 3600 s, at 20"));
}

TEST_CASE("every wait is announced with its reason") {
    auto policy = quick();
    policy.first_delay = std::chrono::milliseconds(4);
    std::vector<std::string> notices;
    policy.notice = [&](const std::string& text) { notices.push_back(text); };
    policy.max_attempts = 3;
    Retrier retrier(policy, {});
    CHECK_THROWS(retrier.run([] { throw TransientError(ErrorKind::network, "reset"); }));
    REQUIRE(notices.size() == 2);
    CHECK(notices[0] == "retrying in 0.0 s: reset");
}

TEST_CASE("a wait ends at once when it is stopped") {
    std::stop_source source;
    source.request_stop();
    auto policy = quick();
    policy.first_delay = std::chrono::hours(1);
    policy.longest_delay = std::chrono::hours(1);
    Retrier retrier(policy, source.get_token());
    try {
        retrier.run([] { throw TransientError(ErrorKind::network, "reset"); });
        FAIL("not stopped");
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::interrupted);
    }
}

TEST_CASE("an error may be worth fewer attempts than the policy has (S-28)") {
    RetryPolicy policy;
    policy.first_delay = std::chrono::milliseconds(1);
    Retrier retrier(policy, {});
    int attempts = 0;
    CHECK_THROWS_WITH(retrier.run([&]() -> int {
        attempts++;
        throw TransientError(ErrorKind::network, "no such host").worth_attempts(2);
    }),
                      "no such host (tried 2 times)");
    CHECK(attempts == 2);
}
