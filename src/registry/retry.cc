#include "gbuild/registry/retry.h"

#include <curl/curl.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>

#include <fmt/format.h>

#include "gbuild/base/text.h"

namespace gbuild::registry {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// A server's date may be far off or nonsense; nobody waits longer than this.
constexpr seconds absurd{366 * 24 * 3600};

[[noreturn]] void give_up_until_reset(const TransientError& error, seconds after) {
    auto reset = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now() + after);
    throw Error(error.kind(), fmt::format("{}; the limit resets in {} s, at {}", error.message(), after.count(),
                                          format_rfc3339(reset)))
        .hint(error.hint());
}

[[noreturn]] void give_up(const TransientError& error, int attempts) {
    Error last = static_cast<const Error&>(error);
    if (attempts > 1) {
        last = Error(error.kind(), fmt::format("{} (tried {} times)", error.message(), attempts)).hint(error.hint());
    }
    if (error.kind() == ErrorKind::network) throw NoAnswer(last);
    throw last;
}

}  // namespace

Retrier::Retrier(RetryPolicy policy, std::stop_token stop) :
    policy_(std::move(policy)), stop_(std::move(stop)), random_(std::random_device()()) {}

void Retrier::pause_after(const TransientError& error) {
    auto asked = error.retry_after().value_or(seconds(0));
    if (asked > policy_.max_retry_after) give_up_until_reset(error, asked);
    int allowed = error.attempts() > 0 ? std::min(error.attempts(), policy_.max_attempts) : policy_.max_attempts;
    if (++failures_ >= allowed) give_up(error, failures_);
    milliseconds delay = std::max<milliseconds>(backoff(), asked);
    if (policy_.notice) {
        policy_.notice(
            fmt::format("retrying in {:.1f} s: {}", std::chrono::duration<double>(delay).count(), error.message()));
    }
    wait_for(delay, stop_);
}

// first_delay, doubled for each failure before this one; then anything from a half of that to all of it, so that many
// clients that failed together do not come back together.
milliseconds Retrier::backoff() {
    auto full = policy_.first_delay * (int64_t{1} << std::min(failures_ - 1, 20));
    auto capped = std::min<milliseconds>(full, policy_.longest_delay).count();
    return milliseconds(std::uniform_int_distribution<int64_t>(capped / 2, capped)(random_));
}

std::optional<seconds> parse_retry_after(std::string_view value, std::chrono::system_clock::time_point now) {
    value = trim(value);
    if (auto count = parse_decimal(value)) {
        return seconds(static_cast<int64_t>(std::min<uint64_t>(*count, absurd.count())));
    }
    time_t date = curl_getdate(std::string(value).c_str(), nullptr);
    if (date == -1) return std::nullopt;
    auto left = std::chrono::ceil<seconds>(std::chrono::system_clock::from_time_t(date) - now);
    return std::clamp(left, seconds(0), absurd);
}

void wait_for(milliseconds delay, const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any changed;
    std::unique_lock lock(mutex);
    changed.wait_for(lock, stop, delay, [] { return false; });
    if (stop.stop_requested()) throw Error(ErrorKind::interrupted, "interrupted");
}

}  // namespace gbuild::registry
