#include "gbuild/cli/progress_lines.h"

#include <iterator>

#include <fmt/format.h>

#include "gbuild/base/text.h"
#include "gbuild/cli/display.h"
#include "gbuild/cli/error_text.h"

namespace gbuild::cli {

namespace {

std::string emphasized(const std::string& text, Color color) {
    return color == Color::on ? "\x1b[1m" + text + "\x1b[0m" : text;
}

std::chrono::milliseconds elapsed(TimePoint from, TimePoint to) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(to - from);
}

}  // namespace

std::string ProgressLines::text(const Event& event, TimePoint now) {
    return std::visit([&](const auto& one) { return show(one, now); }, event);
}

std::string ProgressLines::show(const StepStarted& event, TimePoint) {
    std::string name = event.stage.empty() ? "" : fmt::format("[{}] ", safe_text(event.stage));
    std::string text = safe_text(event.text);
    if (event.number > 0) {
        name += fmt::format("STEP {}/{}", event.number, event.total);
        steps_[event.id] = name;
        return fmt::format("{} {}\n", emphasized(name + ":", color_), text);
    }
    steps_[event.id] = name + text;
    return fmt::format("{}\n", emphasized(name + text, color_));
}

std::string ProgressLines::show(const StepFinished& event, TimePoint) {
    constexpr std::chrono::milliseconds worth_telling{100};
    std::string name = steps_[event.id];
    steps_.erase(event.id);
    std::string detail = event.detail.empty() ? "" : " " + safe_text(event.detail);
    if (event.cached) return fmt::format("--> {} cached{}\n", name, detail);
    if (detail.empty() && event.took < worth_telling) return {};
    return fmt::format("--> {} done in {}{}\n", name, human_duration(event.took), detail);
}

// The error that follows says more.
std::string ProgressLines::show(const StepFailed& event, TimePoint) {
    steps_.erase(event.id);
    return {};
}

std::string ProgressLines::show(const StepOutput& event, TimePoint) {
    std::string text;
    for (const std::string& line : event.lines) {
        fmt::format_to(std::back_inserter(text), "#{} {}\n", event.id, safe_text(line));
    }
    return text;
}

std::string ProgressLines::show(const TransferStarted& event, TimePoint now) {
    transfers_[event.id] = {safe_text(event.label), safe_text(event.verb), event.total, 0, now};
    return {};
}

std::string ProgressLines::show(const TransferProgress& event, TimePoint) {
    auto found = transfers_.find(event.id);
    if (found == transfers_.end()) return {};
    Transfer& transfer = found->second;
    transfer.done = event.done;
    if (transfer.announced || transfer_lines_ == TransferLines::end) return {};
    // Only now is it known to be more than a look into the store.
    transfer.announced = true;
    std::string size = transfer.total > 0 ? " " + human_size(transfer.total) : "";
    return fmt::format("  {} {}{}\n", transfer.label, transfer.verb, size);
}

std::string ProgressLines::show(const TransferFinished& event, TimePoint now) {
    auto found = transfers_.find(event.id);
    if (found == transfers_.end()) return {};
    Transfer transfer = std::move(found->second);
    transfers_.erase(found);
    if (event.cached) return fmt::format("  {} cached\n", transfer.label);
    uint64_t size = transfer.total > 0 ? transfer.total : transfer.done;
    return fmt::format("  {} done, {} in {}\n", transfer.label, human_size(size),
                       human_duration(elapsed(transfer.started, now)));
}

std::string ProgressLines::show(const Warning& event, TimePoint) { return warning_text(event, color_); }

std::string ProgressLines::show(const Notice& event, TimePoint) { return safe_text(event.message) + "\n"; }

}  // namespace gbuild::cli
