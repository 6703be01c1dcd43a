// When to try again, and how long to wait before.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <random>
#include <stop_token>
#include <string>
#include <string_view>

#include "gbuild/base/error.h"

namespace gbuild::registry {

// A failure that may be gone the next time. `retry_after` is what the server asked for.
class TransientError : public Error {
  public:
    TransientError(ErrorKind kind, std::string message, std::optional<std::chrono::seconds> retry_after = {}) :
        Error(kind, std::move(message)), retry_after_(retry_after) {}
    const std::optional<std::chrono::seconds>& retry_after() const { return retry_after_; }

    // More attempts than this are in vain, whatever the policy allows; 0: the policy's number.
    TransientError& worth_attempts(int attempts) {
        attempts_ = attempts;
        return *this;
    }
    int attempts() const { return attempts_; }

  private:
    std::optional<std::chrono::seconds> retry_after_;
    int attempts_ = 0;
};

// However often it was tried: nobody is there, or what is there is out of order. Not for what answers with a refusal,
// nor for a certificate that is not trusted.
class NoAnswer : public Error {
  public:
    explicit NoAnswer(const Error& last) : Error(last) {}
};

struct RetryPolicy {
    int max_attempts = 5;
    std::chrono::milliseconds first_delay{500};
    std::chrono::milliseconds longest_delay{30'000};
    std::chrono::seconds max_retry_after{120};
    std::function<void(const std::string&)> notice;  // may be empty
};

// The attempts of one operation.
class Retrier {
  public:
    Retrier(RetryPolicy policy, std::stop_token stop);

    // Runs `attempt` until it returns. A TransientError leads to a pause and another attempt, up to the policy's number
    // or the error's own; it is then thrown on, as NoAnswer if it is the network's. Any other exception passes through
    // at once. Stopping throws interrupted.
    template <class Attempt>
    auto run(Attempt&& attempt) {
        for (;;) {
            try {
                return attempt();
            } catch (const TransientError& error) {
                pause_after(error);
            }
        }
    }
    // Something was gained: the failures so far do not count any more.
    void progressed() { failures_ = 0; }

  private:
    void pause_after(const TransientError& error);
    std::chrono::milliseconds backoff();

    RetryPolicy policy_;
    std::stop_token stop_;
    int failures_ = 0;
    std::minstd_rand random_;
};

// A Retry-After value (seconds, or an HTTP date measured from `now`); nullopt when malformed.
std::optional<std::chrono::seconds> parse_retry_after(std::string_view value,
                                                      std::chrono::system_clock::time_point now);

// Sleeps, or throws interrupted as soon as `stop` asks for it.
void wait_for(std::chrono::milliseconds delay, const std::stop_token& stop);

}  // namespace gbuild::registry
