#include "option_words.h"

#include <algorithm>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/text.h"

namespace gbuild::cli {

namespace {

bool is_off(const std::string& value) { return value == "false" || value == "0"; }

}  // namespace

std::vector<std::string> OptionWords::prepare(const std::vector<std::string>& arguments) {
    rest_.assign(arguments.rbegin(), arguments.rend());
    words_.clear();
    while (!rest_.empty()) {
        const std::string word = std::move(rest_.back());
        rest_.pop_back();
        if (word == "--") {
            words_.push_back(word);
            words_.insert(words_.end(), rest_.rbegin(), rest_.rend());
            break;
        }
        if (word.starts_with("--"))
            add_long(word);
        else if (word.size() > 1 && word[0] == '-')
            add_short(word);
        else
            words_.push_back(word);
    }
    return std::move(words_);
}

void OptionWords::add_long(const std::string& word) {
    const size_t equals = word.find('=');
    const std::string name = word.substr(0, equals);
    std::optional<std::string> value;
    if (equals != std::string::npos) value = word.substr(equals + 1);
    const CLI::Option* option = find_declared(name);
    if (option == nullptr) {
        const ForeignOption* foreign = find_foreign(name);
        return foreign ? add_foreign(*foreign, name, std::move(value)) : words_.push_back(word);
    }
    if (value && value->empty()) {
        if (option->get_items_expected_min() == 0) {
            throw Error(ErrorKind::usage, fmt::format("{} has no value behind the \"=\"", name))
                .hint(fmt::format("see {}", help_));
        }
        // CLI11 takes the next word as the value of "--name="; as two words it takes the empty one.
        words_.push_back(name);
        words_.emplace_back();
        return;
    }
    words_.push_back(word);
    if (!value) take_value(*option);
}

// "-q", "-fPATH", "-qf PATH".
void OptionWords::add_short(const std::string& word) {
    for (size_t i = 1; i < word.size(); i++) {
        const std::string name{'-', word[i]};
        const CLI::Option* option = find_declared(name);
        if (option == nullptr) {
            const ForeignOption* foreign = find_foreign(name);
            if (foreign == nullptr) return words_.push_back("-" + word.substr(i));
            std::string value = word.substr(i + 1);
            if (foreign->value != ForeignValue::required) {
                add_foreign(*foreign, name, std::nullopt);
                continue;
            }
            if (value.starts_with('=')) value.erase(0, 1);
            return add_foreign(*foreign, name, value.empty() ? std::nullopt : std::optional(value));
        }
        if (option->get_items_expected_min() > 0) {
            words_.push_back("-" + word.substr(i));
            if (i + 1 == word.size()) take_value(*option);
            return;
        }
        words_.push_back(name);
    }
}

// The value of an option is no option, whatever it looks like.
void OptionWords::take_value(const CLI::Option& option) {
    if (option.get_items_expected_min() == 0 || rest_.empty()) return;
    words_.push_back(std::move(rest_.back()));
    rest_.pop_back();
}

void OptionWords::add_foreign(const ForeignOption& option, const std::string& shown, std::optional<std::string> value) {
    if (option.treatment == Treatment::refused) {
        // One that is switched off asks for nothing.
        if (option.value != ForeignValue::required && value && is_off(*value)) return;
        throw Error(ErrorKind::usage, fmt::format("{}: {}", shown, option.text)).hint(std::string(option.hint));
    }
    if (option.value == ForeignValue::required && !value) {
        if (rest_.empty()) {
            throw Error(ErrorKind::usage, fmt::format("{} needs a value", shown)).hint(fmt::format("see {}", help_));
        }
        value = std::move(rest_.back());
        rest_.pop_back();
    }
    if (option.treatment == Treatment::ignored) return ignore(option, shown, value);
    if (option.value == ForeignValue::none && value && is_off(*value)) return;
    rename(option, value.value_or(""));
}

void OptionWords::rename(const ForeignOption& option, const std::string& value) {
    if (option.text.empty()) return;
    for (std::string word : split(option.text, ' ')) {
        if (const size_t place = word.find("{}"); place != std::string::npos) word.replace(place, 2, value);
        words_.push_back(std::move(word));
    }
}

void OptionWords::ignore(const ForeignOption& option, const std::string& shown,
                         const std::optional<std::string>& value) {
    const std::string text = value && option.value != ForeignValue::required ? shown + "=" + *value : shown;
    if (!option.only.empty() && value) {
        const std::vector<std::string> fitting = split(option.only, '|');
        if (std::find(fitting.begin(), fitting.end(), *value) == fitting.end()) {
            throw Error(ErrorKind::usage, fmt::format("{}={}: {}", shown, printable(*value), option.text))
                .hint(std::string(option.hint));
        }
    }
    if (notices_ == nullptr || !told_.insert(shown).second) return;
    notices_->push_back(fmt::format("ignoring {}: {}", printable(text), option.text));
}

const ForeignOption* OptionWords::find_foreign(const std::string& name) const {
    const auto found =
        std::find_if(foreign_.begin(), foreign_.end(), [&](const ForeignOption& one) { return one.name == name; });
    return found == foreign_.end() ? nullptr : &*found;
}

const CLI::Option* OptionWords::find_declared(const std::string& name) const { return app_.get_option_no_throw(name); }

}  // namespace gbuild::cli
