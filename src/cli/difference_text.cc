#include "gbuild/cli/difference_text.h"

#include <algorithm>

#include <fmt/format.h>

#include "gbuild/base/text.h"
#include "gbuild/cli/display.h"

namespace gbuild::cli {

namespace {

using compare::Change;
using compare::FileChange;

struct Marker {
    char sign;
    std::string_view word;
    std::string_view escape;
};

Marker marker_of(Change change) {
    switch (change) {
    case Change::added: return {'+', "added", "\x1b[32m"};
    case Change::removed: return {'-', "removed", "\x1b[31m"};
    case Change::changed: break;
    }
    return {'~', "changed", "\x1b[33m"};
}

std::string value_or_none(const std::optional<std::string>& value) { return value ? safe_text(*value) : "(none)"; }

std::string arrow(const std::string& name, const std::optional<std::string>& a, const std::optional<std::string>& b) {
    return fmt::format("{}: {} -> {}\n", safe_text(name), value_or_none(a), value_or_none(b));
}

std::string content_line(const compare::ContentChange& content) {
    if (content.bytes == 0) return fmt::format("content: the same up to offset {}, where one ends\n", content.offset);
    std::string ranges;
    for (const compare::ByteRange& range : content.first_ranges) {
        ranges += ranges.empty() ? "" : ", ";
        ranges += range.length == 1 ? std::to_string(range.offset)
                                    : fmt::format("{}-{}", range.offset, range.offset + range.length - 1);
    }
    if (content.range_count > content.first_ranges.size()) ranges += ", …";
    return fmt::format("content: {} byte{} differ{}, at offset {}\n", content.bytes, content.bytes == 1 ? "" : "s",
                       content.bytes == 1 ? "s" : "", ranges);
}

// The changed files below the directories they are in.
class FileTreeText {
  public:
    explicit FileTreeText(Color color) : color_(color) {}

    void add(const FileChange& change) {
        std::vector<std::string> parts = change.path.empty() ? std::vector<std::string>() : split(change.path, '/');
        std::string name = parts.empty() ? "" : parts.back();
        if (!parts.empty()) parts.pop_back();
        enter(parts);
        const bool directory = change.type == tree::FileType::directory;
        line(marker_of(change.change), parts.size(), name, directory);
        if (directory && !name.empty()) open_.push_back(name);
        const std::string indent(2 * parts.size() + 10, ' ');
        for (const compare::ValueChange& value : change.attributes)
            text_ += indent + arrow(value.name, value.a, value.b);
        if (change.content) text_ += indent + content_line(*change.content);
    }

    const std::string& text() const { return text_; }

  private:
    // Names the directories on the way that have not been named yet.
    void enter(const std::vector<std::string>& directories) {
        const auto common = std::mismatch(open_.begin(), open_.end(), directories.begin(), directories.end());
        open_.erase(common.first, open_.end());
        while (open_.size() < directories.size()) {
            line({' ', "", ""}, open_.size(), directories[open_.size()], true);
            open_.push_back(directories[open_.size()]);
        }
    }

    void line(const Marker& marker, size_t depth, const std::string& name, bool directory) {
        std::string line =
            fmt::format("  {} {:{}}{}{}", marker.sign, "", 2 * depth, safe_text(name), directory ? "/" : "");
        if (color_ == Color::on && !marker.escape.empty()) line = fmt::format("{}{}\x1b[0m", marker.escape, line);
        text_ += line + "\n";
    }

    Color color_;
    std::string text_;
    std::vector<std::string> open_;
};

std::string key_text(const std::vector<std::string>& key) { return join(key, "."); }

std::string files_text(const std::vector<FileChange>& files, Color color) {
    if (files.empty()) return {};
    FileTreeText tree(color);
    size_t counts[3] = {};
    for (const FileChange& file : files) {
        tree.add(file);
        counts[static_cast<size_t>(file.change)]++;
    }
    return fmt::format("Files: {} added, {} removed, {} changed\n", counts[0], counts[1], counts[2]) + tree.text();
}

std::string first_byte_text(const compare::FirstByte& first) {
    std::string place = first.a == first.b ? first.a : first.a + " and " + first.b;
    return fmt::format("First differing byte: {}, in {}\n", first.offset, safe_text(place));
}

// Undefined values are left out.
Json pair_json(const char* key, const Json& name, const std::optional<Json>& a, const std::optional<Json>& b) {
    Json json;
    json[key] = name;
    if (a) json["a"] = *a;
    if (b) json["b"] = *b;
    return json;
}

Json value_json(const compare::ValueChange& value) { return pair_json("name", value.name, value.a, value.b); }

Json content_json(const compare::ContentChange& content) {
    Json ranges = Json::array();
    for (const compare::ByteRange& range : content.first_ranges)
        ranges.push_back({{"offset", range.offset}, {"length", range.length}});
    return {{"offset", content.offset},
            {"bytes", content.bytes},
            {"rangeCount", content.range_count},
            {"ranges", std::move(ranges)}};
}

Json file_change_json(const FileChange& file) {
    Json json{{"path", "/" + file.path}, {"change", marker_of(file.change).word}, {"type", tree::type_name(file.type)}};
    if (file.change != Change::changed) return json;
    json["attributes"] = Json::array();
    for (const compare::ValueChange& value : file.attributes) json["attributes"].push_back(value_json(value));
    if (file.content) json["content"] = content_json(*file.content);
    return json;
}

Json config_json(const compare::ConfigChange& change) {
    auto parsed = [](const std::optional<std::string>& text) {
        return text ? std::optional(Json::parse(*text)) : std::nullopt;
    };
    return pair_json("key", change.key, parsed(change.a), parsed(change.b));
}

}  // namespace

std::string differences_text(const ComparedNames& names, const compare::Differences& differences, Color color) {
    if (differences.same()) return {};
    std::string text = fmt::format("--- {}\n+++ {}\n", safe_text(names.a), safe_text(names.b));
    text += files_text(differences.files, color);
    if (!differences.config.empty()) text += "Configuration:\n";
    for (const auto& change : differences.config) text += "  " + arrow(key_text(change.key), change.a, change.b);
    if (!differences.packing.empty()) text += "Packing:\n";
    for (const auto& change : differences.packing) text += "  " + arrow(change.name, change.a, change.b);
    return text + first_byte_text(*differences.first_byte);
}

Json differences_json(const ComparedNames& names, const compare::Differences& differences) {
    Json json{{"same", differences.same()},
              {"a", names.a},
              {"b", names.b},
              {"files", Json::array()},
              {"configuration", Json::array()},
              {"packing", Json::array()}};
    for (const auto& file : differences.files) json["files"].push_back(file_change_json(file));
    for (const auto& change : differences.config) json["configuration"].push_back(config_json(change));
    for (const auto& change : differences.packing) json["packing"].push_back(value_json(change));
    if (differences.first_byte) {
        const compare::FirstByte& first = *differences.first_byte;
        json["firstByte"] = {{"offset", first.offset}, {"a", first.a}, {"b", first.b}};
    }
    return json;
}

}  // namespace gbuild::cli
