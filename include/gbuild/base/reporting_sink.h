// Tells how far a download is.
#pragma once

#include <chrono>
#include <functional>

#include "gbuild/base/blob_sink.h"
#include "gbuild/base/events.h"

namespace gbuild::build {

// Passes bytes on and reports them: every 256 KiB, often enough for a terminal and too seldom to cost anything, and on
// a slow link with the first bytes that come 200 ms after the last report.
class ReportingSink : public BlobSink {
  public:
    using Clock = std::function<std::chrono::steady_clock::time_point()>;

    ReportingSink(BlobSink& inner, int transfer, EventSink& events, Clock now = std::chrono::steady_clock::now) :
        inner_(inner), transfer_(transfer), events_(events), now_(std::move(now)), reported_at_(now_()) {}

    uint64_t received() const override { return inner_.received(); }
    void append(std::span<const std::byte> bytes) override {
        inner_.append(bytes);
        const uint64_t received = inner_.received();
        const auto now = now_();
        if (received - reported_ < step && now - reported_at_ < longest_silence) return;
        reported_ = received;
        reported_at_ = now;
        events_.emit(TransferProgress{transfer_, received});
    }
    void restart() override {
        inner_.restart();
        reported_ = 0;
    }

  private:
    static constexpr uint64_t step = uint64_t{256} * 1024;
    static constexpr auto longest_silence = std::chrono::milliseconds(200);

    BlobSink& inner_;
    int transfer_;
    EventSink& events_;
    Clock now_;
    uint64_t reported_ = 0;
    std::chrono::steady_clock::time_point reported_at_;
};

}  // namespace gbuild::build
