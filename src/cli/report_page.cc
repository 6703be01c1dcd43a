#include "gbuild/cli/report_page.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <filesystem>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "gbuild/base/digest.h"
#include "gbuild/base/text.h"
#include "gbuild/cli/display.h"
#include "gbuild/cli/history_text.h"
#include "gbuild/golem/image_hash.h"
#include "gbuild/registry/base64.h"
#include "report_assets.h"

namespace gbuild::cli {

namespace {

// A box of less than a three-thousandth is not to be seen.
constexpr uint64_t shares = 3000;
constexpr int deepest = 64;
constexpr size_t most_entries = 20'000, most_duplicates = 200;

// Keys: see page.js.
class TreeJson {
  public:
    explicit TreeJson(const Usage& root) : threshold_(root.size / shares) {}

    Json of(const Usage& usage, int depth = 0) {
        ++entries_;
        Json json{{"n", usage.name}, {"s", usage.size}, {"c", usage.stored}, {"f", usage.files}};
        if (!usage.is_directory) {
            if (usage.step >= 0) json["t"] = usage.step;
            return json;
        }
        json["d"] = true;
        if (!usage.by_step.empty()) json["b"] = steps(usage.by_step);
        json["k"] = children(usage, depth);
        return json;
    }

  private:
    static Json steps(const std::map<int, uint64_t>& by_step) {
        Json json = Json::object();
        for (const auto& [step, bytes] : by_step) json[std::to_string(step)] = bytes;
        return json;
    }

    // They are sorted by size.
    Json children(const Usage& usage, int depth) {
        Json json = Json::array();
        Usage rest;
        size_t count = 0;
        for (const Usage& child : usage.children) {
            if (depth < deepest && child.size > 0 && child.size >= threshold_ && entries_ < most_entries) {
                json.push_back(of(child, depth + 1));
                continue;
            }
            ++count;
            rest.size += child.size;
            rest.stored += child.stored;
            rest.files += child.files;
            if (child.is_directory) {
                for (const auto& [step, bytes] : child.by_step) rest.by_step[step] += bytes;
            } else if (child.step >= 0) {
                rest.by_step[child.step] += child.size;
            }
        }
        if (count == 0) return json;
        json.push_back(Json{{"n", fmt::format("… {} small one{}", count, count == 1 ? "" : "s")},
                            {"s", rest.size},
                            {"c", rest.stored},
                            {"f", rest.files},
                            {"b", steps(rest.by_step)},
                            {"k", Json::array()},
                            {"r", true}});
        return json;
    }

    uint64_t threshold_;
    size_t entries_ = 0;
};

Json work_json(const std::vector<RecordedWork>& work) {
    Json json = Json::array();
    for (const RecordedWork& one : work) {
        json.push_back(Json{{"step", one.step},
                            {"verb", one.verb},
                            {"name", one.name},
                            {"cached", one.cached},
                            {"began", one.began},
                            {"took", one.took},
                            {"bytes", one.bytes}});
    }
    return json;
}

Json build_json(const BuildRecord& record) {
    Json json{{"took", record.took}, {"work", work_json(record.work)}};
    json["steps"] = history_json(record)["steps"];
    for (size_t i = 0; i < record.steps.size(); i++) {
        json["steps"][i]["began"] = record.steps[i].began;
        json["steps"][i]["took"] = record.steps[i].took;
    }
    Json lost = Json::array();
    for (const build::LostFile& file : record.provenance.lost) {
        lost.push_back(Json{{"path", file.path}, {"size", file.size}, {"step", file.step}, {"lostTo", file.lost_to}});
    }
    json["lost"] = std::move(lost);
    return json;
}

Json config_of(const pack::ImageReader& image) { return Json::parse(image.trailer_json(), nullptr, false); }

Json report_facts(const std::string& file, const pack::ImageReader& image, const std::string& sha3, const Json& config,
                  const std::optional<BuildRecord>& record) {
    const pack::SuperblockFacts& super = image.superblock();
    Json facts = Json::array();
    const auto add = [&](const char* name, const std::string& value) { facts.push_back(Json{name, value}); };
    add("File", file);
    add("Size", fmt::format("{} ({} bytes)", human_size(image.file_size()), image.file_size()));
    add("Hash for Golem", golem::ImageHash{sha3}.task_package());
    if (config.is_object() && config.value("Image", Json()).is_string()) add("Image id", config["Image"]);
    add("Compression",
        fmt::format("{}, blocks of {}", pack::codec_name(super.codec), human_block_size(super.block_size)));
    add("Inodes", std::to_string(super.inode_count));
    if (!record) return facts;
    add("Built", fmt::format("{:%Y-%m-%d %H:%M:%S} UTC, in {}", fmt::gmtime(static_cast<std::time_t>(record->created)),
                             human_duration(std::chrono::milliseconds(record->took))));
    for (const auto& [reference, digest] : record->bases) add("Base", reference + " " + digest);
    return facts;
}

// For a POSIX shell.
std::string shell_word(const std::string& text) {
    constexpr std::string_view harmless = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-";
    if (!text.empty() && text[0] != '-' && text.find_first_not_of(harmless) == std::string::npos) return text;
    std::string word = text.starts_with('-') ? "./" : "";
    word += '\'';
    for (const char c : text) word += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return word + "'";
}

Json lines_to_paste(const std::string& file, const std::string& sha3) {
    const std::string word = shell_word(file);
    Json lines = Json::array();
    const auto add = [&](const char* what, const std::string& line) { lines.push_back(Json{what, line}); };
    add("The hash that the SDKs take", sha3);
    add("The hash in a manifest", golem::ImageHash{sha3}.manifest());
    add("What takes how much, in a terminal", "gbuild du " + word);
    add("The steps, in a terminal", "gbuild history " + word);
    add("Every file", "gbuild ls -R " + word);
    add("This page once more", "gbuild report " + word);
    return lines;
}

// In an element of its own kind, the data must not have what ends it; JSON has another way to write these.
std::string in_element(const std::string& json) {
    std::string text;
    text.reserve(json.size() + json.size() / 64);
    for (size_t i = 0; i < json.size(); i++) {
        const std::string_view rest = std::string_view(json).substr(i);
        if (json[i] == '<' || json[i] == '>' || json[i] == '&') {
            text += fmt::format("\\u{:04x}", static_cast<unsigned>(json[i]));
        } else if (rest.starts_with("\xe2\x80\xa8") || rest.starts_with("\xe2\x80\xa9")) {
            text += rest[2] == '\xa8' ? "\\u2028" : "\\u2029";
            i += 2;
        } else {
            text += json[i];
        }
    }
    return text;
}

std::string script_hash() {
    std::array<std::byte, 32> sum{};
    Hasher hasher(HashAlgorithm::sha256);
    hasher.update(report_js);
    hasher.finish(sum);
    return "sha256-" + registry::base64_encode({reinterpret_cast<const char*>(sum.data()), sum.size()});
}

}  // namespace

Json report_data(const std::string& file, const pack::ImageReader& image, const ImageUsage& usage,
                 const std::optional<BuildRecord>& record) {
    const std::string sha3 = image.sha3();
    Json config = config_of(image);
    Json data{{"name", std::filesystem::path(file).filename().string()}, {"size", image.file_size()}};
    data["facts"] = report_facts(file, image, sha3, config, record);
    data["build"] = record ? build_json(*record) : Json();
    data["tree"] = TreeJson(usage.root).of(usage.root);
    Json duplicates = Json::array(), warnings = Json::array();
    uint64_t repeated = 0;
    for (const Duplicate& one : usage.duplicates) {
        repeated += one.size * (one.paths.size() - 1);
        if (duplicates.size() == most_duplicates) continue;
        std::vector<std::string> paths(
            one.paths.begin(), one.paths.begin() + static_cast<ptrdiff_t>(std::min<size_t>(one.paths.size(), 20)));
        if (one.paths.size() > paths.size())
            paths.push_back(fmt::format("and {} more", one.paths.size() - paths.size()));
        duplicates.push_back(Json{{"size", one.size}, {"storedOnce", one.stored_once}, {"paths", std::move(paths)}});
    }
    if (record) {
        for (const Warning& warning : record->warnings) warnings.push_back(warning_json(warning));
    }
    data.update({{"duplicateCount", usage.duplicates.size()},
                 {"duplicateBytes", repeated},
                 {"duplicates", std::move(duplicates)},
                 {"warnings", std::move(warnings)},
                 {"config", std::move(config)},
                 {"lines", lines_to_paste(file, sha3)}});
    return data;
}

std::string report_page(const Json& data) {
    const std::array<std::pair<std::string_view, std::string>, 4> parts{{{"@SCRIPT_HASH@", script_hash()},
                                                                         {"@STYLE@", std::string(report_css)},
                                                                         {"@DATA@", in_element(json_line(data))},
                                                                         {"@SCRIPT@", std::string(report_js)}}};
    // One after the other, so that nothing in one part is taken for the place of another.
    std::string page;
    std::string_view rest = report_html;
    for (const auto& [place, text] : parts) {
        const size_t found = rest.find(place);
        if (found == std::string_view::npos)
            throw Error(ErrorKind::internal, "the report's page has no place for its parts");
        page += rest.substr(0, found);
        page += text;
        rest.remove_prefix(found + place.size());
    }
    return page += rest;
}

std::string make_report(const std::string& file, const std::filesystem::path& root, const std::stop_token& stop) {
    const pack::ImageReader image(file);
    const std::optional<BuildRecord> record = read_record(root, image.sha3());
    const tree::Tree tree = image.read_tree();
    const ImageUsage usage = measure(image, tree, record ? &record->provenance : nullptr, Duplicates::find, stop);
    return report_page(report_data(file, image, usage, record));
}

}  // namespace gbuild::cli
