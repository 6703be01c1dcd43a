#include "gbuild/dockerfile/parser.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "gbuild/base/text.h"
#include "logical_line.h"
#include "statement.h"

namespace gbuild::dockerfile {

namespace {

using Json = nlohmann::ordered_json;

std::string original_text(const SourceText& source, int first, int last) {
    std::string text;
    for (int line = first; line <= last; line++) {
        if (line > first) text += '\n';
        text += source.line(line);
    }
    return text;
}

void warn_empty_continuation(Dockerfile& dockerfile, const LogicalLine& line) {
    if (auto empty = line.empty_continuation()) {
        dockerfile.warnings.push_back({"empty-continuation-line", "an empty line stands inside an instruction",
                                       dockerfile.span_of_line(*empty), "remove it, or make it a comment"});
    }
}

void apply_checks(Dockerfile& dockerfile, const Directives& directives) {
    std::vector<Warning> unknown;
    if (!directives.check.empty())
        dockerfile.checks = CheckOptions::parse(directives.check, directives.check_span, unknown);
    read_check_comments(dockerfile, directives.last_line, unknown);
    dockerfile.checks.apply_to(dockerfile.warnings);
    dockerfile.warnings.insert(dockerfile.warnings.begin(), unknown.begin(), unknown.end());
}

void read_instructions(Dockerfile& dockerfile, const SourceText& source) {
    LineReader reader(source, dockerfile.escape);
    while (auto line = reader.next()) {
        if (dockerfile.instructions.size() == max_instructions) {
            throw Error(ErrorKind::limit, fmt::format("more than {} instructions", max_instructions))
                .at(dockerfile.span_of_line(line->first_line()));
        }
        warn_empty_continuation(dockerfile, *line);
        Instruction instruction =
            parse_instruction(*line, 0, reader, dockerfile.escape, dockerfile.warnings, Nesting::top_level);
        instruction.original = original_text(source, instruction.first_line, instruction.last_line);
        dockerfile.instructions.push_back(std::move(instruction));
    }
    check_structure(dockerfile);
}

Json to_json_value(const Instruction& instruction) {
    Json flags = Json::array();
    for (const Flag& flag : instruction.flags) {
        flags.push_back({{"name", flag.name}, {"value", flag.has_value ? Json(flag.value) : Json(nullptr)}});
    }
    Json heredocs = Json::array();
    for (const Heredoc& heredoc : instruction.heredocs) {
        heredocs.push_back({{"name", heredoc.name},
                            {"contents", heredoc.contents},
                            {"expand", heredoc.expand},
                            {"stripTabs", heredoc.strip_tabs},
                            {"fileDescriptor", heredoc.file_descriptor}});
    }
    return {{"instruction", instruction.name},
            {"flags", flags},
            {"args", instruction.args},
            {"form", instruction.form == Form::exec ? "exec" : "shell"},
            {"heredocs", heredocs},
            {"firstLine", instruction.first_line},
            {"lastLine", instruction.last_line},
            {"original", instruction.original}};
}

Json to_json_value(const Warning& warning) {
    Json json = {{"id", warning.id}, {"message", warning.message}, {"hint", warning.hint}};
    if (warning.span) {
        json["line"] = warning.span->line;
        json["column"] = warning.span->column;
    }
    return json;
}

}  // namespace

Dockerfile parse(std::string_view text, std::string file, const std::optional<std::string>& check) {
    std::vector<Warning> lost;
    return parse(text, std::move(file), check, lost);
}

Dockerfile parse(std::string_view text, std::string file, const std::optional<std::string>& check,
                 std::vector<Warning>& until_error) {
    SourceText source(text, std::move(file));
    Directives directives = read_directives(source);
    if (check) {
        directives.check = *check;
        directives.check_span = {"BUILDKIT_DOCKERFILE_CHECK", 1, 1, 1, span_source(*check)};
    }

    Dockerfile dockerfile;
    dockerfile.file = source.file();
    dockerfile.syntax = directives.syntax;
    dockerfile.escape = directives.escape;
    dockerfile.check = directives.check;
    for (int line = 1; line <= source.line_count(); line++) dockerfile.lines.emplace_back(source.line(line));

    try {
        read_instructions(dockerfile, source);
    } catch (const Error&) {
        add_style_warnings(dockerfile);
        apply_checks(dockerfile, directives);
        until_error = std::move(dockerfile.warnings);
        throw;
    }
    add_style_warnings(dockerfile);
    apply_checks(dockerfile, directives);
    return dockerfile;
}

std::string to_json(const Dockerfile& dockerfile) {
    Json directives = Json::object();
    if (!dockerfile.syntax.empty()) directives["syntax"] = dockerfile.syntax;
    if (dockerfile.escape != '\\') directives["escape"] = std::string(1, dockerfile.escape);
    if (!dockerfile.check.empty()) directives["check"] = dockerfile.check;
    Json instructions = Json::array();
    for (const Instruction& instruction : dockerfile.instructions) instructions.push_back(to_json_value(instruction));
    Json warnings = Json::array();
    for (const Warning& warning : dockerfile.warnings) warnings.push_back(to_json_value(warning));
    Json json = {{"directives", directives}, {"instructions", instructions}, {"warnings", warnings}};
    return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace gbuild::dockerfile
