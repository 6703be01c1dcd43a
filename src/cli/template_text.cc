#include "gbuild/cli/template_text.h"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/text.h"
#include "gbuild/cli/display.h"

namespace gbuild::cli {

namespace {

constexpr std::string_view table_word = "table";

bool is_name(std::string_view text) {
    return !text.empty() &&
           std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; });
}

// "\t" and "\n" as shells leave them.
std::string unescaped(std::string_view text) {
    std::string result;
    for (size_t i = 0; i < text.size(); i++) {
        const char next = text[i] == '\\' && i + 1 < text.size() ? text[i + 1] : '\0';
        if (next == 't' || next == 'n' || next == '\\') {
            result += next == 't' ? '\t' : next == 'n' ? '\n' : '\\';
            i++;
        } else {
            result += text[i];
        }
    }
    return result;
}

std::string dumped(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

std::string plain(const Json& value, const std::string& name) {
    if (value.is_string()) return safe_text(value.get_ref<const std::string&>());
    if (value.is_null()) return {};
    if (value.is_object()) {
        throw Error(ErrorKind::usage, fmt::format("--format: .{} has several fields", name))
            .hint(fmt::format("write {{{{json .{}}}}}, or name one of them", name));
    }
    if (!value.is_array()) return dumped(value);
    std::vector<std::string> parts;
    for (const Json& one : value) parts.push_back(plain(one, name));
    return "[" + join(parts, " ") + "]";
}

// "ImageID" → "IMAGE ID", as headings of tables have it.
std::string title_of(const std::string& name) {
    if (name == "ID") return "IMAGE ID";
    if (name == "CreatedSince") return "CREATED";
    std::string title;
    for (size_t i = 0; i < name.size(); i++) {
        const auto letter = static_cast<unsigned char>(name[i]);
        const bool begins =
            i > 0 && std::isupper(letter) != 0 && std::islower(static_cast<unsigned char>(name[i - 1])) != 0;
        if (begins) title += ' ';
        title += static_cast<char>(std::toupper(letter));
    }
    return title;
}

}  // namespace

bool is_template(std::string_view format) {
    return format.find("{{") != std::string_view::npos || format.starts_with("table ");
}

void check_format(const std::string& format) {
    if (format == "text" || format == "json" || is_template(format)) return;
    throw Error(ErrorKind::usage, fmt::format("--format {}: neither text nor json nor a template", quoted(format)))
        .hint("write text, json, or a template such as '{{.ID}}'");
}

Template::Template(std::string_view text) {
    if (text.starts_with("table ")) {
        table_ = true;
        text = trim(text.substr(table_word.size()));
    }
    while (!text.empty()) {
        const size_t open = text.find("{{");
        if (open != 0) pieces_.emplace_back(unescaped(text.substr(0, open)));
        if (open == std::string_view::npos) break;
        const size_t close = text.find("}}", open);
        if (close == std::string_view::npos) {
            throw Error(ErrorKind::usage, "--format: \"{{\" is not closed").hint("write {{.Field}}");
        }
        add_field(trim(text.substr(open + 2, close - open - 2)));
        text.remove_prefix(close + 2);
    }
}

void Template::add_field(std::string_view inside) {
    const std::string_view shown = inside;
    Field field;
    if (inside.starts_with("json ")) {
        field.json = true;
        inside = trim(inside.substr(4));
    }
    const bool whole = inside == "." && field.json;
    if (inside.starts_with('.') && !whole) field.path = split(inside.substr(1), '.');
    const bool plain_path = !field.path.empty() && std::all_of(field.path.begin(), field.path.end(), is_name);
    if (!whole && !plain_path) {
        throw Error(ErrorKind::usage, fmt::format("--format: {{{{{}}}}} is not a plain field", printable(shown)))
            .hint("templates have {{.Field}}, {{json .Field}} and {{json .}}; jq does more with --format json");
    }
    pieces_.emplace_back(std::move(field));
}

void Template::check(const Field& field, const std::vector<std::string>& fields) {
    if (field.path.empty() || std::find(fields.begin(), fields.end(), field.path.front()) != fields.end()) return;
    throw Error(ErrorKind::usage, fmt::format("--format: there is no field .{}", field.path.front()))
        .hint(fmt::format("the fields are .{}", join(fields, ", .")));
}

std::string Template::value(const Field& field, const Json& row) {
    const Json* found = &row;
    for (const std::string& name : field.path) {
        const auto next = found->is_object() ? found->find(name) : found->end();
        if (next == found->end()) {
            if (field.path.size() == 1) return {};
            throw Error(ErrorKind::usage, fmt::format("--format: there is no field .{}", join(field.path, ".")))
                .hint("--format json shows what there is");
        }
        found = &*next;
    }
    return field.json ? dumped(*found) : plain(*found, join(field.path, "."));
}

std::string Template::heading() const {
    std::string line;
    for (const Piece& piece : pieces_) {
        const auto* field = std::get_if<Field>(&piece);
        line += field ? title_of(field->path.empty() ? "" : field->path.back()) : std::get<std::string>(piece);
    }
    return line;
}

std::string Template::text(const std::vector<Json>& rows, const std::vector<std::string>& fields) const {
    for (const Piece& piece : pieces_) {
        if (const auto* field = std::get_if<Field>(&piece)) check(*field, fields);
    }
    std::vector<std::string> lines;
    if (table_) lines.push_back(heading());
    for (const Json& row : rows) {
        std::string line;
        for (const Piece& piece : pieces_) {
            const auto* field = std::get_if<Field>(&piece);
            line += field ? value(*field, row) : std::get<std::string>(piece);
        }
        lines.push_back(std::move(line));
    }
    if (!table_) return lines.empty() ? std::string() : join(lines, "\n") + "\n";
    std::vector<std::vector<std::string>> cells;
    cells.reserve(lines.size());
    for (const std::string& line : lines) cells.push_back(split(line, '\t'));
    return format_table(cells);
}

}  // namespace gbuild::cli
