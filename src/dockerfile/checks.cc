// What shows only when the whole file has been read.
#include <algorithm>
#include <map>
#include <set>
#include <span>

#include <fmt/format.h>

#include "gbuild/base/text.h"
#include "statement.h"

namespace gbuild::dockerfile {

namespace {

constexpr size_t max_warnings = 1000;  // more help nobody

void warn(Dockerfile& dockerfile, const char* id, std::string message, SourceSpan span, std::string hint) {
    if (dockerfile.warnings.size() >= max_warnings) return;
    dockerfile.warnings.push_back({id, std::move(message), std::move(span), std::move(hint)});
}

void check_stage_names(Dockerfile& dockerfile) {
    std::map<std::string, int> lines;
    for (const Instruction& instruction : dockerfile.instructions) {
        if (instruction.name != "FROM" || instruction.args.size() != 3) continue;
        std::string name = to_lower(instruction.args[2]);
        SourceSpan span = dockerfile.span_of(instruction, instruction.args[2]);
        if (name == "scratch" || name == "context") {
            warn(dockerfile, "reserved-stage-name",
                 fmt::format("{} as a stage's name has a meaning of its own", quoted(name)), span,
                 "choose another name");
        }
        auto [first, is_new] = lines.emplace(name, instruction.first_line);
        if (is_new) continue;
        warn(dockerfile, "duplicate-stage-name",
             fmt::format("the stage {} is defined in line {}, too", quoted(name), first->second), span,
             "later lines use the latest one; rename one of the two");
        first->second = instruction.first_line;
    }
}

// Of several CMD, ENTRYPOINT or HEALTHCHECK in a stage only the last counts.
void check_repeated_instructions(Dockerfile& dockerfile) {
    std::map<std::string, const Instruction*> last;
    for (const Instruction& instruction : dockerfile.instructions) {
        const std::string& name = instruction.name;
        if (name == "FROM") last.clear();
        if (name != "CMD" && name != "ENTRYPOINT" && name != "HEALTHCHECK") continue;
        const Instruction*& earlier = last[name];
        if (earlier) {
            warn(dockerfile, "multiple-instructions",
                 fmt::format("this {} has no effect: line {} replaces it", name, instruction.first_line), earlier->span,
                 "remove it");
        }
        earlier = &instruction;
    }
}

Casing casing_of_word(const Instruction& instruction) {
    const SourceSpan& span = instruction.span;
    const auto begin = static_cast<size_t>(span.column) - 1;
    const auto length = static_cast<size_t>(span.length);
    if (span.source.size() < begin + length) return Casing::upper;
    return casing_of(std::string_view(span.source).substr(begin, length));
}

// As BuildKit counts: mixed case is in no majority, and ARGs before the first FROM are not looked at.
void check_casing(Dockerfile& dockerfile) {
    const auto& all = dockerfile.instructions;
    const std::span instructions(
        std::find_if(all.begin(), all.end(), [](const Instruction& i) { return i.name == "FROM"; }), all.end());
    const auto count = [&](Casing casing) {
        return std::count_if(instructions.begin(), instructions.end(),
                             [&](const Instruction& i) { return casing_of_word(i) == casing; });
    };
    const bool mostly_lower = count(Casing::lower) > count(Casing::upper);
    for (const Instruction& instruction : instructions) {
        if (casing_of_word(instruction) == (mostly_lower ? Casing::lower : Casing::upper)) continue;
        warn(dockerfile, "instruction-casing",
             fmt::format("{} is not written as the other instructions are", instruction.name), instruction.span,
             fmt::format("write {}", mostly_lower ? to_lower(instruction.name) : instruction.name));
    }
}

bool names_a_secret(std::string_view variable) {
    static const std::set<std::string> words = {"apikey", "auth",   "credential", "credentials", "key",  "password",
                                                "pword",  "passwd", "secret",     "secrets",     "token"};
    bool secret = false;
    std::string lower = to_lower(variable);
    std::replace(lower.begin(), lower.end(), '-', '_');
    for (const std::string& word : split(lower, '_')) {
        if (word == "public" || word == "file" || word == "version") return false;
        if (words.count(word)) secret = true;
    }
    return secret;
}

void check_secrets(Dockerfile& dockerfile) {
    for (const Instruction& instruction : dockerfile.instructions) {
        if (instruction.name != "ARG" && instruction.name != "ENV") continue;
        size_t step = instruction.name == "ENV" ? 2 : 1;
        for (size_t i = 0; i < instruction.args.size(); i += step) {
            std::string name = instruction.args[i].substr(0, instruction.args[i].find('='));
            if (dockerfile.warnings.size() >= max_warnings) return;
            if (!names_a_secret(name)) continue;
            warn(dockerfile, "secret-in-arg-or-env",
                 fmt::format("{} {} looks like a secret, and the image shows it to everyone", instruction.name,
                             printable(name)),
                 dockerfile.span_of(instruction, name), "hand secrets over when the image runs");
        }
    }
}

}  // namespace

Casing casing_of(std::string_view word) {
    const auto is = [](char from, char to) { return [=](char c) { return c >= from && c <= to; }; };
    if (std::none_of(word.begin(), word.end(), is('a', 'z'))) return Casing::upper;
    return std::none_of(word.begin(), word.end(), is('A', 'Z')) ? Casing::lower : Casing::mixed;
}

void check_structure(const Dockerfile& dockerfile) {
    const char* hint = "start with FROM IMAGE, or FROM scratch";
    const auto& instructions = dockerfile.instructions;
    if (instructions.empty()) {
        fail_at(dockerfile.span_of_line(1), fmt::format("{} has no instructions", quoted(dockerfile.file)), hint);
    }
    auto first =
        std::find_if(instructions.begin(), instructions.end(), [](const Instruction& i) { return i.name != "ARG"; });
    if (first == instructions.end()) {
        fail_at(instructions.back().span, fmt::format("{} has no FROM", quoted(dockerfile.file)), hint);
    }
    if (first->name != "FROM") {
        fail_at(first->span, fmt::format("{} stands before the first FROM", first->name),
                "only ARG may do that; start with FROM IMAGE, or FROM scratch");
    }
}

void add_style_warnings(Dockerfile& dockerfile) {
    check_casing(dockerfile);
    check_stage_names(dockerfile);
    check_repeated_instructions(dockerfile);
    check_secrets(dockerfile);
    auto place = [](const Warning& warning) {
        return warning.span ? std::pair(warning.span->line, warning.span->column) : std::pair(0, 0);
    };
    std::stable_sort(dockerfile.warnings.begin(), dockerfile.warnings.end(),
                     [&](const Warning& a, const Warning& b) { return place(a) < place(b); });
}

}  // namespace gbuild::dockerfile
