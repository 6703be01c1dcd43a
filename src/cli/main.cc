#include "gbuild/cli/main.h"

#include <chrono>
#include <filesystem>

#include <fmt/format.h>

#include "gbuild/base/text.h"
#include "gbuild/cli/command.h"
#include "gbuild/cli/completion.h"
#include "gbuild/cli/error_text.h"
#include "gbuild/cli/exit_codes.h"
#include "gbuild/cli/foreign_words.h"
#include "gbuild/cli/json_progress.h"

namespace gbuild::cli {

namespace {

using Arguments = std::vector<std::string>;

// `words` are the first word and what stands behind it.
Error no_such_command(const Arguments& words) {
    const std::string& word = words.front();
    Error error(ErrorKind::usage, fmt::format("{} is neither a command of gbuild nor a directory", quoted(word)));
    if (auto hint = foreign_command_hint(words)) return error.hint(*hint);
    std::vector<std::string> known;
    for (const auto& info : all_commands()) known.emplace_back(info.name);
    const auto meant = nearest(word, known);
    return error.hint(meant ? fmt::format("did you mean {}?", *meant) : "gbuild help lists the commands");
}

int help(const Arguments& arguments, Console& console) {
    if (arguments.empty()) {
        console.out.write(general_help(help_columns(console.out)));
        return 0;
    }
    const CommandInfo* info = find_command(arguments.front());
    if (!info) throw no_such_command(arguments);
    console.out.write(command_help(*info, help_columns(console.out)));
    return 0;
}

// A word that is a path rather than a misspelt command: "." and "..", anything with a slash, what is there.
bool is_context(const std::string& word) {
    std::error_code error;
    return word == "." || word == ".." || word.find('/') != std::string::npos || std::filesystem::exists(word, error);
}

// Whether whoever reads standard error expects JSON, as far as can be told where options could not be read.
bool asks_for_json(const Arguments& arguments) {
    std::string_view mode;
    for (size_t i = 0; i < arguments.size() && arguments[i] != "--"; i++) {
        constexpr std::string_view joined = "--progress=";
        if (arguments[i].starts_with(joined)) mode = std::string_view(arguments[i]).substr(joined.size());
        if (arguments[i] == "--progress" && i + 1 < arguments.size()) mode = arguments[i + 1];
    }
    return mode == "json" || mode == "rawjson";
}

int dispatch(const Arguments& arguments, Console& console) {
    if (arguments.empty()) {
        console.err.write(general_help(help_columns(console.err)));
        return exit_code(ErrorKind::usage);
    }
    const std::string& first = arguments.front();
    Arguments rest(arguments.begin() + 1, arguments.end());
    if (first == "help" || first == "-h" || first == "--help") return help(rest, console);
    if (first == "__complete") {
        console.out.write(completion_lines(complete(rest)));
        return 0;
    }
    if (first == "--version") return run_as_typed("version", rest, console);
    if (find_command(first) != nullptr) return run_as_typed(first, rest, console);
    if (first.rfind('-', 0) != 0 && !is_context(first)) throw no_such_command(arguments);
    return run_as_typed("build", arguments, console);
}

}  // namespace

int main(const Arguments& arguments, Console& console) noexcept {
    // As a shell reports a program that SIGPIPE ended.
    constexpr int broken_pipe = 128 + 13;
    try {
        return dispatch(arguments, console);
    } catch (const OutputClosed&) {
        return broken_pipe;
    } catch (...) {
        Error error = as_error(std::current_exception());
        console.err.write(asks_for_json(arguments) ? json_refusal(error, std::chrono::system_clock::now())
                                                   : failure_text(error, console));
        return exit_code(error.kind());
    }
}

}  // namespace gbuild::cli
