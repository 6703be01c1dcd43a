// The arguments of each instruction.
#include <algorithm>

#include <fmt/format.h>

#include "gbuild/base/text.h"
#include "statement.h"
#include "words.h"

namespace gbuild::dockerfile {

namespace {

void require_arguments(const Statement& statement, std::string hint) {
    if (!statement.rest.empty()) return;
    statement.fail_missing(fmt::format("{} has no arguments", statement.instruction.name), std::move(hint));
}

void warn(Statement& statement, std::string_view part, const char* id, std::string message, std::string hint) {
    statement.warnings.push_back({id, std::move(message), statement.line.span(part), std::move(hint)});
}

// "[ -f x ]" is a command; "['a', 'b']" was meant to be an array.
bool looks_like_array(std::string_view text) {
    if (text.size() < 2 || text.front() != '[' || text.back() != ']') return false;
    std::string_view inside = trim(text.substr(1));
    bool command = text[1] == ' ' && inside.back() == ']' && text[text.size() - 2] == ' ';
    return !command && (inside[0] == '\'' || inside[0] == '"');
}

// Takes the exec form; false leaves the shell form to the caller.
bool take_exec_form(Statement& statement) {
    std::string_view rest = statement.rest;
    JsonArray array = parse_json_array(rest);
    if (array.shape == JsonShape::other_array) {
        statement.fail(rest, "the array holds something other than strings", "put every element in double quotes");
    }
    if (array.shape == JsonShape::strings) {
        statement.instruction.form = Form::exec;
        for (std::string& element : array.strings) statement.instruction.args.push_back(std::move(element));
        return true;
    }
    if (looks_like_array(rest)) {
        warn(statement, rest, "exec-form-invalid", "this is no JSON array, so it is taken as plain words",
             "use double quotes around each element and commas between them");
    }
    return false;
}

void warn_of_line_ends(Statement& statement, const std::string& name) {
    size_t at = std::min(statement.rest.find("<<"), statement.rest.size());
    warn(statement, statement.rest.substr(at, 2), "heredoc-crlf",
         fmt::format("the lines of the heredoc {} end in CR LF (\\r\\n), and the carriage returns stay in them",
                     quoted(name)),
         "save the Dockerfile with LF line ends: dos2unix does that, or \"* text eol=lf\" in .gitattributes");
}

void take_heredocs(Statement& statement, const std::vector<HeredocMarker>& markers) {
    for (const HeredocMarker& marker : markers) {
        auto body = statement.reader.heredoc_body(marker.name, marker.strip_tabs);
        if (!body) {
            size_t at = std::min(statement.rest.find("<<"), statement.rest.size());
            statement.fail(statement.rest.substr(at, 2),
                           fmt::format("the heredoc {} is not ended", quoted(marker.name)),
                           fmt::format("add a line that holds only {}", marker.name));
        }
        if (body->find("\r\n") != std::string::npos) warn_of_line_ends(statement, marker.name);
        statement.instruction.heredocs.push_back(
            {marker.name, std::move(*body), marker.expand, marker.strip_tabs, marker.file_descriptor});
    }
}

void parse_run(Statement& statement) {
    const char* hint = "write the command after RUN, or remove the line";
    Instruction& instruction = statement.instruction;
    if (statement.rest.empty()) statement.fail_missing("RUN has no command", hint);
    if (take_exec_form(statement)) {
        if (instruction.args.empty()) statement.fail(statement.rest, "RUN has an empty command", hint);
        return;
    }
    instruction.args.emplace_back(statement.rest);
    take_heredocs(statement, find_heredoc_markers(statement.rest));
    const bool is_script = instruction.heredocs.size() == 1 && parse_heredoc_marker(statement.rest);
    if (is_script) instruction.heredocs.front().is_script = true;
}

// CMD and ENTRYPOINT. Nothing at all is as good as [].
void parse_command(Statement& statement) {
    if (statement.rest.empty()) {
        statement.instruction.form = Form::exec;
    } else if (!take_exec_form(statement)) {
        statement.instruction.args.emplace_back(statement.rest);
    }
}

void parse_shell(Statement& statement) {
    require_arguments(statement, "write SHELL [\"/bin/bash\", \"-c\"]");
    if (!take_exec_form(statement)) {
        statement.fail(statement.rest, "SHELL takes a JSON array only", "write SHELL [\"/bin/bash\", \"-c\"]");
    }
    if (statement.instruction.args.empty()) {
        statement.fail(statement.rest, "SHELL is empty", "write SHELL [\"/bin/bash\", \"-c\"]");
    }
}

// "ENV name value": the value is the rest of the line.
void parse_legacy_pair(Statement& statement) {
    Instruction& instruction = statement.instruction;
    std::string_view name = split_blanks(statement.rest).front();
    std::string_view value = trim(statement.rest.substr(name.size()));
    if (value.empty()) {
        statement.fail(name, fmt::format("{} {} has no value", instruction.name, printable(name)),
                       fmt::format("write {} {}=VALUE", instruction.name, printable(name)));
    }
    instruction.args = {std::string(name), std::string(value)};
    warn(statement, name, "legacy-key-value", fmt::format("{} without \"=\" is an old form", instruction.name),
         fmt::format("write {} {}=VALUE", instruction.name, printable(name)));
}

void parse_pairs(Statement& statement) {
    Instruction& instruction = statement.instruction;
    require_arguments(statement, fmt::format("write {} NAME=VALUE", instruction.name));
    auto words = split_words(statement.rest, statement.escape);
    if (words.empty() || words[0].text.find('=') == std::string::npos) return parse_legacy_pair(statement);
    for (const Word& word : words) {
        size_t equals = word.text.find('=');
        if (equals == std::string::npos) {
            statement.fail(word.part, fmt::format("{} has no \"=\"", quoted(word.text)),
                           "write NAME=VALUE, and put values with blanks in quotes");
        }
        if (equals == 0) {
            statement.fail(word.part, fmt::format("a name is missing before \"=\" in {}", instruction.name),
                           "write NAME=VALUE, without blanks around the \"=\"");
        }
        instruction.args.push_back(word.text.substr(0, equals));
        instruction.args.push_back(word.text.substr(equals + 1));
    }
}

void parse_arg(Statement& statement) {
    require_arguments(statement, "write ARG NAME or ARG NAME=DEFAULT");
    for (Word& word : split_words(statement.rest, statement.escape)) {
        if (word.text[0] == '=') {
            statement.fail(word.part, "a name is missing before \"=\" in ARG",
                           "write NAME=DEFAULT, without blanks around the \"=\"");
        }
        statement.instruction.args.push_back(std::move(word.text));
    }
}

// Words of COPY, ADD and VOLUME end at every blank: quotes do not hold them together.
std::vector<std::string_view> take_plain_words(const Statement& statement) {
    auto words = split_blanks(statement.rest);
    for (std::string_view word : words) {
        if (quotes_closed(word, statement.escape)) continue;
        statement.fail(word, fmt::format("quotes do not keep blanks together in {}", statement.instruction.name),
                       fmt::format("use the JSON form: {} [\"a b\", …]", statement.instruction.name));
    }
    return words;
}

void require_destination(const Statement& statement) {
    const Instruction& instruction = statement.instruction;
    if (instruction.args.size() + instruction.heredocs.size() >= 2) return;
    if (instruction.args.empty()) {
        statement.fail_missing(fmt::format("{} has no sources and no destination", instruction.name),
                               fmt::format("write {} SOURCE… DESTINATION", instruction.name));
    }
    statement.fail(statement.rest, fmt::format("{} has no destination", instruction.name),
                   fmt::format("write {} SOURCE… DESTINATION; \".\" is the working directory", instruction.name));
}

void parse_copy(Statement& statement) {
    Instruction& instruction = statement.instruction;
    if (!take_exec_form(statement)) {
        auto words = take_plain_words(statement);
        std::vector<HeredocMarker> markers;
        for (size_t i = 0; i < words.size(); i++) {
            std::string_view word = words[i];
            const bool is_split = is_heredoc_operator(word) && i + 1 < words.size();
            if (is_split) word = from_to(word, words[i + 1]);
            auto marker = parse_heredoc_marker(word);
            if (!marker) word = words[i];
            if (!marker) {
                instruction.args.emplace_back(word);
                if (instruction.args.size() <= WordSpans::most) instruction.arg_spans.add(statement.line.span(word));
                continue;
            }
            if (is_split) i++;
            if (i + 1 == words.size()) {
                statement.fail(word, fmt::format("{} cannot have a heredoc as its destination", instruction.name),
                               fmt::format("write {} <<{} DESTINATION", instruction.name, marker->name));
            }
            markers.push_back(std::move(*marker));
        }
        take_heredocs(statement, markers);
    }
    require_destination(statement);
}

bool is_stage_name(std::string_view name) {
    auto allowed = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
    };
    return !name.empty() && name[0] >= 'a' && name[0] <= 'z' && std::all_of(name.begin(), name.end(), allowed);
}

void parse_from(Statement& statement) {
    require_arguments(statement, "write FROM IMAGE, or FROM scratch");
    auto words = split_blanks(statement.rest);
    auto comment = std::find_if(words.begin(), words.end(), [](std::string_view word) { return word[0] == '#'; });
    if (comment != words.end()) {
        statement.fail(*comment, "a comment cannot follow an instruction", "give the comment a line of its own");
    }
    bool named = words.size() == 3 && equal_ignoring_case(words[1], "as");
    if (words.size() != 1 && !named) {
        statement.fail(words[1], "FROM takes an image and, after AS, a name", "write FROM IMAGE AS NAME");
    }
    statement.instruction.args.emplace_back(words[0]);
    if (!named) return;
    if (!is_stage_name(to_lower(words[2]))) {
        statement.fail(words[2], fmt::format("{} cannot be a stage's name", quoted(words[2])),
                       "begin with a letter and use letters, digits, \"-\", \"_\" and \".\"");
    }
    statement.instruction.args.emplace_back("AS");
    statement.instruction.args.emplace_back(words[2]);
    const Casing of_from = casing_of(trim(statement.line.text()).substr(0, statement.instruction.name.size()));
    // Of a mixed FROM instruction-casing tells.
    if (of_from != Casing::mixed && casing_of(words[1]) != of_from) {
        warn(statement, words[1], "from-as-casing", "FROM and AS are written in different cases",
             of_from == Casing::upper ? "write AS" : "write as");
    }
    if (to_lower(words[2]) != words[2]) {
        warn(statement, words[2], "stage-name-casing",
             fmt::format("the stage's name {} is not in lower case", quoted(words[2])),
             fmt::format("write {}", to_lower(words[2])));
    }
}

void parse_healthcheck(Statement& statement) {
    const char* usage = "write HEALTHCHECK CMD COMMAND or HEALTHCHECK NONE";
    require_arguments(statement, usage);
    std::string_view type = split_blanks(statement.rest).front();
    std::string_view whole = statement.rest;
    statement.rest = trim(whole.substr(type.size()));
    if (equal_ignoring_case(type, "none")) {
        if (!statement.rest.empty()) statement.fail(statement.rest, "HEALTHCHECK NONE takes no arguments", usage);
        statement.instruction.args.emplace_back("NONE");
        return;
    }
    if (!equal_ignoring_case(type, "cmd")) {
        statement.fail(type, fmt::format("HEALTHCHECK cannot be {}", quoted(type)), usage);
    }
    statement.instruction.args.emplace_back("CMD");
    bool exec = !statement.rest.empty() && take_exec_form(statement);
    if (!exec && !statement.rest.empty()) statement.instruction.args.emplace_back(statement.rest);
    if (statement.instruction.args.size() == 1) statement.fail(type, "HEALTHCHECK CMD has no command", usage);
}

void parse_onbuild(Statement& statement) {
    require_arguments(statement, "write ONBUILD and an instruction");
    std::string_view word = split_blanks(statement.rest).front();
    check_trigger_word(statement.line, word);
    auto offset = static_cast<size_t>(statement.rest.data() - statement.line.text().data());
    Instruction trigger = parse_instruction(statement.line, offset, statement.reader, statement.escape,
                                            statement.warnings, Nesting::trigger);
    std::string text(statement.rest);
    for (const Heredoc& heredoc : trigger.heredocs) text += "\n" + heredoc.contents + heredoc.name;
    statement.instruction.args = {std::move(text)};
    statement.instruction.heredocs = std::move(trigger.heredocs);
}

void parse_volume(Statement& statement) {
    Instruction& instruction = statement.instruction;
    require_arguments(statement, "write VOLUME /PATH");
    if (!take_exec_form(statement)) {
        for (std::string_view word : take_plain_words(statement)) instruction.args.emplace_back(word);
    }
    bool blank = std::any_of(instruction.args.begin(), instruction.args.end(),
                             [](const std::string& volume) { return trim(volume).empty(); });
    if (instruction.args.empty() || blank) {
        statement.fail(statement.rest, "VOLUME holds an empty path", "write VOLUME /PATH");
    }
}

void parse_expose(Statement& statement) {
    require_arguments(statement, "write EXPOSE PORT or EXPOSE PORT/udp");
    for (std::string_view word : split_blanks(statement.rest)) statement.instruction.args.emplace_back(word);
}

// USER, WORKDIR, STOPSIGNAL, MAINTAINER: the rest of the line is one argument.
void parse_single(Statement& statement, std::string hint) {
    require_arguments(statement, std::move(hint));
    statement.instruction.args.emplace_back(statement.rest);
}

}  // namespace

void parse_arguments(Statement& statement, Nesting nesting) {
    const std::string& name = statement.instruction.name;
    if (name == "RUN") return parse_run(statement);
    if (name == "CMD" || name == "ENTRYPOINT") return parse_command(statement);
    if (name == "COPY" || name == "ADD") return parse_copy(statement);
    if (name == "ENV" || name == "LABEL") return parse_pairs(statement);
    if (name == "ARG") return parse_arg(statement);
    if (name == "SHELL") return parse_shell(statement);
    if (name == "HEALTHCHECK") return parse_healthcheck(statement);
    if (name == "VOLUME") return parse_volume(statement);
    if (name == "EXPOSE") return parse_expose(statement);
    if (name == "USER") return parse_single(statement, "write USER NAME or USER NAME:GROUP");
    if (name == "WORKDIR") return parse_single(statement, "write WORKDIR /PATH");
    if (name == "STOPSIGNAL") return parse_single(statement, "write STOPSIGNAL SIGTERM, for example");
    if (name == "FROM" && nesting == Nesting::top_level) return parse_from(statement);
    if (name == "ONBUILD" && nesting == Nesting::top_level) return parse_onbuild(statement);
    if (name == "MAINTAINER" && nesting == Nesting::top_level) {
        parse_single(statement, "write LABEL org.opencontainers.image.authors=NAME");
        statement.warnings.push_back({"maintainer-deprecated", "MAINTAINER is deprecated", statement.instruction.span,
                                      "write LABEL org.opencontainers.image.authors=NAME"});
        return;
    }
    throw Error(ErrorKind::internal, fmt::format("no parser for {}", name)).at(statement.instruction.span);
}

}  // namespace gbuild::dockerfile
