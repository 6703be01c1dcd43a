#include "gbuild/cli/progress_lines.h"

#include <iterator>

#include <fmt/format.h>

#include "gbuild/base/text.h"
#include "gbuild/cli/display.h"
#include "gbuild/cli/error_text.h"

namespace gbuild::cli {

namespace {

constexpr std::chrono::milliseconds worth_telling{100};
// Packing and extracting are parts of a step, whose own line tells the sum.
constexpr std::chrono::milliseconds long_activity{1000};

std::string emphasized(const std::string& text, Color color) {
    return color == Color::on ? "\x1b[1m" + text + "\x1b[0m" : text;
}

std::chrono::milliseconds elapsed(TimePoint from, TimePoint to) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(to - from);
}

std::pair<int, std::string> name_of(const Activity& activity) {
    std::string name = activity.verb;
    if (!activity.object.empty()) name += " " + activity.object;
    return {activity.step, safe_text(name)};
}

}  // namespace

std::string ProgressLines::text(const Event& event, TimePoint now) {
    std::string text = std::visit([&](const auto& one) { return show(one, now); }, event);
    if (!text.empty() && !std::holds_alternative<StepOutput>(event)) {
        writer_ = -1;
        written_ = 0;
    }
    return text;
}

std::string ProgressLines::line(TimePoint now, const std::string& text) const {
    return fmt::format("{:5.1f}s {}\n", std::chrono::duration<double>(now - began_).count(), text);
}

std::string ProgressLines::line_of(int step, TimePoint now, const std::string& text) {
    if (step == 0) return line(now, text);
    return in_group(step) + line(now, fmt::format("#{} {}", step, text));
}

std::string ProgressLines::in_group(int step) {
    const auto found = steps_.find(step);
    return found == steps_.end() ? groups_.enter(0, "") : groups_.enter(step, found->second.title);
}

std::string ProgressLines::show(const StepsPlanned&, TimePoint) { return {}; }

std::string ProgressLines::show(const StepStarted& event, TimePoint now) {
    std::string name = event.stage.empty() ? "" : fmt::format("[{}] ", safe_text(event.stage));
    const std::string text = safe_text(event.text);
    if (event.number > 0) name += fmt::format("STEP {}/{}", event.number, event.total);
    const std::string title = event.number > 0 ? fmt::format("{}: {}", name, text) : name + text;
    const std::string shown =
        event.number > 0 ? fmt::format("{} {}", emphasized(name + ":", color_), text) : emphasized(name + text, color_);
    if (event.number == 0) name += text;
    steps_.insert_or_assign(event.id, Step{name, title, StyledText(color_)});
    return groups_.is_on() ? in_group(event.id) : line(now, shown);
}

std::string ProgressLines::show(const StepFinished& event, TimePoint now) {
    const auto found = steps_.find(event.id);
    if (found == steps_.end()) return {};
    const std::string name = std::move(found->second.name);
    const std::string detail = event.detail.empty() ? "" : " " + safe_text(event.detail);
    ++finished_;
    if (event.cached) ++cached_;
    std::string text;
    if (event.cached)
        text = line(now, fmt::format("--> {} cached{}", name, detail));
    else if (!detail.empty() || event.took >= worth_telling)
        text = line(now, fmt::format("--> {} done in {}{}", name, human_duration(event.took), detail));
    if (!text.empty()) text = in_group(event.id) + text;
    steps_.erase(found);
    return text + (groups_.is_on() ? groups_.enter(0, "") : "");
}

// The error that follows says more.
std::string ProgressLines::show(const StepFailed& event, TimePoint) {
    if (!event.interrupted && failed_ < 0) failed_ = event.id;
    steps_.erase(event.id);
    // The group of the step stays open until the error is told, and does not count as something between.
    return {};
}

std::string ProgressLines::show(const StepOutput& event, TimePoint now) {
    std::string text = in_group(event.id);
    const auto found = steps_.find(event.id);
    StyledText unknown(color_);
    StyledText& output = found == steps_.end() ? unknown : found->second.output;
    for (const std::string& one : event.lines) {
        text += line(now, fmt::format("#{} {}", event.id, output.line(one)));
    }
    written_ = (writer_ == event.id ? written_ : 0) + event.lines.size();
    writer_ = event.id;
    return text;
}

std::string ProgressLines::show(const TransferStarted& event, TimePoint now) {
    transfers_[event.id] = {safe_text(event.label), safe_text(event.verb), event.step, event.total, 0, now};
    return {};
}

std::string ProgressLines::show(const TransferProgress& event, TimePoint now) {
    auto found = transfers_.find(event.id);
    if (found == transfers_.end()) return {};
    Transfer& transfer = found->second;
    transfer.done = event.done;
    if (transfer.announced) return {};
    // Only now is it known to be more than a look into the store.
    transfer.announced = true;
    std::string size = transfer.total > 0 ? " " + human_size(transfer.total) : "";
    return line_of(transfer.step, now, fmt::format("{} {}{}", transfer.label, transfer.verb, size));
}

std::string ProgressLines::show(const TransferFinished& event, TimePoint now) {
    auto found = transfers_.find(event.id);
    if (found == transfers_.end()) return {};
    Transfer transfer = std::move(found->second);
    transfers_.erase(found);
    if (event.cached) return line_of(transfer.step, now, fmt::format("{} cached", transfer.label));
    uint64_t size = transfer.total > 0 ? transfer.total : transfer.done;
    return line_of(transfer.step, now,
                   fmt::format("{} done, {} in {}", transfer.label, human_size(size),
                               human_duration(elapsed(transfer.started, now))));
}

std::string ProgressLines::show(const ActivityStarted& event, TimePoint now) {
    activities_[name_of(event.activity)] = now;
    return event.activity.step == 0 ? line(now, name_of(event.activity).second) : "";
}

std::string ProgressLines::show(const ActivityProgress&, TimePoint) { return {}; }

std::string ProgressLines::show(const ActivityFinished& event, TimePoint now) {
    const auto found = activities_.find(name_of(event.activity));
    if (found == activities_.end()) return {};
    const auto [step, name] = found->first;
    const auto took = elapsed(found->second, now);
    activities_.erase(found);
    if (took < (step == 0 ? worth_telling : long_activity)) return {};
    return line_of(step, now, fmt::format("{} done in {}", name, human_duration(took)));
}

// It begins with its place, as an error does: that is what the matchers of editors and CI systems look for.
std::string ProgressLines::show(const Warning& event, TimePoint) {
    return groups_.enter(0, "") + warning_text(event, color_);
}

std::string ProgressLines::show(const Notice& event, TimePoint now) { return line(now, safe_text(event.message)); }

std::string ProgressLines::total(TimePoint now) {
    if (finished_ == 0) return end_group();
    const std::string cached = cached_ > 0 ? fmt::format(", {} of them cached", cached_) : "";
    return end_group() + line(now, fmt::format("built in {}: {} step{}{}", human_duration(elapsed(began_, now)),
                                               finished_, finished_ == 1 ? "" : "s", cached));
}

std::string ProgressLines::end_group() { return groups_.enter(0, ""); }

}  // namespace gbuild::cli
