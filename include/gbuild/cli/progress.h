// How a build shows what it does, on standard error.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string_view>

#include "gbuild/base/events.h"
#include "gbuild/cli/console.h"
#include "gbuild/cli/json_text.h"
#include "gbuild/cli/options.h"

namespace gbuild::cli {

using TimePoint = std::chrono::steady_clock::time_point;
using Clock = std::function<TimePoint()>;

enum class ProgressMode {
    plain,  // lines that stay: for logs
    tty,    // what goes on is redrawn in place; what is done stays as a line
    json,   // an object a line
    quiet,  // nothing
};

// Declares --progress, whose value progress_mode() takes.
void declare_progress(OptionSet& options, std::string& name);
// "auto", "plain", "tty", "json" or "quiet". auto is what the variable BUILDKIT_PROGRESS says, else tty on a terminal
// that can, else plain. Throws usage naming the variable.
ProgressMode progress_mode(std::string_view name, const Console& console);

// How a build ended.
struct Ending {
    int exit_code = 0;
    Json facts = Json::object();  // more members of the JSON result
};

// Shows one build from its first event to its end. Destroying it leaves the terminal as it was.
class Progress : public EventSink {
  public:
    // From now on it may have a thread of its own, which keeps clocks ticking.
    virtual void start_ticking() {}
    // The build is over: the total.
    virtual void finish(const Ending& ending) = 0;
    // What is being redrawn goes away, so that something else can be written. Nothing comes after it but finish().
    virtual void close() {}
    // An error that ends the build, where it is one of the events: otherwise false, and the caller shows it as text.
    virtual bool tell(const Error& /*error*/) { return false; }
    // Whether what the terminal echoes, such as ^C, goes away with what is redrawn.
    virtual bool clears_echo() const { return false; }
    // Whether the last lines on display are as many lines of the output of the step that failed.
    virtual bool has_just_shown_output(size_t /*lines*/) const { return false; }
};

// The renderer writes to console.err, which must outlive it.
std::unique_ptr<Progress> make_progress(ProgressMode mode, Console& console);

// What all renderers share: one event at a time, and never an exception.
class LockedProgress : public Progress {
  public:
    explicit LockedProgress(Clock clock) : clock_(std::move(clock)), began_(clock_()) {}
    void emit(const Event& event) final;

  protected:
    virtual void handle(const Event& event, TimePoint now) = 0;  // called with mutex_ held
    TimePoint now() const { return clock_(); }
    TimePoint began() const { return began_; }

    mutable std::mutex mutex_;

  private:
    Clock clock_;
    TimePoint began_;
};

}  // namespace gbuild::cli
