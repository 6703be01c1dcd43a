#include "publish/upload_meter.h"

#include <chrono>
#include <cstdint>
#include <variant>
#include <vector>

#include "support/catch.h"

namespace gbuild::publish {

namespace {

struct MeterEvents : EventSink {
    void emit(const Event& event) override {
        if (const auto* progress = std::get_if<TransferProgress>(&event)) done = progress->done;
        if (const auto* notice = std::get_if<Notice>(&event)) notices.push_back(notice->message);
    }
    uint64_t done = 0;
    std::vector<std::string> notices;
};

}  // namespace

TEST_CASE("an upload's meter counts what is on its way once, and notes rate and time left") {
    MeterEvents events;
    UploadMeter::TimePoint now{};
    UploadMeter meter(events, "x.gvmi", 100'000'000, [&] { return now; });
    meter.sending(0, 1000);
    meter.sending(1, 500);
    CHECK(events.done == 1500);
    meter.sending(0, 0);  // again
    CHECK(events.done == 500);
    now += std::chrono::seconds(10);
    meter.accepted(1, 10'000'000);
    CHECK(events.done == 10'000'000);
    CHECK(events.notices == std::vector<std::string>{"sent 10.0 MB of 100.0 MB, 1.0 MB/s, 1 min 31 s left"});
    meter.sending(0, 5);
    CHECK(events.notices.size() == 1);
    now += std::chrono::seconds(10);
    meter.accepted(0, 90'000'000);
    CHECK(events.notices.back() == "sent 100.0 MB of 100.0 MB, 5.0 MB/s");
    CHECK(meter.chunks() == 2);
    CHECK(meter.bytes() == 100'000'000);
}

}  // namespace gbuild::publish
