#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "characters.h"
#include "gbuild/base/text.h"
#include "gbuild/dockerfile/chmod.h"
#include "gbuild/dockerfile/duration.h"
#include "gbuild/dockerfile/mount.h"
#include "gbuild/dockerfile/pattern.h"
#include "gbuild/dockerfile/suggest.h"
#include "statement.h"

namespace gbuild::dockerfile {

namespace {

struct FlagWord {
    std::string text;       // quotes and escapes removed
    std::string_view part;  // as written
};

// The word at the start of `text`. The escape character of flags is "\" whatever the directive says, as docker has it.
FlagWord take_word(std::string_view text) {
    FlagWord word;
    char quote = '\0';
    size_t at = 0;
    for (; at < text.size() && (quote != '\0' || !is_blank(text[at])); at++) {
        char c = text[at];
        if (c == '\\') {
            if (at + 1 < text.size()) word.text += text[++at];
        } else if (c == quote) {
            quote = '\0';
        } else if (quote == '\0' && (c == '\'' || c == '"')) {
            quote = c;
        } else {
            word.text += c;
        }
    }
    word.part = text.substr(0, at);
    return word;
}

std::vector<std::string> names_of(const std::vector<FlagSpec>& specs) {
    std::vector<std::string> names;
    names.reserve(specs.size());
    for (const FlagSpec& spec : specs) names.push_back(spec.name);
    return names;
}

void check_boolean(const Statement& statement, const FlagWord& word, const Flag& flag) {
    if (!flag.has_value || equal_ignoring_case(flag.value, "true") || equal_ignoring_case(flag.value, "false")) return;
    statement.fail(word.part, fmt::format("--{} is true or false, not {}", flag.name, quoted(flag.value)),
                   fmt::format("write --{} alone, or --{}=false", flag.name, flag.name));
}

void add_flag(Statement& statement, const FlagWord& word, const std::vector<FlagSpec>& specs) {
    Instruction& instruction = statement.instruction;
    size_t equals = word.text.find('=');
    Flag flag;
    flag.name = word.text.substr(2, equals == std::string::npos ? equals : equals - 2);
    flag.has_value = equals != std::string::npos;
    if (flag.has_value) flag.value = word.text.substr(equals + 1);
    flag.span = statement.line.span(word.part);

    auto spec = std::find_if(specs.begin(), specs.end(), [&](const FlagSpec& s) { return s.name == flag.name; });
    if (spec == specs.end()) {
        auto names = names_of(specs);
        std::string known = specs.empty() ? fmt::format("{} takes no flags", instruction.name)
                                          : fmt::format("{} takes --{}", instruction.name, join(names, ", --"));
        statement.fail(word.part.substr(0, word.part.find('=')),
                       fmt::format("unknown flag {} for {}", quoted("--" + flag.name), instruction.name),
                       suggest(flag.name, names, "--", known));
    }
    if (spec->kind != FlagKind::repeated && instruction.flag(flag.name)) {
        statement.fail(word.part, fmt::format("--{} is given twice", flag.name), "keep one of the two");
    }
    if (spec->kind == FlagKind::boolean) {
        check_boolean(statement, word, flag);
    } else if (flag.value.empty()) {
        statement.fail(word.part, fmt::format("--{} has no value", flag.name),
                       fmt::format("write --{}=VALUE, without blanks", flag.name));
    }
    instruction.flags.push_back(std::move(flag));
}

bool is_hex(std::string_view text) {
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool is_checksum(std::string_view text) {
    constexpr std::pair<std::string_view, size_t> algorithms[] = {{"sha256:", 64}, {"sha384:", 96}, {"sha512:", 128}};
    for (auto [name, digits] : algorithms) {
        if (text.substr(0, name.size()) == name)
            return text.size() == name.size() + digits && is_hex(text.substr(name.size()));
    }
    return !text.empty() && text.size() <= 64 && is_hex(to_lower(text));  // a git commit, or its first digits
}

struct Problem {
    std::string message, hint;
};

// Runs a parser that throws without a place; nullopt when it is content.
template <class Parse>
std::optional<Problem> problem_of(Parse&& parse) {
    try {
        parse();
        return std::nullopt;
    } catch (const Error& error) {
        return Problem{error.message(), error.hint()};
    }
}

std::optional<Problem> check_choice(const Flag& flag, const std::vector<std::string>& choices) {
    if (std::find(choices.begin(), choices.end(), flag.value) != choices.end()) return std::nullopt;
    return Problem{fmt::format("--{} cannot be {}", flag.name, quoted(flag.value)),
                   suggest(flag.value, choices, "", fmt::format("it is one of: {}", join(choices, ", ")))};
}

std::optional<Problem> check_interval(const Flag& flag) {
    constexpr int64_t shortest = 1'000'000;
    auto duration = parse_duration(flag.value);
    if (!duration) {
        return Problem{fmt::format("--{} is no duration: {}", flag.name, quoted(flag.value)),
                       "give numbers with units, such as 30s, 1m30s or 500ms"};
    }
    if (*duration != 0 && *duration < shortest) {
        return Problem{fmt::format("--{} is shorter than 1ms: {}", flag.name, quoted(flag.value)),
                       "give 1ms or more, or 0 for the default"};
    }
    return std::nullopt;
}

std::optional<Problem> check_retries(const Flag& flag) {
    auto retries = parse_decimal(flag.value);
    if (retries && *retries <= 0x7fffffff) return std::nullopt;
    return Problem{fmt::format("--retries is no count: {}", quoted(flag.value)), "give a whole number, such as 3"};
}

std::optional<Problem> check_from(const Statement& statement, const Flag& flag) {
    if (flag.value.find('$') == std::string::npos) return std::nullopt;
    return Problem{fmt::format("{} --from does not expand variables", statement.instruction.name),
                   "name a stage with FROM and a global ARG (FROM $IMAGE AS name) and copy from that"};
}

std::optional<Problem> check_value(const Statement& statement, const Flag& flag) {
    if (flag.name == "from") return check_from(statement, flag);
    if (flag.name == "mount") return problem_of([&] { parse_mount(flag.value); });
    if (flag.name == "network") return check_choice(flag, {"default", "none", "host"});
    if (flag.name == "security") return check_choice(flag, {"sandbox", "insecure"});
    if (flag.name == "retries") return check_retries(flag);
    if (statement.instruction.name == "HEALTHCHECK") return check_interval(flag);
    if (flag.value.find('$') != std::string::npos) return std::nullopt;
    if (flag.name == "chmod") return problem_of([&] { Chmod::parse(flag.value); });
    if (flag.name == "exclude") return problem_of([&] { Pattern{flag.value}; });
    if (flag.name == "checksum" && !is_checksum(flag.value)) {
        return Problem{fmt::format("--checksum is no digest: {}", quoted(flag.value)),
                       "give sha256: and 64 lower-case hex digits, or a git commit's id"};
    }
    return std::nullopt;
}

}  // namespace

void parse_flags(Statement& statement, const std::vector<FlagSpec>& specs) {
    std::string_view& rest = statement.rest;
    while (rest.substr(0, 2) == "--") {
        FlagWord word = take_word(rest);
        rest = rest.substr(word.part.size());
        rest = rest.substr(std::min(rest.find_first_not_of(" \t\v\f\r"), rest.size()));
        if (word.text == "--") break;
        add_flag(statement, word, specs);
        if (statement.instruction.flags.size() > max_flags) {
            throw Error(ErrorKind::limit, fmt::format("more than {} flags on one instruction", max_flags))
                .at(statement.instruction.span);
        }
    }
}

void check_flag_values(const Statement& statement) {
    for (const Flag& flag : statement.instruction.flags) {
        if (!flag.has_value) continue;
        if (auto problem = check_value(statement, flag)) fail_at(flag.span, problem->message, problem->hint);
    }
}

}  // namespace gbuild::dockerfile
