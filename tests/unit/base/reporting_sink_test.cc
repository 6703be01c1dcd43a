#include "gbuild/base/reporting_sink.h"

#include <array>
#include <vector>

#include "support/catch.h"

using namespace gbuild;
using gbuild::build::ReportingSink;
using namespace std::chrono_literals;

namespace {

class Counter : public BlobSink {
  public:
    uint64_t received() const override { return bytes_; }
    void append(std::span<const std::byte> bytes) override { bytes_ += bytes.size(); }
    void restart() override { bytes_ = 0; }

  private:
    uint64_t bytes_ = 0;
};

class Reports : public EventSink {
  public:
    void emit(const Event& event) override { done.push_back(std::get<TransferProgress>(event).done); }
    std::vector<uint64_t> done;
};

// A sink with a clock that stands still until it is moved.
struct Transfer {
    void append(size_t size) { sink.append(std::vector<std::byte>(size)); }

    std::chrono::steady_clock::time_point now{};
    Counter counter;
    Reports reports;
    ReportingSink sink{counter, 1, reports, [this] { return now; }};
};

using Done = std::vector<uint64_t>;

}  // namespace

TEST_CASE("a fast download is reported every 256 KiB") {
    Transfer transfer;
    for (int i = 0; i < 40; i++) transfer.append(16 * 1024);
    CHECK(transfer.reports.done == Done{262144, 524288});
}

TEST_CASE("a slow download is reported every 200 ms") {
    Transfer transfer;
    for (int i = 0; i < 5; i++) {
        transfer.now += 100ms;
        transfer.append(10);
    }
    CHECK(transfer.reports.done == Done{20, 40});
}

TEST_CASE("a download that starts over is reported from its first bytes on") {
    Transfer transfer;
    transfer.append(300'000);
    transfer.sink.restart();
    transfer.now += 200ms;
    transfer.append(10);
    CHECK(transfer.reports.done == Done{300'000, 10});
}
