// An instruction's name, its table entry, and the hand-over to the parsers of flags and arguments.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "characters.h"
#include "gbuild/base/text.h"
#include "gbuild/dockerfile/suggest.h"
#include "statement.h"
#include "words.h"

namespace gbuild::dockerfile {

namespace {

struct InstructionSpec {
    std::string name;
    std::vector<FlagSpec> flags;
};

const std::vector<InstructionSpec>& instruction_specs() {
    constexpr auto boolean = FlagKind::boolean;
    constexpr auto repeated = FlagKind::repeated;
    static const std::vector<InstructionSpec> specs = {
        {"ADD",
         {{"chown"},
          {"chmod"},
          {"link", boolean},
          {"keep-git-dir", boolean},
          {"checksum"},
          {"unpack", boolean},
          {"exclude", repeated}}},
        {"ARG", {}},
        {"CMD", {}},
        {"COPY", {{"from"}, {"chown"}, {"chmod"}, {"link", boolean}, {"parents", boolean}, {"exclude", repeated}}},
        {"ENTRYPOINT", {}},
        {"ENV", {}},
        {"EXPOSE", {}},
        {"FROM", {{"platform"}}},
        {"HEALTHCHECK", {{"interval"}, {"timeout"}, {"start-period"}, {"start-interval"}, {"retries"}}},
        {"LABEL", {}},
        {"MAINTAINER", {}},
        {"ONBUILD", {}},
        {"RUN", {{"mount", repeated}, {"network"}, {"security"}}},
        {"SHELL", {}},
        {"STOPSIGNAL", {}},
        {"USER", {}},
        {"VOLUME", {}},
        {"WORKDIR", {}},
    };
    return specs;
}

std::string to_upper(std::string_view text) {
    std::string result(text);
    for (char& c : result) {
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    }
    return result;
}

// Where a lost continuation is the likeliest cause, the hint says so.
bool looks_like_command(std::string_view word) {
    constexpr std::array<std::string_view, 24> commands = {
        "&&",  "||",   "|",   ";",    "apt",   "apt-get", "apk", "cd",   "chmod", "chown", "cp",  "curl",
        "dnf", "echo", "git", "make", "mkdir", "mv",      "pip", "pip3", "rm",    "wget",  "yum", "npm"};
    return std::find(commands.begin(), commands.end(), word) != commands.end() || word.substr(0, 2) == "&&" ||
           word.substr(0, 1) == "-";
}

// A line that a command goes on behind, though nothing says so to the Dockerfile's reader; "" when the one above the
// instruction is none.
std::string lost_continuation(const LogicalLine& line, char escape) {
    for (int number = line.first_line() - 1; number >= 1; number--) {
        const std::string_view above = trim(line.source().line(number));
        if (above.empty() || above[0] == '#') continue;
        for (std::string_view end : {"&&", "|", "(", "{", "; then", "; do", " else"}) {
            if (above.ends_with(end)) return fmt::format("to continue line {}, end it with \"{}\"", number, escape);
        }
        const size_t last = above.rfind(escape);
        if (last == std::string_view::npos || trim(above.substr(last + 1)).substr(0, 1) != "#") return "";
        return fmt::format("nothing may follow the \"{}\" that continues line {}, no comment either", escape, number);
    }
    return "";
}

const InstructionSpec& find_spec(const LogicalLine& line, std::string_view word, char escape) {
    const auto& specs = instruction_specs();
    std::string name = to_upper(word);
    auto found =
        std::find_if(specs.begin(), specs.end(), [&](const InstructionSpec& spec) { return spec.name == name; });
    if (found != specs.end()) return *found;

    std::vector<std::string> names;
    names.reserve(specs.size());
    for (const auto& spec : specs) names.push_back(spec.name);
    std::string hint = lost_continuation(line, escape);
    if (hint.empty() && looks_like_command(word))
        hint = fmt::format("to continue the line above, end it with \"{}\"", escape);
    if (hint.empty()) hint = suggest(word, names, "", fmt::format("the instructions are {}", join(names, ", ")));
    fail_at(line.span(word), fmt::format("unknown instruction {}", quoted(word)), std::move(hint));
}

}  // namespace

Instruction parse_instruction(const LogicalLine& line, size_t offset, LineReader& reader, char escape,
                              std::vector<Warning>& warnings, Nesting nesting) {
    std::string_view text = trim_blanks(std::string_view(line.text()).substr(offset));
    std::string_view word = split_blanks(text).front();
    const InstructionSpec& spec = find_spec(line, word, escape);

    Statement statement{line, reader, escape, warnings, {}, trim_blanks(text.substr(word.size()))};
    statement.instruction.name = spec.name;
    statement.instruction.span = line.span(word);
    statement.instruction.first_line = line.first_line();
    parse_flags(statement, spec.flags);
    parse_arguments(statement, nesting);
    check_flag_values(statement);
    statement.instruction.last_line = std::max(line.last_line(), reader.last_line());
    return std::move(statement.instruction);
}

}  // namespace gbuild::dockerfile
