#include "gbuild/cli/main.h"

#include <filesystem>

#include <fmt/format.h>

#include "gbuild/base/text.h"
#include "gbuild/cli/command.h"
#include "gbuild/cli/error_text.h"
#include "gbuild/cli/exit_codes.h"

namespace gbuild::cli {

namespace {

using Arguments = std::vector<std::string>;

Error no_such_command(const std::string& word) {
    std::vector<std::string> known;
    for (const auto& info : all_commands()) known.emplace_back(info.name);
    auto meant = nearest(word, known);
    return Error(ErrorKind::usage, fmt::format("{} is neither a command of gbuild nor a directory", quoted(word)))
        .hint(meant ? fmt::format("did you mean {}?", *meant) : "gbuild help lists the commands");
}

int run_command(const CommandInfo& info, const Arguments& arguments, Console& console) {
    auto command = info.create();
    OptionSet options(fmt::format("gbuild {}", info.name), std::string(info.summary));
    command->declare(options);
    if (options.parse(arguments) == OptionSet::Outcome::help) {
        console.out.write(options.help());
        return 0;
    }
    return command->run(console);
}

int help(const Arguments& arguments, Console& console) {
    if (arguments.empty()) {
        console.out.write(general_help());
        return 0;
    }
    const CommandInfo* info = find_command(arguments.front());
    if (!info) throw no_such_command(arguments.front());
    console.out.write(command_help(*info));
    return 0;
}

// A word that is a path rather than a misspelt command: "." and "..", anything with a slash, what is there.
bool is_context(const std::string& word) {
    std::error_code error;
    return word == "." || word == ".." || word.find('/') != std::string::npos || std::filesystem::exists(word, error);
}

int dispatch(const Arguments& arguments, Console& console) {
    if (arguments.empty()) {
        console.err.write(general_help());
        return exit_code(ErrorKind::usage);
    }
    const std::string& first = arguments.front();
    Arguments rest(arguments.begin() + 1, arguments.end());
    if (first == "help" || first == "-h" || first == "--help") return help(rest, console);
    if (first == "--version") return run_command(*find_command("version"), rest, console);
    if (const CommandInfo* info = find_command(first)) return run_command(*info, rest, console);
    if (first.rfind('-', 0) != 0 && !is_context(first)) throw no_such_command(first);
    return run_command(*find_command("build"), arguments, console);
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
        console.err.write(error_text(error, console.color(console.err)));
        return exit_code(error.kind());
    }
}

}  // namespace gbuild::cli
