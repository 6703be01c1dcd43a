#include "gbuild/cli/json_progress.h"

#include <nlohmann/json.hpp>

#include "gbuild/cli/exit_codes.h"
#include "gbuild/cli/json_text.h"

namespace gbuild::cli {

namespace {

Json to_json(const StepStarted& event) {
    return {{"event", "step-started"}, {"id", event.id},     {"number", event.number}, {"total", event.total},
            {"stage", event.stage},    {"text", event.text}, {"line", event.line}};
}

Json to_json(const StepFinished& event) {
    return {{"event", "step-finished"},
            {"id", event.id},
            {"cached", event.cached},
            {"milliseconds", event.took.count()},
            {"detail", event.detail}};
}

Json to_json(const StepFailed& event) { return {{"event", "step-failed"}, {"id", event.id}}; }

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

Json to_json(const Warning& event) {
    Json json{{"event", "warning"}};
    json.update(warning_json(event));
    return json;
}

Json to_json(const Notice& event) { return {{"event", "notice"}, {"message", event.message}}; }

template <class Kind>
std::string lines_of(const Kind& event) {
    return json_line(to_json(event));
}

// An object for each line.
std::string lines_of(const StepOutput& event) {
    std::string text;
    for (const std::string& line : event.lines) {
        text += json_line({{"event", "step-output"}, {"id", event.id}, {"line", line}});
    }
    return text;
}

}  // namespace

void JsonProgress::handle(const Event& event, TimePoint now) {
    if (const auto* progress = std::get_if<TransferProgress>(&event)) {
        auto reported = reported_.find(progress->id);
        if (reported != reported_.end() && now - reported->second < report_interval) return;
        reported_[progress->id] = now;
    } else if (const auto* finished = std::get_if<TransferFinished>(&event)) {
        reported_.erase(finished->id);
    }
    output_.write(std::visit([](const auto& one) { return lines_of(one); }, event));
}

std::string json_error_line(const Error& error) {
    Json json{{"event", "error"},
              {"kind", kind_name(error.kind())},
              {"exitCode", exit_code(error.kind())},
              {"message", error.message()},
              {"hint", error.hint()},
              {"context", error.context()}};
    if (!error.output().empty()) json["output"] = error.output();
    if (error.span()) json.update(span_json(*error.span()));
    return json_line(json);
}

}  // namespace gbuild::cli
