#include "gbuild/cli/tty_progress.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "gbuild/cli/styled_text.h"

namespace gbuild::cli {

namespace {

// Between the two a terminal that knows them shows nothing half-done; others ignore a private mode that they have not.
constexpr std::string_view begin_update = "\x1b[?2026h", end_update = "\x1b[?2026l";

}  // namespace

TtyProgress::TtyProgress(Output& output, Color color, Clock clock) :
    LockedProgress(std::move(clock)), output_(output), view_(color, began()) {}

TtyProgress::~TtyProgress() { close(); }

void TtyProgress::close() {
    std::lock_guard lock(mutex_);
    erase();
    is_closed_ = true;
}

void TtyProgress::finish(const Ending& ending) {
    std::lock_guard lock(mutex_);
    erase();
    is_closed_ = true;
    output_.write(view_.total(ending, now(), output_.columns()));
}

void TtyProgress::tick() {
    std::lock_guard lock(mutex_);
    const TimePoint time = now();
    if (is_closed_ || frame_.empty() || time - drawn_at_ < redraw_interval) return;
    draw("", time);
}

void TtyProgress::handle(const Event& event, TimePoint now) {
    const std::string staying = view_.take(event, now, output_.columns());
    if (is_closed_)
        output_.write(staying);
    else if (!staying.empty() || now - drawn_at_ >= redraw_interval)
        draw(staying, now);
}

// Terminals wrap lines anew when they become narrower, so what is on the screen may take more rows than it did.
std::string TtyProgress::to_top(int columns) const {
    int rows = 0;
    for (const std::string& line : frame_)
        rows += std::max(1, (styled_width(line) + columns - 1) / std::max(1, columns));
    return rows > 0 ? fmt::format("\x1b[{}A\r", rows) : "\r";
}

void TtyProgress::draw(const std::string& staying, TimePoint now) {
    const int columns = std::max(1, output_.columns());
    std::vector<std::string> frame = view_.frame(now, columns, output_.rows() - 2);
    drawn_at_ = now;
    if (staying.empty() && frame == frame_ && columns == columns_) return;
    std::string screen(begin_update);
    screen += to_top(columns);
    // Lines that stay may be wrapped, so that the ends of their rows are not known; and so may the frame be by now.
    if (!staying.empty() || columns != columns_) screen += "\x1b[J";
    screen += staying;
    for (const std::string& line : frame) screen += line + "\x1b[K\n";
    screen += "\x1b[J";
    screen += end_update;
    frame_ = std::move(frame);
    columns_ = columns;
    output_.write(screen);
}

// And what the terminal has echoed meanwhile, such as ^C.
void TtyProgress::erase() {
    if (frame_.empty()) return;
    output_.write(to_top(std::max(1, output_.columns())) + "\x1b[J");
    frame_.clear();
}

}  // namespace gbuild::cli
