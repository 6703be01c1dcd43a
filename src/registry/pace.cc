#include "pace.h"

#include <fmt/format.h>

#include "gbuild/registry/retry.h"

namespace gbuild::registry {

void Pace::moved(uint64_t bytes, const Url& url, Clock::time_point now) {
    if (floor_.bytes_per_second == 0) return;
    if (since_ != Clock::time_point{}) waited_ += now - since_;
    since_ = now;
    bytes_ += bytes;
    if (waited_ < floor_.window) return;
    double seconds = std::chrono::duration<double>(waited_).count();
    if (static_cast<double>(bytes_) < static_cast<double>(floor_.bytes_per_second) * seconds) {
        TransientError error(
            ErrorKind::network,
            fmt::format("the transfer with {} is too slow: {} bytes in {:.0f} s, and --min-speed asks for {} a second",
                        url.authority(), bytes_, seconds, floor_.bytes_per_second));
        error.worth_attempts(2).hint("if the line is that slow, pass a lower --min-speed, or 0 for no limit");
        throw error;
    }
    waited_ = {};
    bytes_ = 0;
}

}  // namespace gbuild::registry
