#include "gbuild/cli/completion.h"

#include <exception>

#include <fmt/format.h>

#include "completion_values.h"
#include "gbuild/base/text.h"
#include "gbuild/cli/command.h"
#include "gbuild/cli/display.h"
#include "typed_line.h"

namespace gbuild::cli {

namespace {

using TypedWords = std::span<const std::string>;

void add_commands(const std::string& typed, Completion& completion) {
    for (const CommandInfo& info : all_commands()) {
        if (info.name.starts_with(typed))
            completion.candidates.push_back({std::string(info.name), std::string(info.summary)});
    }
    if (std::string_view("help").starts_with(typed))
        completion.candidates.push_back({"help", "tell a command's options"});
}

void add_options(const TypedLine& line, Completion& completion) {
    for (const DeclaredOption& option : line.declared()) {
        for (const std::string& name : option.names) {
            // One letter is quicker to type than to choose.
            if (name.size() > 2 && name.starts_with(line.current()))
                completion.candidates.push_back({name, option.help});
        }
    }
    if (std::string_view("--help").starts_with(line.current()))
        completion.candidates.push_back({"--help", "show this help"});
}

Completion complete_command(const CommandInfo& info, TypedWords words) {
    OptionSet options("gbuild", "");
    const auto command = info.create();
    command->declare(options);
    const TypedLine line(options, words);
    if (line.valued() != nullptr) return option_values(line);
    Completion completion;
    if (line.current().starts_with('-') && !line.only_arguments())
        add_options(line, completion);
    else
        completion = argument_values(line);
    return completion;
}

Completion completed(TypedWords words) {
    Completion completion;
    if (words.size() > 1 && words[0] == "help") {
        if (words.size() == 2) add_commands(words[1], completion);
        return completion;
    }
    if (words.size() > 1) {
        if (const CommandInfo* info = find_command(words[0])) return complete_command(*info, words.subspan(1));
    }
    completion = complete_command(*find_command("build"), words);
    const std::string typed = words.empty() ? "" : words[0];
    if (words.size() < 2 && !typed.starts_with('-')) add_commands(typed, completion);
    return completion;
}

}  // namespace

Completion complete(std::span<const std::string> words) noexcept {
    try {
        return completed(words);
    } catch (const std::exception&) {
        // A shell has no place for messages.
        return {};
    }
}

std::string completion_lines(const Completion& completion) {
    std::string text;
    for (const Candidate& candidate : completion.candidates) {
        // A name that holds a line's end could not be told from two.
        if (candidate.value.find_first_of("\n\t") != std::string::npos) continue;
        text += fmt::format("{}\t{}\n", candidate.value, safe_text(candidate.help));
    }
    if (completion.files) text += ":files\n";
    if (completion.directories) text += ":directories\n";
    if (completion.goes_on) text += ":nospace\n";
    return text;
}

}  // namespace gbuild::cli
