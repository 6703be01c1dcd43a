#include "gbuild/cli/json_progress.h"

#include <cmath>
#include <ctime>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "gbuild/cli/exit_codes.h"

namespace gbuild::cli {

namespace {

using WallTime = std::chrono::system_clock::time_point;

// RFC 3339, to the millisecond.
std::string time_text(WallTime time) {
    const auto since = std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch());
    const std::time_t seconds = static_cast<std::time_t>(since.count() / 1000);
    return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(seconds), since.count() % 1000);
}

Json step_json(const StepStarted& event) {
    return {{"id", event.id},       {"number", event.number}, {"total", event.total},
            {"stage", event.stage}, {"text", event.text},     {"line", event.line}};
}

Json to_json(const StepsPlanned& event) {
    Json steps = Json::array();
    for (const StepStarted& step : event.steps) steps.push_back(step_json(step));
    return {{"event", "steps-planned"}, {"steps", std::move(steps)}};
}

Json to_json(const StepStarted& event) {
    Json json{{"event", "step-started"}};
    json.update(step_json(event));
    return json;
}

Json to_json(const StepFinished& event) {
    return {{"event", "step-finished"},
            {"id", event.id},
            {"cached", event.cached},
            {"milliseconds", event.took.count()},
            {"detail", event.detail}};
}

Json to_json(const StepFailed& event) {
    return {{"event", "step-failed"}, {"id", event.id}, {"interrupted", event.interrupted}};
}

Json to_json(const StepOutput& event) {
    return {{"event", "step-output"}, {"id", event.id}, {"line", event.lines.front()}};
}

Json to_json(const TransferStarted& event) {
    return {{"event", "transfer-started"}, {"id", event.id},     {"step", event.step},
            {"label", event.label},        {"verb", event.verb}, {"total", event.total}};
}

Json to_json(const TransferProgress& event) {
    return {{"event", "transfer-progress"}, {"id", event.id}, {"done", event.done}};
}

Json to_json(const TransferFinished& event) {
    return {{"event", "transfer-finished"}, {"id", event.id}, {"cached", event.cached}};
}

Json activity_json(const char* name, const Activity& activity) {
    return {{"event", name}, {"step", activity.step}, {"verb", activity.verb}, {"object", activity.object}};
}

Json to_json(const ActivityStarted& event) { return activity_json("activity-started", event.activity); }

Json to_json(const ActivityProgress& event) {
    Json json = activity_json("activity-progress", event.activity);
    json["done"] = event.done;
    return json;
}

Json to_json(const ActivityFinished& event) { return activity_json("activity-finished", event.activity); }

Json to_json(const Warning& event) {
    Json json{{"event", "warning"}};
    json.update(warning_json(event));
    return json;
}

Json to_json(const Notice& event) { return {{"event", "notice"}, {"message", event.message}}; }

Json first_event() { return {{"event", "begin"}, {"schema", JsonProgress::schema}, {"gbuild", GBUILD_VERSION}}; }

Json error_event(const Error& error) {
    Json json{{"event", "error"}};
    json.update(error_json(error));
    return json;
}

Json result_event(const Ending& ending, double seconds) {
    Json json{{"event", "result"},
              {"success", ending.exit_code == 0},
              {"exitCode", ending.exit_code},
              {"seconds", std::round(seconds * 1000) / 1000}};
    json.update(ending.facts);
    return json;
}

std::string timed_line(Json json, WallTime time) {
    json["time"] = time_text(time);
    return json_line(json);
}

}  // namespace

Json error_json(const Error& error) {
    Json json{{"kind", kind_name(error.kind())},
              {"exitCode", exit_code(error.kind())},
              {"message", error.message()},
              {"hint", error.hint()},
              {"context", error.context()}};
    if (!error.output().empty()) json["output"] = error.output();
    if (error.span()) json.update(span_json(*error.span()));
    return json;
}

std::string json_refusal(const Error& error, WallTime wall) {
    return timed_line(first_event(), wall) + timed_line(error_event(error), wall) +
           timed_line(result_event({exit_code(error.kind())}, 0), wall);
}

JsonProgress::JsonProgress(Output& output, Clock clock, WallTime wall) :
    LockedProgress(std::move(clock)), output_(output), wall_(wall) {
    write(first_event(), began());
}

// By the clock that nobody sets, so that times never go back.
void JsonProgress::write(Json json, TimePoint now) {
    output_.write(
        timed_line(std::move(json), wall_ + std::chrono::duration_cast<std::chrono::milliseconds>(now - began())));
}

bool JsonProgress::is_too_early(const Moving& moving, TimePoint now) {
    const auto reported = reported_.find(moving);
    if (reported != reported_.end() && now - reported->second < report_interval) return true;
    reported_[moving] = now;
    return false;
}

bool JsonProgress::is_left_out(const Event& event, TimePoint now) {
    const auto name = [](const Activity& activity) {
        return Moving{activity.step, activity.verb + " " + activity.object};
    };
    if (const auto* progress = std::get_if<TransferProgress>(&event)) return is_too_early({progress->id, ""}, now);
    if (const auto* progress = std::get_if<ActivityProgress>(&event)) {
        return is_too_early(name(progress->activity), now);
    }
    if (const auto* finished = std::get_if<TransferFinished>(&event)) reported_.erase({finished->id, ""});
    if (const auto* finished = std::get_if<ActivityFinished>(&event)) reported_.erase(name(finished->activity));
    return false;
}

void JsonProgress::handle(const Event& event, TimePoint now) {
    if (is_left_out(event, now)) return;
    // An object for each line.
    if (const auto* output = std::get_if<StepOutput>(&event)) {
        for (const std::string& line : output->lines) write(to_json(StepOutput{output->id, {line}}), now);
        return;
    }
    write(std::visit([](const auto& one) { return to_json(one); }, event), now);
}

bool JsonProgress::tell(const Error& error) {
    std::lock_guard lock(mutex_);
    // Nothing comes after the result, such as that it could not be written to standard output.
    if (is_finished_) return false;
    write(error_event(error), now());
    return true;
}

void JsonProgress::finish(const Ending& ending) {
    std::lock_guard lock(mutex_);
    if (std::exchange(is_finished_, true)) return;
    const TimePoint time = now();
    write(result_event(ending, std::chrono::duration<double>(time - began()).count()), time);
}

}  // namespace gbuild::cli
