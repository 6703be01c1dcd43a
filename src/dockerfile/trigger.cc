// The text that an image's ONBUILD holds.
#include <fmt/format.h>

#include "characters.h"
#include "gbuild/base/text.h"
#include "gbuild/dockerfile/parser.h"
#include "statement.h"
#include "words.h"

namespace gbuild::dockerfile {

namespace {

Instruction parse_only_instruction(const SourceText& source) {
    constexpr char escape = '\\';
    LineReader reader(source, escape);
    auto line = reader.next();
    if (!line) {
        throw Error(ErrorKind::dockerfile, "a trigger of the base image is empty").hint("build the base image anew");
    }
    check_trigger_word(*line, split_blanks(trim_blanks(line->text())).front());
    std::vector<Warning> ignored;  // for whoever made the base
    Instruction trigger = parse_instruction(*line, 0, reader, escape, ignored, Nesting::trigger);
    if (reader.next()) {
        throw Error(ErrorKind::dockerfile, "a trigger of the base image holds more than one instruction")
            .hint("give each an ONBUILD of its own in the base's Dockerfile");
    }
    return trigger;
}

}  // namespace

void check_trigger_word(const LogicalLine& line, std::string_view word) {
    if (equal_ignoring_case(word, "onbuild")) {
        fail_at(line.span(word), "ONBUILD cannot trigger ONBUILD", "remove one of the two");
    }
    if (equal_ignoring_case(word, "from") || equal_ignoring_case(word, "maintainer")) {
        fail_at(line.span(word), fmt::format("ONBUILD cannot trigger {}", quoted(word)), "remove the line");
    }
}

Instruction parse_trigger(std::string_view text, const SourceSpan& place) {
    try {
        Instruction trigger = parse_only_instruction(SourceText(text, "ONBUILD"));
        trigger.is_trigger = true;
        trigger.original = text;
        trigger.span = place;
        trigger.first_line = trigger.last_line = place.line;
        trigger.arg_spans = {};
        for (Flag& flag : trigger.flags) flag.span = place;
        return trigger;
    } catch (Error& error) {
        error.at(place).context(describe_trigger(text));
        throw;
    }
}

std::string describe_trigger(std::string_view text) {
    constexpr size_t enough = 100;
    std::string_view line = text.substr(0, text.find('\n'));
    const bool cut = line.size() > enough;
    return fmt::format("executing the base's trigger {}{}", quoted(fmt::format("ONBUILD {}", line.substr(0, enough))),
                       cut ? "…" : "");
}

}  // namespace gbuild::dockerfile
