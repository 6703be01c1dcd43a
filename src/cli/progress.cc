#include "gbuild/cli/progress.h"

#include <condition_variable>
#include <stop_token>
#include <thread>

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/text.h"
#include "gbuild/cli/json_progress.h"
#include "gbuild/cli/progress_lines.h"
#include "gbuild/cli/tty_progress.h"

namespace gbuild::cli {

namespace {

class PlainProgress final : public LockedProgress {
  public:
    PlainProgress(Output& output, Color color, Clock clock) :
        LockedProgress(std::move(clock)), output_(output), lines_(color, TransferLines::start_and_end) {}

  protected:
    void handle(const Event& event, TimePoint now) override { output_.write(lines_.text(event, now)); }

  private:
    Output& output_;
    ProgressLines lines_;
};

// A TtyProgress with the thread that keeps it moving.
class LiveTtyProgress final : public EventSink {
  public:
    LiveTtyProgress(Output& output, Color color, Clock clock) :
        tty_(output, color, std::move(clock)), ticker_([this](std::stop_token stop) { run(stop); }) {}
    void emit(const Event& event) override { tty_.emit(event); }

  private:
    void run(const std::stop_token& stop) {
        std::mutex mutex;
        std::unique_lock lock(mutex);
        std::condition_variable_any never;
        while (!stop.stop_requested()) {
            never.wait_for(lock, stop, TtyProgress::redraw_interval, [] { return false; });
            tty_.tick();
        }
    }
    TtyProgress tty_;
    std::jthread ticker_;
};

}  // namespace

void LockedProgress::emit(const Event& event) {
    std::lock_guard lock(mutex_);
    try {
        handle(event, now());
    } catch (const std::exception&) {
        // A line of progress is not worth a build.
    }
}

namespace {

std::optional<ProgressMode> named_mode(std::string_view name) {
    if (name == "plain") return ProgressMode::plain;
    if (name == "tty") return ProgressMode::tty;
    if (name == "json" || name == "rawjson") return ProgressMode::json;
    if (name == "quiet" || name == "none") return ProgressMode::quiet;
    return std::nullopt;
}

}  // namespace

void declare_progress(OptionSet& options, std::string& name) {
    options.choice("--progress", {"auto", "tty", "plain", "json", "quiet"}, name,
                   "how progress is shown; auto: as $BUILDKIT_PROGRESS says, else tty on a terminal",
                   {"rawjson", "none"});  // docker's names
}

ProgressMode progress_mode(std::string_view name, const Console& console) {
    if (auto mode = named_mode(name)) return *mode;
    const std::string variable = console.env("BUILDKIT_PROGRESS").value_or("");
    if (auto mode = named_mode(variable)) return *mode;
    if (!variable.empty() && variable != "auto") {
        throw Error(ErrorKind::usage,
                    fmt::format("BUILDKIT_PROGRESS={}: no such way to show progress", printable(variable)))
            .hint("it is one of auto, tty, plain, json and quiet");
    }
    bool capable = console.err.is_terminal() && console.env("TERM").value_or("dumb") != "dumb";
    return capable ? ProgressMode::tty : ProgressMode::plain;
}

std::unique_ptr<EventSink> make_progress(ProgressMode mode, Console& console) {
    Color color = console.color(console.err);
    Clock clock = std::chrono::steady_clock::now;
    switch (mode) {
    case ProgressMode::plain: return std::make_unique<PlainProgress>(console.err, color, clock);
    case ProgressMode::tty: return std::make_unique<LiveTtyProgress>(console.err, color, clock);
    case ProgressMode::json: return std::make_unique<JsonProgress>(console.err, clock);
    case ProgressMode::quiet: break;
    }
    return std::make_unique<NullSink>();
}

}  // namespace gbuild::cli
