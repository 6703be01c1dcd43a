// Events as lines that stay: the whole of plain progress, and what scrolls above the bars of the tty one.
#pragma once

#include <map>
#include <string>

#include "gbuild/base/events.h"
#include "gbuild/cli/console.h"
#include "gbuild/cli/progress.h"

namespace gbuild::cli {

enum class TransferLines {
    start_and_end,  // a log shows what is being waited for
    end,            // the start is shown by a bar
};

// Not thread-safe.
class ProgressLines {
  public:
    ProgressLines(Color color, TransferLines transfer_lines) : color_(color), transfer_lines_(transfer_lines) {}

    // The event's lines, each with its line end; "" when it has none.
    std::string text(const Event& event, TimePoint now);

    struct Transfer {
        std::string label, verb;  // safe
        uint64_t total = 0, done = 0;
        TimePoint started;
        bool announced = false;
    };
    const std::map<int, Transfer>& transfers() const { return transfers_; }

  private:
    std::string show(const StepStarted& event, TimePoint now);
    std::string show(const StepFinished& event, TimePoint now);
    std::string show(const StepFailed& event, TimePoint now);
    std::string show(const StepOutput& event, TimePoint now);
    std::string show(const TransferStarted& event, TimePoint now);
    std::string show(const TransferProgress& event, TimePoint now);
    std::string show(const TransferFinished& event, TimePoint now);
    std::string show(const Warning& event, TimePoint now);
    std::string show(const Notice& event, TimePoint now);

    Color color_;
    TransferLines transfer_lines_;
    std::map<int, std::string> steps_;  // how a running step is called
    std::map<int, Transfer> transfers_;
};

}  // namespace gbuild::cli
