#include "gbuild/cli/progress.h"

#include <condition_variable>
#include <stop_token>
#include <thread>

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/text.h"
#include "gbuild/cli/json_progress.h"
#include "gbuild/cli/log_groups.h"
#include "gbuild/cli/progress_lines.h"
#include "gbuild/cli/tty_progress.h"

namespace gbuild::cli {

namespace {

class PlainProgress final : public LockedProgress {
  public:
    PlainProgress(Output& output, Color color, Clock clock, CiSystem ci) :
        LockedProgress(std::move(clock)), output_(output), lines_(color, began(), LogGroups(ci)) {}
    ~PlainProgress() override { close(); }
    void close() override {
        std::lock_guard lock(mutex_);
        output_.write(lines_.end_group());
    }
    void finish(const Ending& ending) override {
        std::lock_guard lock(mutex_);
        output_.write(ending.exit_code == 0 ? lines_.total(now()) : lines_.end_group());
    }
    bool has_just_shown_output(size_t lines) const override {
        std::lock_guard lock(mutex_);
        return lines_.has_just_shown_output(lines);
    }

  protected:
    void handle(const Event& event, TimePoint now) override { output_.write(lines_.text(event, now)); }

  private:
    Output& output_;
    ProgressLines lines_;
};

class NoProgress final : public Progress {
  public:
    void emit(const Event&) override {}
    void finish(const Ending&) override {}
};

// A TtyProgress with the thread that keeps it moving.
class LiveTtyProgress final : public Progress {
  public:
    LiveTtyProgress(Output& output, Color color, Clock clock) : tty_(output, color, std::move(clock)) {}
    void emit(const Event& event) override { tty_.emit(event); }
    void start_ticking() override {
        if (!ticker_.joinable()) ticker_ = std::jthread([this](std::stop_token stop) { run(stop); });
    }
    bool clears_echo() const override { return true; }
    void close() override {
        ticker_ = std::jthread();
        tty_.close();
    }
    void finish(const Ending& ending) override {
        ticker_ = std::jthread();
        tty_.finish(ending);
    }

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

std::unique_ptr<Progress> make_progress(ProgressMode mode, Console& console) {
    Color color = console.color(console.err);
    Clock clock = std::chrono::steady_clock::now;
    switch (mode) {
    case ProgressMode::plain: return std::make_unique<PlainProgress>(console.err, color, clock, ci_system(console));
    case ProgressMode::tty: return std::make_unique<LiveTtyProgress>(console.err, color, clock);
    case ProgressMode::json:
        return std::make_unique<JsonProgress>(console.err, clock, std::chrono::system_clock::now());
    case ProgressMode::quiet: break;
    }
    return std::make_unique<NoProgress>();
}

}  // namespace gbuild::cli
