#include "gbuild/cli/build_record.h"

#include <algorithm>

#include "gbuild/store/store.h"

namespace gbuild::cli {

namespace {

constexpr int record_format = 1;

// Whatever puts out too many events is not to make a record that nobody can read.
constexpr size_t most_work = 5000, most_warnings = 1000;

std::string key_of(const std::string& sha3) { return "how sha3:" + sha3; }

Json step_json(const RecordedStep& step) {
    return {{"number", step.step.number}, {"total", step.step.total}, {"stage", step.step.stage},
            {"text", step.step.text},     {"line", step.step.line},   {"cached", step.cached},
            {"began", step.began},        {"took", step.took}};
}

RecordedStep step_of(const Json& json) {
    RecordedStep step;
    step.step = {json.at("number"), json.at("number"), json.at("total"),
                 json.at("stage"),  json.at("text"),   json.at("line")};
    step.cached = json.at("cached");
    step.began = json.at("began");
    step.took = json.at("took");
    return step;
}

Json work_json(const RecordedWork& work) {
    return {{"step", work.step},   {"verb", work.verb}, {"name", work.name},  {"cached", work.cached},
            {"began", work.began}, {"took", work.took}, {"bytes", work.bytes}};
}

RecordedWork work_of(const Json& json) {
    return {json.at("step"),  json.at("verb"), json.at("name"), json.at("cached"),
            json.at("began"), json.at("took"), json.at("bytes")};
}

Warning warning_of(const Json& json) {
    Warning warning{json.at("id"), json.at("message"), std::nullopt, json.at("hint")};
    if (json.contains("file")) warning.span = SourceSpan{json.at("file"), json.at("line"), json.at("column"), 0, ""};
    return warning;
}

Json provenance_json(const build::Provenance& provenance) {
    Json steps = Json::array(), lost = Json::array(), runs = Json::array();
    for (const auto& files : provenance.steps) {
        steps.push_back({files.step, files.files, files.bytes, files.kept_files, files.kept_bytes});
    }
    for (const auto& file : provenance.lost) lost.push_back(Json{file.path, file.size, file.step, file.lost_to});
    for (const auto& [step, count] : provenance.runs) runs.push_back({step, count});
    return {{"steps", std::move(steps)}, {"lost", std::move(lost)}, {"runs", std::move(runs)}};
}

build::Provenance provenance_of(const Json& json) {
    build::Provenance provenance;
    for (const Json& one : json.at("steps")) {
        provenance.steps.push_back({one.at(0), one.at(1), one.at(2), one.at(3), one.at(4)});
    }
    for (const Json& one : json.at("lost")) provenance.lost.push_back({one.at(0), one.at(1), one.at(2), one.at(3)});
    for (const Json& one : json.at("runs"))
        provenance.runs.emplace_back(one.at(0).get<int>(), one.at(1).get<uint64_t>());
    return provenance;
}

}  // namespace

const build::StepFiles* BuildRecord::files_of(int step) const {
    const auto& all = provenance.steps;
    const auto found = std::find_if(all.begin(), all.end(), [&](const auto& one) { return one.step == step; });
    return found == all.end() ? nullptr : &*found;
}

Json record_json(const BuildRecord& record) {
    Json json{{"format", record_format}, {"created", record.created}, {"took", record.took}};
    Json steps = Json::array(), work = Json::array(), warnings = Json::array(), bases = Json::array();
    for (const auto& step : record.steps) steps.push_back(step_json(step));
    for (const auto& one : record.work) work.push_back(work_json(one));
    for (const auto& warning : record.warnings) warnings.push_back(warning_json(warning));
    for (const auto& [reference, digest] : record.bases) bases.push_back({reference, digest});
    json.update({{"steps", std::move(steps)},
                 {"work", std::move(work)},
                 {"warnings", std::move(warnings)},
                 {"bases", std::move(bases)},
                 {"provenance", provenance_json(record.provenance)}});
    return json;
}

std::optional<BuildRecord> parse_record(const std::string& text) {
    try {
        const Json json = Json::parse(text);
        if (json.at("format") != record_format) return std::nullopt;
        BuildRecord record;
        record.created = json.at("created");
        record.took = json.at("took");
        for (const Json& one : json.at("steps")) record.steps.push_back(step_of(one));
        for (const Json& one : json.at("work")) record.work.push_back(work_of(one));
        for (const Json& one : json.at("warnings")) record.warnings.push_back(warning_of(one));
        for (const Json& one : json.at("bases"))
            record.bases.emplace_back(one.at(0).get<std::string>(), one.at(1).get<std::string>());
        record.provenance = provenance_of(json.at("provenance"));
        return record;
    } catch (const Json::exception&) {
        return std::nullopt;
    }
}

std::optional<BuildRecord> read_record(const std::filesystem::path& root, const std::string& sha3) {
    std::error_code error;
    if (!std::filesystem::is_directory(root, error)) return std::nullopt;
    const auto text = store::Store(root).read_note(store::NoteKind::output, key_of(sha3));
    return text ? parse_record(*text) : std::nullopt;
}

void put_record(const std::filesystem::path& root, const std::string& sha3, BuildRecord record) {
    if (record.provenance.empty()) {
        if (auto before = read_record(root, sha3)) record.provenance = std::move(before->provenance);
    }
    store::Store(root).put_note(store::NoteKind::output, key_of(sha3), json_line(record_json(record)));
}

namespace {

// What stands in the query of a URL may be a token, and a record outlives the build.
std::string without_queries(std::string text) {
    for (size_t at = text.find('?'); at != std::string::npos; at = text.find('?', at + 1)) {
        const size_t end = std::min(text.find_first_of(" \t\n\"'", at), text.size());
        const size_t equals = text.find('=', at);
        if (equals < end) text.replace(at + 1, end - at - 1, "***");
    }
    return text;
}

StepStarted kept(StepStarted step) {
    step.text = without_queries(std::move(step.text));
    return step;
}

}  // namespace

BuildRecorder::BuildRecorder(EventSink& inner, Clock clock) :
    inner_(inner), clock_(std::move(clock)), began_(clock_()) {}

int64_t BuildRecorder::now() const {
    return std::chrono::duration_cast<std::chrono::milliseconds>(clock_() - began_).count();
}

void BuildRecorder::emit(const Event& event) {
    {
        std::lock_guard lock(mutex_);
        try {
            keep(event, now());
        } catch (const std::exception&) {
            // A record is not worth a build.
        }
    }
    inner_.emit(event);
}

void BuildRecorder::keep(const Event& event, int64_t now) {
    const auto end = [&](auto& running, const auto& key, bool cached) {
        const auto found = running.find(key);
        if (found == running.end()) return;
        RecordedWork& work = found->second;
        work.cached = cached;
        work.took = now - work.began;
        if (work_.size() < most_work) work_.push_back(std::move(work));
        running.erase(found);
    };
    if (const auto* planned = std::get_if<StepsPlanned>(&event)) {
        for (const StepStarted& step : planned->steps) steps_[step.id] = {kept(step), false, now, 0};
    } else if (const auto* step = std::get_if<StepStarted>(&event)) {
        steps_[step->id] = {kept(*step), false, now, 0};
    } else if (const auto* finished = std::get_if<StepFinished>(&event)) {
        steps_[finished->id].cached = finished->cached;
        steps_[finished->id].took = finished->took.count();
    } else if (const auto* transfer = std::get_if<TransferStarted>(&event)) {
        transfers_[transfer->id] = {transfer->step, transfer->verb, without_queries(transfer->label), false, now, 0,
                                    transfer->total};
    } else if (const auto* progress = std::get_if<TransferProgress>(&event)) {
        const auto found = transfers_.find(progress->id);
        if (found != transfers_.end()) found->second.bytes = std::max(found->second.bytes, progress->done);
    } else if (const auto* over = std::get_if<TransferFinished>(&event)) {
        end(transfers_, over->id, over->cached);
    } else if (const auto* begun = std::get_if<ActivityStarted>(&event)) {
        const Activity& activity = begun->activity;
        activities_[{activity.step, activity.verb + " " + activity.object}] = {
            activity.step, activity.verb, activity.object, false, now, 0, 0};
    } else if (const auto* ended = std::get_if<ActivityFinished>(&event)) {
        const Activity& activity = ended->activity;
        end(activities_, std::pair(activity.step, activity.verb + " " + activity.object), false);
    } else if (const auto* warning = std::get_if<Warning>(&event)) {
        if (warnings_.size() < most_warnings) warnings_.push_back(*warning);
    }
}

BuildRecord BuildRecorder::record(const build::BuildResult& result) const {
    std::lock_guard lock(mutex_);
    BuildRecord record;
    record.created = std::chrono::duration_cast<std::chrono::seconds>(wall_.time_since_epoch()).count();
    record.took = now();
    for (const auto& [id, step] : steps_) record.steps.push_back(step);
    record.work = work_;
    record.warnings = warnings_;
    for (const auto& base : result.bases) record.bases.emplace_back(base.reference, base.manifest.text());
    record.provenance = result.provenance;
    return record;
}

}  // namespace gbuild::cli
