#include "gbuild/cli/options.h"

#include <algorithm>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/text.h"
#include "gbuild/cli/display.h"
#include "option_words.h"

namespace gbuild::cli {

namespace {

// Where the explanations of options begin; on a narrow terminal they get lines of their own.
size_t help_column(size_t columns) { return columns < 60 ? 6 : 30; }

std::string help_entry(const std::string& name, const std::string& text, size_t columns) {
    const size_t indent = help_column(columns);
    std::string line = "  " + name;
    if (line.size() + 2 > indent)
        line += "\n" + std::string(indent, ' ');
    else
        line.resize(indent, ' ');
    return line + wrap(text, indent, columns) + "\n";
}

// An indented line of an epilogue: "  COMMAND   explanation", which takes two lines where it does not fit one.
std::string kept_line(const std::string& line, size_t columns) {
    const size_t gap = line.find("   ", line.find_first_not_of(' '));
    if (static_cast<size_t>(display_width(line)) <= columns || gap == std::string::npos) return line + "\n";
    const std::string_view rest = trim(std::string_view(line).substr(gap));
    return line.substr(0, gap) + "\n      " + wrap(rest, 6, columns) + "\n";
}

std::string filled(const std::string& text, size_t columns) {
    std::string result, paragraph;
    auto end_paragraph = [&] {
        if (!paragraph.empty()) result += wrap(paragraph, 0, columns) + "\n";
        paragraph.clear();
    };
    for (const std::string& line : split(std::string_view(text).substr(0, text.find_last_not_of('\n') + 1), '\n')) {
        if (!line.empty() && line[0] != ' ') {
            paragraph += (paragraph.empty() ? "" : " ") + line;
            continue;
        }
        end_paragraph();
        result += line.empty() ? "\n" : kept_line(line, columns);
    }
    end_paragraph();
    return result;
}

std::string with_default(const std::string& help, const std::string& value) {
    return value.empty() ? help : fmt::format("{} (default: {})", help, value);
}

}  // namespace

OptionSet::OptionSet(std::string command, std::string summary) :
    command_(std::move(command)), summary_(std::move(summary)), app_(std::make_unique<CLI::App>()) {
    // Options nobody declared are collected, so that the message about them can be ours.
    app_->allow_extras();
    app_->set_help_flag("-h,--help", "show this help")->group("");
}

OptionSet::~OptionSet() = default;

void OptionSet::group(std::string title) { group_ = std::move(title); }

void OptionSet::flag(const std::string& names, bool& value, const std::string& help) {
    app_->add_flag(names, value, help)->group(group_);
}

void OptionSet::value(const std::string& names, const std::string& metavar, std::string& value,
                      const std::string& help) {
    app_->add_option(names, value, with_default(help, value))
        ->group(group_)
        ->option_text(" " + metavar)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
}

void OptionSet::value(const std::string& names, const std::string& metavar, std::optional<std::string>& value,
                      const std::string& help) {
    app_->add_option_function<std::string>(
            names, [&value](const std::string& text) { value = text; }, help)
        ->group(group_)
        ->option_text(" " + metavar)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
}

void OptionSet::list(const std::string& names, const std::string& metavar, std::vector<std::string>& values,
                     const std::string& help) {
    // Without allow_extra_args(false), "-t a ." would take the context as a second tag.
    app_->add_option(names, values, help)->group(group_)->option_text(" " + metavar)->allow_extra_args(false);
}

namespace {

// `named` are the words that an error lists.
std::function<std::string(const std::string&)> one_of(std::vector<std::string> named,
                                                      std::vector<std::string> accepted) {
    return [named = std::move(named), accepted = std::move(accepted)](const std::string& text) -> std::string {
        if (std::find(accepted.begin(), accepted.end(), text) != accepted.end()) return {};
        return fmt::format("{} is not one of {}", quoted(text), join(named, ", "));
    };
}

}  // namespace

void OptionSet::choice(const std::string& names, const std::vector<std::string>& words, std::string& value,
                       const std::string& help, const std::vector<std::string>& also) {
    std::vector<std::string> accepted = words;
    accepted.insert(accepted.end(), also.begin(), also.end());
    CLI::Option* option = app_->add_option(names, value, with_default(help, value))
                              ->group(group_)
                              ->option_text(" " + join(words, "|"))
                              ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast)
                              ->check(one_of(words, accepted));
    words_[option->get_name(false, true)] = words;
}

void OptionSet::choice_or_flag(const std::string& names, const std::vector<std::string>& words,
                               const std::string& implied, std::string& value, const std::string& help,
                               const std::vector<std::string>& also) {
    std::vector<std::string> accepted = words;
    accepted.insert(accepted.end(), also.begin(), also.end());
    CLI::Option* option = app_->add_flag(fmt::format("{}{{{}}}", names, implied), value, with_default(help, value))
                              ->group(group_)
                              ->option_text(fmt::format("[={}]", join(words, "|")))
                              ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast)
                              ->check(one_of(words, accepted));
    words_[option->get_name(false, true)] = words;
}

void OptionSet::argument(const std::string& name, std::string& value, Presence presence, const std::string& help) {
    app_->add_option(name, value, help);
    arguments_.push_back({name, presence, false});
}

void OptionSet::arguments(const std::string& name, std::vector<std::string>& values, const std::string& help,
                          Presence presence) {
    app_->add_option(name, values, help);
    arguments_.push_back({name, presence, true});
}

void OptionSet::foreign(std::span<const ForeignOption> table, std::vector<std::string>& notices) {
    foreign_ = table;
    notices_ = &notices;
}

OptionSet::Outcome OptionSet::parse(const std::vector<std::string>& arguments) {
    std::vector<std::string> words =
        OptionWords(*app_, foreign_, fmt::format("{} --help", command_), notices_).prepare(arguments);
    std::reverse(words.begin(), words.end());
    try {
        app_->parse(std::move(words));
    } catch (const CLI::CallForHelp&) {
        return Outcome::help;
    } catch (const CLI::ArgumentMismatch& error) {
        std::string name = error.what();
        name.resize(std::min(name.size(), name.find(':')));
        const CLI::Option* option = app_->get_option_no_throw(name);
        throw Error(ErrorKind::usage, fmt::format("{} needs a value:{}", name, option ? option->get_option_text() : ""))
            .hint(fmt::format("see {} --help", command_));
    } catch (const CLI::ConversionError& error) {
        // Only flags convert what they are given; the text is "Could not convert: --flag = x".
        std::string name = error.what();
        name.erase(0, std::min(name.size(), name.find('-')));
        throw Error(ErrorKind::usage, fmt::format("{} takes no value", name.substr(0, name.find(' '))))
            .hint(fmt::format("see {} --help", command_));
    } catch (const CLI::ParseError& error) {
        std::string message = error.what();
        throw Error(ErrorKind::usage, message.substr(0, message.find('\n')))
            .hint(fmt::format("see {} --help", command_));
    }
    check_leftovers();
    for (const auto& argument : arguments_) {
        if (argument.presence == Presence::required && app_->get_option(argument.name)->count() == 0) {
            throw Error(ErrorKind::usage, fmt::format("{} is missing", argument.name))
                .hint(fmt::format("{}, see {} --help", usage_line(), command_));
        }
    }
    return Outcome::run;
}

void OptionSet::check_leftovers() const {
    bool only_arguments = false;
    for (const auto& word : app_->remaining()) {
        if (word == "--" && !only_arguments) {
            only_arguments = true;
        } else if (!only_arguments && word.size() > 1 && word[0] == '-') {
            unknown_option(word);
        } else {
            throw Error(ErrorKind::usage, fmt::format("unexpected argument {}", quoted(word)))
                .hint(fmt::format("{}, see {} --help", usage_line(), command_));
        }
    }
}

void OptionSet::unknown_option(const std::string& word) const {
    const std::string name = word.substr(0, word.find('='));
    std::vector<std::string> known;
    for (const DeclaredOption& option : declared()) {
        for (const std::string& one : option.names) known.push_back(one.substr(one.find_first_not_of('-')));
    }
    // Dashes, which all have, make words no more alike.
    std::optional<std::string> meant;
    if (name.starts_with("--")) meant = nearest(std::string_view(name).substr(2), known);
    throw Error(ErrorKind::usage, fmt::format("unknown option {}", quoted(name)))
        .hint(meant ? fmt::format("did you mean {}{}?", meant->size() == 1 ? "-" : "--", *meant)
                    : fmt::format("see {} --help", command_));
}

std::string OptionSet::usage_line() const {
    std::string line = fmt::format("usage: {} [OPTIONS]", command_);
    for (const auto& argument : arguments_) {
        line += argument.presence == Presence::required ? " " + argument.name : fmt::format(" [{}]", argument.name);
        if (argument.several) line += "…";
    }
    return line;
}

std::string OptionSet::help(size_t columns) const {
    std::string text = wrap(usage_line(), 7, columns) + "\n\n" + wrap(summary_, 0, columns) + "\n";
    for (const auto& argument : arguments_) {
        if (&argument == &arguments_.front()) text += "\nArguments:\n";
        text += help_entry(argument.name, app_->get_option(argument.name)->get_description(), columns);
    }
    std::string title;
    for (const DeclaredOption& option : declared()) {
        if (option.group != title) text += fmt::format("\n{}:\n", title = option.group);
        const bool has_short = option.names.front().size() == 2;
        text += help_entry((has_short ? "" : "    ") + option.text(), option.help, columns);
    }
    if (!epilogue_.empty()) text += "\n" + filled(epilogue_, columns);
    return text;
}

std::string DeclaredOption::text() const { return join(names, ", ") + value; }

std::vector<DeclaredOption> OptionSet::declared() const {
    std::vector<std::string> groups;
    for (const CLI::Option* option : app_->get_options()) {
        const bool shown = option->nonpositional() && !option->get_group().empty();
        if (shown && std::find(groups.begin(), groups.end(), option->get_group()) == groups.end()) {
            groups.push_back(option->get_group());
        }
    }
    std::vector<DeclaredOption> found;
    for (const std::string& group : groups) {
        for (const CLI::Option* option : app_->get_options()) {
            if (!option->nonpositional() || option->get_group() != group) continue;
            DeclaredOption one;
            for (const auto& name : option->get_snames()) one.names.push_back("-" + name);
            for (const auto& name : option->get_lnames()) one.names.push_back("--" + name);
            one.value = option->get_option_text();
            one.help = option->get_description();
            one.group = group;
            one.repeatable = option->get_expected_max() > 1;
            const auto words = words_.find(option->get_name(false, true));
            if (words != words_.end()) one.words = words->second;
            found.push_back(std::move(one));
        }
    }
    return found;
}

}  // namespace gbuild::cli
