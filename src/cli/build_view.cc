#include "gbuild/cli/build_view.h"

#include <algorithm>

#include <fmt/format.h>

#include "gbuild/base/text.h"
#include "gbuild/cli/display.h"
#include "gbuild/cli/error_text.h"
#include "gbuild/cli/exit_codes.h"

namespace gbuild::cli {

namespace {

constexpr std::string_view head_style = "\x1b[1m", cached_style = "\x1b[36m", failed_style = "\x1b[1;31m",
                           faint_style = "\x1b[2m", no_style = "\x1b[0m";
// Times further to the right would be lost to the eye.
constexpr int widest_line = 140;

std::chrono::milliseconds time_between(TimePoint from, TimePoint to) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(to - from);
}

// The last column stays free: a full line would make some terminals begin another one.
int room_in(int columns) { return std::max(1, std::min(columns - 1, widest_line)); }

// The text, cut where it has to be, and the time at the right.
std::string line_with_time(const std::string& text, std::chrono::milliseconds time, int columns) {
    const std::string right = short_duration(time);
    const int room = room_in(columns) - display_width(right) - 1;
    if (room < 8) return clip(text, room_in(columns));
    const std::string left = clip(text, room);
    return left + std::string(static_cast<size_t>(room - display_width(left) + 1), ' ') + right;
}

std::string styled(std::string text, std::string_view style, Color color) {
    return color == Color::off ? text : fmt::format("{}{}{}", style, text, no_style);
}

std::string activity_text(const Activity& activity) {
    return safe_text(activity.object.empty() ? activity.verb : activity.verb + " " + activity.object);
}

std::string rate_text(uint64_t done, std::chrono::milliseconds time) {
    if (time.count() < 500 || done == 0) return {};
    return fmt::format(" {}/s", human_size(done * 1000 / static_cast<uint64_t>(time.count())));
}

// As much of a transfer's numbers as there is room for.
std::string transfer_text(const std::string& name, uint64_t done, uint64_t total, std::chrono::milliseconds time,
                          int room) {
    const std::string rate = rate_text(done, time);
    if (total == 0) {
        const std::string size = human_size(done);
        for (const std::string& text : {name + " " + size + rate, name + " " + size}) {
            if (display_width(text) <= room) return text;
        }
        return clip(name, room);
    }
    const std::string sizes = fmt::format(" {} / {}", human_size(done), human_size(total));
    const std::string percent = fmt::format(" {}%", std::min(uint64_t{100}, done * 100 / total));
    for (const std::string& text : {name + sizes + rate, name + sizes, name + percent}) {
        if (display_width(text) <= room) return text;
    }
    return clip(name, std::max(1, room - display_width(percent))) + percent;
}

}  // namespace

std::string short_duration(std::chrono::milliseconds duration) {
    const int64_t tenths = std::max<int64_t>(0, duration.count() / 100), seconds = tenths / 10;
    if (seconds < 100) return fmt::format("{}.{}s", seconds, tenths % 10);
    if (seconds < 3600) return fmt::format("{}m{:02}s", seconds / 60, seconds % 60);
    return fmt::format("{}h{:02}m", seconds / 3600, seconds / 60 % 60);
}

std::string BuildView::take(const Event& event, TimePoint now, int columns) {
    return std::visit([&](const auto& one) { return show(one, now, columns); }, event);
}

BuildView::Step& BuildView::step(int id, TimePoint now) {
    return steps_
        .try_emplace(id, Step{"", now, false, false, false, false, {}, "", {}, StyledText(color_), {}, {}, 0, 0})
        .first->second;
}

BuildView::Step* BuildView::step_with(int transfer) {
    for (auto& [id, step] : steps_) {
        if (step.transfers.contains(transfer)) return &step;
    }
    return nullptr;
}

std::string BuildView::show(const StepsPlanned& event, TimePoint now, int) {
    for (const StepStarted& planned : event.steps) {
        const std::string number = fmt::format("{}/{}", planned.number, planned.total);
        const std::string stage = planned.stage.empty() ? number : fmt::format("{} {}", planned.stage, number);
        step(planned.id, now).name = fmt::format("[{}] {}", safe_text(stage), safe_text(planned.text));
    }
    total_ = static_cast<int>(event.steps.size());
    return {};
}

std::string BuildView::show(const StepStarted& event, TimePoint now, int) {
    Step& started = step(event.id, now);
    if (started.name.empty()) {
        total_ = std::max(total_, event.total);
        const std::string number = fmt::format("{}/{}", event.number, event.total);
        const std::string stage = event.stage.empty() ? number : fmt::format("{} {}", event.stage, number);
        started.name =
            event.number == 0 ? safe_text(event.text) : fmt::format("[{}] {}", safe_text(stage), safe_text(event.text));
    }
    started.is_started = true;
    started.is_over = started.is_shown = false;
    if (started.is_idle()) started.started = now;
    return {};
}

std::string BuildView::show(const StepFinished& event, TimePoint now, int columns) {
    Step& finished = step(event.id, now);
    constexpr size_t short_digest = 19;  // "sha256:0123456789ab"
    finished.is_over = true;
    finished.is_cached = event.cached;
    finished.took = event.took;
    finished.detail =
        safe_text(event.detail.starts_with("sha256:") ? event.detail.substr(0, short_digest) : event.detail);
    finished.output.clear();
    ++finished_;
    if (event.cached) ++cached_;
    return finished.is_idle() ? shown_when_over(finished, now, columns) : "";
}

std::string BuildView::show(const StepFailed& event, TimePoint now, int columns) {
    Step& failed = step(event.id, now);
    failed.is_over = failed.is_shown = true;
    failed.output.clear();
    const std::string word = event.interrupted ? "CANCELED" : "ERROR";
    return styled(
               line_with_time(fmt::format(" => {} {}", word, failed.name), time_between(failed.started, now), columns),
               event.interrupted ? faint_style : failed_style, color_) +
           "\n";
}

std::string BuildView::show(const StepOutput& event, TimePoint now, int) {
    Step& writer = step(event.id, now);
    for (const std::string& line : event.lines) {
        writer.output.push_back(writer.style.line(line));
        if (writer.output.size() > most_output_lines) writer.output.pop_front();
    }
    return {};
}

std::string BuildView::show(const TransferStarted& event, TimePoint now, int) {
    Step& owner = step(event.step, now);
    if ((!owner.is_started || owner.is_over) && owner.is_idle()) owner.started = now;
    owner.transfers[event.id] = {safe_text(event.label), safe_text(event.verb), event.total, 0, now};
    return {};
}

std::string BuildView::show(const TransferProgress& event, TimePoint, int) {
    if (Step* owner = step_with(event.id)) owner->transfers.at(event.id).done = event.done;
    return {};
}

std::string BuildView::show(const TransferFinished& event, TimePoint now, int columns) {
    Step* owner = step_with(event.id);
    if (!owner) return {};
    const Transfer transfer = owner->transfers.at(event.id);
    owner->transfers.erase(event.id);
    const uint64_t size = transfer.total > 0 ? transfer.total : transfer.done;
    if (owner != &step(0, now)) {
        if (!event.cached) owner->pulled += size, owner->layers++;
        return owner->is_over && owner->is_idle() ? shown_when_over(*owner, now, columns) : "";
    }
    const std::string name = transfer.verb + " " + transfer.label;
    const std::string text = event.cached ? fmt::format(" => CACHED {}", name)
                             : size > 0   ? fmt::format(" => {} {}", name, human_size(size))
                                          : fmt::format(" => {}", name);
    return line_with_time(text, time_between(transfer.started, now), columns) + "\n";
}

std::string BuildView::show(const ActivityStarted& event, TimePoint now, int) {
    Step& owner = step(event.activity.step, now);
    if ((!owner.is_started || owner.is_over) && owner.is_idle()) owner.started = now;
    owner.activities[activity_text(event.activity)] = {0, now};
    return {};
}

std::string BuildView::show(const ActivityProgress& event, TimePoint now, int) {
    auto& activities = step(event.activity.step, now).activities;
    const auto found = activities.find(activity_text(event.activity));
    if (found != activities.end()) found->second.done = event.done;
    return {};
}

std::string BuildView::show(const ActivityFinished& event, TimePoint now, int columns) {
    Step& owner = step(event.activity.step, now);
    const auto found = owner.activities.find(activity_text(event.activity));
    if (found == owner.activities.end()) return {};
    const auto took = time_between(found->second.started, now);
    const std::string name = found->first;
    owner.activities.erase(found);
    if (event.activity.step == 0) return line_with_time(" => " + name, took, columns) + "\n";
    return owner.is_over && !owner.is_shown && owner.is_idle() ? shown_when_over(owner, now, columns) : "";
}

std::string BuildView::show(const Warning& event, TimePoint, int) { return warning_text(event, color_); }

std::string BuildView::show(const Notice& event, TimePoint, int) { return safe_text(event.message) + "\n"; }

// Of a step that has been shown, what was pulled for it since.
std::string BuildView::shown_when_over(Step& step, TimePoint now, int columns) {
    const std::string pulled = step.layers == 0 ? ""
                                                : fmt::format("{} in {} layer{}", human_size(step.pulled), step.layers,
                                                              step.layers == 1 ? "" : "s");
    const auto time = step.layers > 0 || step.is_shown ? time_between(step.started, now) : step.took;
    step.pulled = 0;
    step.layers = 0;
    if (step.is_shown) {
        return pulled.empty() ? "" : line_with_time(" => => pulled " + pulled, time, columns) + "\n";
    }
    step.is_shown = true;
    std::string text = step.is_cached ? " => CACHED " + step.name : " => " + step.name;
    if (!step.detail.empty()) text += " " + step.detail;
    if (!pulled.empty()) text += ", " + pulled;
    const std::string line = line_with_time(text, time, columns);
    return (step.is_cached ? styled(line, cached_style, color_) : line) + "\n";
}

std::string BuildView::headline(TimePoint now, int columns) const {
    const std::string count = total_ > 0 ? fmt::format(" ({}/{})", finished_, total_) : "";
    // What comes before the first step of a build, or instead of any, is no building.
    const char* what = total_ > 0 ? "Building" : "Working";
    const std::string text = fmt::format("[+] {} {}{}", what, short_duration(time_between(began_, now)), count);
    return styled(clip(text, room_in(columns)), head_style, color_);
}

void BuildView::add_step(std::vector<std::string>& lines, const Step& step, size_t outputs, TimePoint now,
                         int columns) const {
    const bool is_running = step.is_started && !step.is_over;
    if (!is_running && step.is_idle()) return;
    const std::string indent = step.name.empty() ? " => " : " => => ";
    if (!step.name.empty()) {
        lines.push_back(line_with_time(" => " + step.name, time_between(step.started, now), columns));
    }
    const auto add = [&](const std::string& name, uint64_t done, uint64_t total, TimePoint started) {
        const auto time = time_between(started, now);
        const int room = room_in(columns) - display_width(indent) - display_width(short_duration(time)) - 1;
        lines.push_back(line_with_time(indent + transfer_text(name, done, total, time, room), time, columns));
    };
    for (const auto& [id, transfer] : step.transfers) {
        const bool is_plain = !step.name.empty() && transfer.verb == "pulling";
        add(is_plain ? transfer.label : transfer.verb + " " + transfer.label, transfer.done, transfer.total,
            transfer.started);
    }
    for (const auto& [name, activity] : step.activities) {
        if (activity.done > 0)
            add(name, activity.done, 0, activity.started);
        else
            lines.push_back(line_with_time(indent + name, time_between(activity.started, now), columns));
    }
    const size_t shown = std::min(outputs, step.output.size());
    for (size_t i = step.output.size() - shown; i < step.output.size(); i++) {
        const std::string line = clip_styled(step.output[i], std::max(0, room_in(columns) - 9));
        lines.push_back(styled(" => => # ", faint_style, color_) + line);
    }
}

std::vector<std::string> BuildView::lines_of_steps(size_t outputs, TimePoint now, int columns) const {
    std::vector<std::string> lines;
    for (const auto& [id, step] : steps_) {
        if (id != 0) add_step(lines, step, outputs, now, columns);
    }
    if (const auto loose = steps_.find(0); loose != steps_.end()) add_step(lines, loose->second, 0, now, columns);
    return lines;
}

std::vector<std::string> BuildView::frame(TimePoint now, int columns, int rows) const {
    const auto room = static_cast<size_t>(std::max(1, rows));
    std::vector<std::string> frame{headline(now, columns)};
    std::vector<std::string> lines = lines_of_steps(most_output_lines, now, columns);
    // A low terminal shows fewer lines of output first, so that every step keeps its own.
    for (size_t outputs = most_output_lines; outputs > 0 && lines.size() + 1 > room; --outputs) {
        lines = lines_of_steps(outputs - 1, now, columns);
    }
    if (lines.size() + 1 > room) {
        const size_t kept = room > 2 ? room - 2 : 0;
        const std::string more = fmt::format(" … and {} more", lines.size() - kept);
        lines.resize(kept);
        if (room > 1) lines.push_back(clip(more, room_in(columns)));
    }
    frame.insert(frame.end(), lines.begin(), lines.end());
    return frame;
}

std::string BuildView::total(const Ending& ending, TimePoint now, int columns) const {
    const std::string time = short_duration(time_between(began_, now));
    std::string text;
    if (ending.exit_code == exit_code(ErrorKind::interrupted))
        text = fmt::format("[+] Interrupted after {}", time);
    else if (ending.exit_code != 0)
        text = fmt::format("[+] Failed after {}", time);
    else
        text = fmt::format("[+] Built in {}", time);
    if (ending.exit_code != 0 && total_ > 0) text += fmt::format(" ({}/{})", finished_, total_);
    if (ending.exit_code == 0 && finished_ > 0) {
        text += fmt::format(": {} step{}", finished_, finished_ == 1 ? "" : "s");
        if (cached_ > 0) text += fmt::format(", {} cached", cached_);
    }
    return styled(clip(text, room_in(columns)), head_style, color_) + "\n";
}

}  // namespace gbuild::cli
