// Plain progress: events as lines that stay, each after the seconds since the beginning. What belongs to a step stands
// after "#" and the step's id.
#pragma once

#include <map>
#include <string>
#include <utility>

#include "gbuild/base/events.h"
#include "gbuild/cli/console.h"
#include "gbuild/cli/log_groups.h"
#include "gbuild/cli/progress.h"
#include "gbuild/cli/styled_text.h"

namespace gbuild::cli {

// Not thread-safe.
class ProgressLines {
  public:
    ProgressLines(Color color, TimePoint began, LogGroups groups = LogGroups()) :
        color_(color), began_(began), groups_(std::move(groups)) {}

    // The event's lines, each with its line end; "" when it has none.
    std::string text(const Event& event, TimePoint now);
    // The last line of a build that succeeded, and the end of an open group.
    std::string total(TimePoint now);
    std::string end_group();

    // Whether the last `lines` lines were output of the step that failed first.
    bool has_just_shown_output(size_t lines) const { return failed_ == writer_ && lines <= written_; }

  private:
    struct Transfer {
        std::string label, verb;  // safe
        int step = 0;
        uint64_t total = 0, done = 0;
        TimePoint started;
        bool announced = false;
    };
    struct Step {
        std::string name;  // "[build] STEP 2/3"
        std::string title;
        StyledText output;
    };
    using ActivityName = std::pair<int, std::string>;

    std::string show(const StepsPlanned& event, TimePoint now);
    std::string show(const StepStarted& event, TimePoint now);
    std::string show(const StepFinished& event, TimePoint now);
    std::string show(const StepFailed& event, TimePoint now);
    std::string show(const StepOutput& event, TimePoint now);
    std::string show(const TransferStarted& event, TimePoint now);
    std::string show(const TransferProgress& event, TimePoint now);
    std::string show(const TransferFinished& event, TimePoint now);
    std::string show(const ActivityStarted& event, TimePoint now);
    std::string show(const ActivityProgress& event, TimePoint now);
    std::string show(const ActivityFinished& event, TimePoint now);
    std::string show(const Warning& event, TimePoint now);
    std::string show(const Notice& event, TimePoint now);
    std::string line(TimePoint now, const std::string& text) const;
    std::string line_of(int step, TimePoint now, const std::string& text);
    std::string in_group(int step);

    Color color_;
    TimePoint began_;
    LogGroups groups_;
    std::map<int, Step> steps_;  // that are running
    std::map<int, Transfer> transfers_;
    std::map<ActivityName, TimePoint> activities_;
    int finished_ = 0, cached_ = 0;
    // Whose output was written last, without anything between, and how many lines; and the step that failed.
    int writer_ = -1, failed_ = -2;
    size_t written_ = 0;
};

}  // namespace gbuild::cli
