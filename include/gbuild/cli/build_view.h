// A build as a terminal shows it: lines of what is done, which stay, and below them a frame of what goes on.
#pragma once

#include <chrono>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "gbuild/base/events.h"
#include "gbuild/cli/console.h"
#include "gbuild/cli/progress.h"
#include "gbuild/cli/styled_text.h"

namespace gbuild::cli {

// "9.3s", "75.0s", "2m03s", "1h02m": short enough for a column.
std::string short_duration(std::chrono::milliseconds duration);

// Not thread-safe. Lines are without their ends, safe, and of less columns than they are given, so that none is ever
// wrapped; warnings and notices alone are as long as they are.
class BuildView {
  public:
    static constexpr size_t most_output_lines = 6;

    BuildView(Color color, TimePoint began) : color_(color), began_(began) {}

    // The lines that stay, each with its line end; "" when there are none.
    std::string take(const Event& event, TimePoint now, int columns);
    // At most `rows` lines: a headline, and what is running, with the last lines of its output where there is room.
    std::vector<std::string> frame(TimePoint now, int columns, int rows) const;
    // The last line that stays.
    std::string total(const Ending& ending, TimePoint now, int columns) const;

  private:
    struct Transfer {
        std::string label, verb;  // safe
        uint64_t total = 0, done = 0;
        TimePoint started;
    };
    struct Running {
        uint64_t done = 0;
        TimePoint started;
    };
    struct Step {
        std::string name;  // "[build 2/7] RUN make"; "" for what belongs to no step
        TimePoint started;
        bool is_started = false, is_over = false, is_shown = false, is_cached = false;
        std::chrono::milliseconds took{};
        std::string detail;
        std::deque<std::string> output;
        StyledText style;
        std::map<int, Transfer> transfers;
        std::map<std::string, Running> activities;  // by "packing", "extracting debian"
        uint64_t pulled = 0;                        // bytes, since the step was shown
        int layers = 0;

        bool is_idle() const { return transfers.empty() && activities.empty(); }
    };

    std::string show(const StepsPlanned& event, TimePoint now, int columns);
    std::string show(const StepStarted& event, TimePoint now, int columns);
    std::string show(const StepFinished& event, TimePoint now, int columns);
    std::string show(const StepFailed& event, TimePoint now, int columns);
    std::string show(const StepOutput& event, TimePoint now, int columns);
    std::string show(const TransferStarted& event, TimePoint now, int columns);
    std::string show(const TransferProgress& event, TimePoint now, int columns);
    std::string show(const TransferFinished& event, TimePoint now, int columns);
    std::string show(const ActivityStarted& event, TimePoint now, int columns);
    std::string show(const ActivityProgress& event, TimePoint now, int columns);
    std::string show(const ActivityFinished& event, TimePoint now, int columns);
    std::string show(const Warning& event, TimePoint now, int columns);
    std::string show(const Notice& event, TimePoint now, int columns);

    Step& step(int id, TimePoint now);
    Step* step_with(int transfer);
    std::string shown_when_over(Step& step, TimePoint now, int columns);
    void add_step(std::vector<std::string>& lines, const Step& step, size_t outputs, TimePoint now, int columns) const;
    std::vector<std::string> lines_of_steps(size_t outputs, TimePoint now, int columns) const;
    std::string headline(TimePoint now, int columns) const;

    Color color_;
    TimePoint began_;
    std::map<int, Step> steps_;  // by id; 0: what belongs to no step
    int finished_ = 0, cached_ = 0, total_ = 0;
};

}  // namespace gbuild::cli
