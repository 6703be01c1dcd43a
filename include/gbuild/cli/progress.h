// How a build shows what it does, on standard error.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string_view>

#include "gbuild/base/events.h"
#include "gbuild/cli/console.h"
#include "gbuild/cli/options.h"

namespace gbuild::cli {

using TimePoint = std::chrono::steady_clock::time_point;
using Clock = std::function<TimePoint()>;

enum class ProgressMode {
    plain,  // finished lines only: for logs
    tty,    // plain's lines, and below them a bar for each running transfer, redrawn in place
    json,   // an object a line
    quiet,  // nothing
};

// Declares --progress, whose value progress_mode() takes.
void declare_progress(OptionSet& options, std::string& name);
// "auto", "plain", "tty", "json" or "quiet". auto is what the variable BUILDKIT_PROGRESS says, else tty on a terminal
// that can, else plain. Throws usage naming the variable.
ProgressMode progress_mode(std::string_view name, const Console& console);

// The renderer writes to console.err, which must outlive it. Destroying it leaves the terminal as it was.
std::unique_ptr<EventSink> make_progress(ProgressMode mode, Console& console);

// What all renderers share: one event at a time, and never an exception.
class LockedProgress : public EventSink {
  public:
    explicit LockedProgress(Clock clock) : clock_(std::move(clock)) {}
    void emit(const Event& event) final;

  protected:
    virtual void handle(const Event& event, TimePoint now) = 0;  // called with mutex_ held
    TimePoint now() const { return clock_(); }

    std::mutex mutex_;

  private:
    Clock clock_;
};

}  // namespace gbuild::cli
