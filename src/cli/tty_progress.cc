#include "gbuild/cli/tty_progress.h"

#include <algorithm>

#include <fmt/format.h>

#include "gbuild/base/text.h"
#include "gbuild/cli/display.h"

namespace gbuild::cli {

namespace {

std::string speed(const ProgressLines::Transfer& transfer, TimePoint now) {
    auto seconds = std::chrono::duration<double>(now - transfer.started).count();
    if (seconds < 0.5 || transfer.done == 0) return {};
    return fmt::format("  {}/s", human_size(static_cast<uint64_t>(static_cast<double>(transfer.done) / seconds)));
}

}  // namespace

std::string transfer_bar(const ProgressLines::Transfer& transfer, TimePoint now, int columns) {
    constexpr int narrowest = 10, widest = 30;
    std::string name = fmt::format("  {} {} ", transfer.label, transfer.verb);
    if (transfer.total == 0) return clip(name + human_size(transfer.done) + speed(transfer, now), columns);
    double share = std::min(1.0, static_cast<double>(transfer.done) / static_cast<double>(transfer.total));
    std::string sizes = fmt::format("{} / {}", human_size(transfer.done), human_size(transfer.total));
    std::string numbers = sizes + speed(transfer, now);
    int room = columns - display_width(name) - display_width(numbers) - 3;
    if (room < narrowest) {
        std::string percent = fmt::format("{}%", static_cast<int>(share * 100));
        for (const std::string& text : {name + numbers, name + sizes, name + percent}) {
            if (display_width(text) <= columns) return text;
        }
        return clip("  " + transfer.label, columns - display_width(percent) - 1) + " " + percent;
    }
    room = std::min(room, widest);
    auto filled = static_cast<size_t>(share * room);
    std::string bar = std::string(filled, '#') + std::string(static_cast<size_t>(room) - filled, '-');
    return fmt::format("{}[{}] {}", name, bar, numbers);
}

TtyProgress::TtyProgress(Output& output, Color color, Clock clock) :
    LockedProgress(std::move(clock)), output_(output), lines_(color, TransferLines::end) {}

TtyProgress::~TtyProgress() {
    std::string erase = erase_bars();
    if (!erase.empty()) output_.write(erase);
}

void TtyProgress::tick() {
    std::lock_guard lock(mutex_);
    TimePoint time = now();
    if (lines_.transfers().empty() || time - drawn_at_ < redraw_interval) return;
    std::string screen = erase_bars();
    screen += draw_bars(time);
    output_.write(screen);
}

void TtyProgress::handle(const Event& event, TimePoint now) {
    std::string lines = lines_.text(event, now);
    if (lines.empty() && now - drawn_at_ < redraw_interval) return;
    // One after the other: the operands of + may be evaluated in any order.
    std::string screen = erase_bars();
    screen += lines;
    screen += draw_bars(now);
    if (!screen.empty()) output_.write(screen);
}

std::string TtyProgress::erase_bars() {
    if (drawn_ == 0) return {};
    return fmt::format("\x1b[{}A\r\x1b[J", std::exchange(drawn_, 0));
}

std::string TtyProgress::draw_bars(TimePoint now) {
    drawn_at_ = now;
    // The last column stays free: a full line would wrap, and the count of lines to erase be wrong.
    int columns = output_.columns() - 1;
    auto room = static_cast<size_t>(std::max(1, output_.rows() - 2));
    const auto& transfers = lines_.transfers();
    size_t shown = transfers.size() > room ? room - 1 : transfers.size();
    std::string text;
    for (const auto& [id, transfer] : transfers) {
        if (static_cast<size_t>(drawn_) == shown) break;
        text += transfer_bar(transfer, now, columns) + "\n";
        drawn_++;
    }
    if (shown < transfers.size()) {
        text += clip(fmt::format("  … and {} more", transfers.size() - shown), columns) + "\n";
        drawn_++;
    }
    return text;
}

}  // namespace gbuild::cli
