#include "gbuild/cli/history_text.h"

#include <algorithm>

#include <fmt/format.h>

#include "gbuild/base/text.h"
#include "gbuild/cli/display.h"
#include "gbuild/pack/image_reader.h"

namespace gbuild::cli {

namespace {

using Cells = std::vector<std::string>;

constexpr int instruction_columns = 60;
// Of what there may be very much; JSON has all of it.
constexpr size_t rows_shown = 10;

std::string step_name(const RecordedStep& step) {
    const std::string number = fmt::format("{}/{}", step.step.number, step.step.total);
    return step.step.stage.empty() ? number : fmt::format("{} {}", safe_text(step.step.stage), number);
}

std::string step_name(const BuildRecord& record, int number) {
    if (number == 0) return "gbuild";
    const auto found = std::find_if(record.steps.begin(), record.steps.end(),
                                    [&](const RecordedStep& step) { return step.step.number == number; });
    return found == record.steps.end() ? fmt::format("step {}", number) : "step " + step_name(*found);
}

Json files_json(uint64_t files, uint64_t bytes) { return {{"files", files}, {"bytes", bytes}}; }

Cells history_row(const BuildRecord& record, const RecordedStep& step, Instructions instructions) {
    const std::string text = safe_text(step.step.text);
    Cells row{step_name(step), step.cached ? "cached" : human_duration(std::chrono::milliseconds(step.took))};
    if (const build::StepFiles* files = record.files_of(step.step.number)) {
        row.insert(row.end(), {std::to_string(files->files), human_size(files->bytes), human_size(files->kept_bytes)});
    } else {
        row.insert(row.end(), {"-", "-", "-"});
    }
    row.push_back(instructions == Instructions::whole ? text : clip(text, instruction_columns));
    return row;
}

std::string and_more(size_t all) {
    return all > rows_shown ? fmt::format("  and {} more, which --format json lists\n", all - rows_shown) : "";
}

std::string lost_text(const BuildRecord& record, const std::string& path) {
    std::vector<Cells> rows;
    size_t all = 0;
    uint64_t bytes = 0;
    for (const build::LostFile& file : record.provenance.lost) {
        if (!path.empty() && file.path != path && !file.path.starts_with(path + "/")) continue;
        bytes += file.size;
        if (++all > rows_shown) continue;
        rows.push_back({"  " + human_size(file.size), "/" + safe_text(file.path), step_name(record, file.step),
                        "lost to " + step_name(record, file.lost_to)});
    }
    if (all == 0) return {};
    return fmt::format("\nWritten by one step and replaced or removed by a later one ({}; not in the image):\n{}{}",
                       human_size(bytes), format_table(rows), and_more(all));
}

std::string duplicates_text(const std::vector<Duplicate>& duplicates, const std::string& path) {
    std::vector<Cells> rows;
    size_t all = 0;
    uint64_t bytes = 0;
    for (const Duplicate& one : duplicates) {
        const std::string below = "/" + path + (path.empty() ? "" : "/");
        if (std::none_of(one.paths.begin(), one.paths.end(),
                         [&](const std::string& name) { return name.starts_with(below); })) {
            continue;
        }
        bytes += one.size * (one.paths.size() - 1);
        if (++all > rows_shown) continue;
        std::string names = safe_text(one.paths[0]) + ", " + safe_text(one.paths[1]);
        if (one.paths.size() > 2) names += fmt::format(" and {} more", one.paths.size() - 2);
        rows.push_back({"  " + human_size(one.size), fmt::format("{} times", one.paths.size()),
                        one.stored_once ? "stored once" : "stored several times", names});
    }
    if (all == 0) return {};
    return fmt::format("\nIn the image more than once ({} in all that others have, too):\n{}{}", human_size(bytes),
                       format_table(rows), and_more(all));
}

Json steps_json(const std::map<int, uint64_t>& by_step) {
    Json json = Json::array();
    for (const auto& [step, bytes] : by_step) json.push_back(Json{{"step", step}, {"bytes", bytes}});
    return json;
}

Json entry_json(const Usage& usage, const std::string& path) {
    Json json{{"path", path}, {"size", usage.size}, {"stored", usage.stored}, {"files", usage.files}};
    json["directory"] = usage.is_directory;
    if (usage.is_directory)
        json["steps"] = steps_json(usage.by_step);
    else if (usage.step >= 0)
        json["step"] = usage.step;
    return json;
}

}  // namespace

std::optional<BuildRecord> known_record_of(const ImageArgument& image, const std::filesystem::path& root) {
    return read_record(root, pack::ImageReader(image.file).sha3());
}

BuildRecord record_of(const ImageArgument& image, const std::filesystem::path& root) {
    auto record = known_record_of(image, root);
    if (record) return std::move(*record);
    throw Error(ErrorKind::not_found, fmt::format("the store does not know how {} was built", quoted(image.file)))
        .hint("it was built elsewhere, or by an earlier version, or gbuild prune removed that: build it again");
}

std::string history_text(const BuildRecord& record, Instructions instructions) {
    std::vector<Cells> rows{{"STEP", "TIME", "FILES", "WRITTEN", "IN THE IMAGE", "INSTRUCTION"}};
    uint64_t kept = 0;
    for (const RecordedStep& step : record.steps) rows.push_back(history_row(record, step, instructions));
    for (const build::StepFiles& files : record.provenance.steps) kept += files.kept_bytes;
    return format_table(rows) + fmt::format("built in {}; {} of files in the image\n",
                                            human_duration(std::chrono::milliseconds(record.took)), human_size(kept));
}

Json history_json(const BuildRecord& record) {
    Json steps = Json::array();
    for (const RecordedStep& step : record.steps) {
        Json json{{"number", step.step.number}, {"stage", step.step.stage}, {"text", step.step.text},
                  {"line", step.step.line},     {"cached", step.cached},    {"milliseconds", step.took}};
        if (const build::StepFiles* files = record.files_of(step.step.number)) {
            json["written"] = files_json(files->files, files->bytes);
            json["kept"] = files_json(files->kept_files, files->kept_bytes);
        }
        steps.push_back(std::move(json));
    }
    return {{"created", record.created}, {"milliseconds", record.took}, {"steps", std::move(steps)}};
}

std::string usage_text(const UsageView& view) {
    std::vector<Cells> rows{{"SIZE", "STORED", "FILES", "PATH"}};
    const std::string path = view.path.empty() ? "/" : "/" + safe_text(view.path);
    rows.push_back(
        {human_size(view.usage.size), human_size(view.usage.stored), std::to_string(view.usage.files), path});
    for (const Usage& child : view.usage.children) {
        const std::string name = (view.path.empty() ? "/" : path + "/") + safe_text(child.name);
        rows.push_back({human_size(child.size), human_size(child.stored), std::to_string(child.files),
                        child.is_directory ? name + "/" : name});
    }
    std::string text = format_table(rows) + duplicates_text(view.image.duplicates, view.path);
    if (view.record) text += lost_text(*view.record, view.path);
    return text;
}

Json usage_json(const UsageView& view) {
    Json json = entry_json(view.usage, "/" + view.path);
    Json entries = Json::array(), duplicates = Json::array(), lost = Json::array();
    for (const Usage& child : view.usage.children) {
        entries.push_back(entry_json(child, (view.path.empty() ? "/" : "/" + view.path + "/") + child.name));
    }
    for (const Duplicate& one : view.image.duplicates) {
        duplicates.push_back(Json{{"size", one.size}, {"storedOnce", one.stored_once}, {"paths", one.paths}});
    }
    if (view.record) {
        for (const build::LostFile& file : view.record->provenance.lost) {
            lost.push_back(
                Json{{"path", "/" + file.path}, {"size", file.size}, {"step", file.step}, {"lostTo", file.lost_to}});
        }
    }
    json.update({{"entries", std::move(entries)}, {"duplicates", std::move(duplicates)}, {"lost", std::move(lost)}});
    return json;
}

}  // namespace gbuild::cli
