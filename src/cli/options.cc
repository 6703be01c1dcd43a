#include "gbuild/cli/options.h"

#include <algorithm>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/text.h"
#include "gbuild/cli/display.h"

namespace gbuild::cli {

namespace {

constexpr size_t help_column = 30, help_width = 100;

std::string help_entry(const std::string& name, const std::string& text) {
    std::string line = "  " + name;
    if (line.size() + 2 > help_column)
        line += "\n" + std::string(help_column, ' ');
    else
        line.resize(help_column, ' ');
    return line + wrap(text, help_column, help_width) + "\n";
}

std::string option_names(const CLI::Option& option) {
    std::string names;
    for (const auto& name : option.get_snames()) names += (names.empty() ? "-" : ", -") + name;
    for (const auto& name : option.get_lnames()) names += (names.empty() ? "    --" : ", --") + name;
    return names + (option.get_option_text().empty() ? "" : option.get_option_text());
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
                       const std::string& help) {
    app_->add_option(names, value, with_default(help, value))
        ->group(group_)
        ->option_text(" " + join(words, "|"))
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast)
        ->check(one_of(words, words));
}

void OptionSet::choice_or_flag(const std::string& names, const std::vector<std::string>& words,
                               const std::string& implied, std::string& value, const std::string& help,
                               const std::vector<std::string>& also) {
    std::vector<std::string> accepted = words;
    accepted.insert(accepted.end(), also.begin(), also.end());
    app_->add_flag(fmt::format("{}{{{}}}", names, implied), value, with_default(help, value))
        ->group(group_)
        ->option_text(fmt::format("[={}]", join(words, "|")))
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast)
        ->check(one_of(words, accepted));
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

// CLI11 takes the next word as the value of "--name="; as two words it takes the empty one.
std::vector<std::string> OptionSet::with_empty_values(const std::vector<std::string>& arguments) const {
    std::vector<std::string> words;
    bool options = true;
    for (const auto& word : arguments) {
        options = options && word != "--";
        bool empty = options && word.starts_with("--") && word.find('=') == word.size() - 1;
        std::string name = empty ? word.substr(0, word.size() - 1) : std::string();
        const CLI::Option* option = empty ? app_->get_option_no_throw(name) : nullptr;
        if (option != nullptr && option->get_items_expected_min() == 0) {
            throw Error(ErrorKind::usage, fmt::format("{} has no value behind the \"=\"", name))
                .hint(fmt::format("see {} --help", command_));
        }
        if (option != nullptr) {
            words.push_back(name);
            words.emplace_back();
        } else {
            words.push_back(word);
        }
    }
    return words;
}

OptionSet::Outcome OptionSet::parse(const std::vector<std::string>& arguments) {
    std::vector<std::string> words = with_empty_values(arguments);
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
    std::string name = word.substr(0, word.find('='));
    std::vector<std::string> known;
    for (const auto& long_name : long_names()) known.push_back("--" + long_name);
    auto meant = nearest(name, known);
    throw Error(ErrorKind::usage, fmt::format("unknown option {}", quoted(name)))
        .hint(meant ? fmt::format("did you mean {}?", *meant) : fmt::format("see {} --help", command_));
}

std::string OptionSet::usage_line() const {
    std::string line = fmt::format("usage: {} [OPTIONS]", command_);
    for (const auto& argument : arguments_) {
        line += argument.presence == Presence::required ? " " + argument.name : fmt::format(" [{}]", argument.name);
        if (argument.several) line += "…";
    }
    return line;
}

std::string OptionSet::help() const {
    std::string text = usage_line() + "\n\n" + summary_ + "\n";
    for (const auto& argument : arguments_) {
        if (&argument == &arguments_.front()) text += "\nArguments:\n";
        text += help_entry(argument.name, app_->get_option(argument.name)->get_description());
    }
    std::vector<std::string> titles;
    for (const CLI::Option* option : app_->get_options()) {
        bool shown = option->nonpositional() && !option->get_group().empty();
        if (!shown || std::find(titles.begin(), titles.end(), option->get_group()) != titles.end()) continue;
        titles.push_back(option->get_group());
        text += fmt::format("\n{}:\n", titles.back());
        for (const CLI::Option* other : app_->get_options()) {
            if (!other->nonpositional() || other->get_group() != titles.back()) continue;
            text += help_entry(option_names(*other), other->get_description());
        }
    }
    if (!epilogue_.empty()) text += "\n" + epilogue_;
    return text;
}

std::vector<std::string> OptionSet::long_names() const {
    std::vector<std::string> names;
    for (const CLI::Option* option : app_->get_options()) {
        names.insert(names.end(), option->get_lnames().begin(), option->get_lnames().end());
    }
    return names;
}

}  // namespace gbuild::cli
