// How far an upload is, for whoever watches.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>

#include "gbuild/base/events.h"

namespace gbuild::publish {

// Thread-safe.
class UploadMeter {
  public:
    using TimePoint = std::chrono::steady_clock::time_point;
    using Clock = std::function<TimePoint()>;
    // A log gets a line with rate and time left so often.
    static constexpr std::chrono::seconds note_interval{10};

    // `total` bytes are to be sent of what is called `label`.
    UploadMeter(EventSink& events, std::string label, uint64_t total, Clock clock = std::chrono::steady_clock::now);
    UploadMeter(const UploadMeter&) = delete;
    UploadMeter& operator=(const UploadMeter&) = delete;
    ~UploadMeter();

    // So much of a chunk is on its way; less than before when it has to be sent again.
    void sending(size_t chunk, uint64_t bytes);
    void accepted(size_t chunk, uint64_t bytes);

    size_t chunks() const;
    uint64_t bytes() const;

  private:
    void report();

    void note(uint64_t done, TimePoint now);

    EventSink& events_;
    const uint64_t total_;
    const Clock clock_;
    const TimePoint began_;
    mutable std::mutex mutex_;
    std::map<size_t, uint64_t> on_their_way_;
    uint64_t accepted_bytes_ = 0;
    size_t accepted_chunks_ = 0;
    TimePoint noted_;
};

}  // namespace gbuild::publish
