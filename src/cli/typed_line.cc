#include "typed_line.h"

#include <algorithm>

namespace gbuild::cli {

TypedLine::TypedLine(const OptionSet& options, std::span<const std::string> words) :
    declared_(options.declared()), expected_(options.declared_arguments()) {
    if (words.empty()) return;
    current_ = words.back();
    read(words.first(words.size() - 1));
    if (valued_ != nullptr || only_arguments_ || !current_.starts_with("--")) return;
    const size_t equals = current_.find('=');
    if (equals == std::string::npos) return;
    valued_ = find(std::string_view(current_).substr(0, equals));
    value_at_ = equals + 1;
}

const DeclaredOption* TypedLine::find(std::string_view name) const {
    const auto found = std::find_if(declared_.begin(), declared_.end(), [&](const DeclaredOption& option) {
        return std::find(option.names.begin(), option.names.end(), name) != option.names.end();
    });
    return found == declared_.end() ? nullptr : &*found;
}

void TypedLine::read(std::span<const std::string> before) {
    while (!before.empty()) {
        const std::string& word = before.front();
        before = before.subspan(1);
        if (only_arguments_ || word.size() < 2 || word[0] != '-')
            arguments_.push_back(word);
        else if (word == "--")
            only_arguments_ = true;
        else
            read_option(word, before);
    }
}

void TypedLine::read_option(const std::string& word, std::span<const std::string>& rest) {
    const size_t equals = word.starts_with("--") ? word.find('=') : std::string::npos;
    const bool is_short = !word.starts_with("--");
    const DeclaredOption* option = find(std::string_view(word).substr(0, is_short ? 2 : equals));
    if (option == nullptr) return;
    if (equals != std::string::npos) {
        given_[option->names.back()] = word.substr(equals + 1);
    } else if (is_short && word.size() > 2) {
        if (option->takes_word()) given_[option->names.back()] = word.substr(2);
    } else if (option->takes_word() && rest.empty()) {
        valued_ = option;
    } else if (option->takes_word()) {
        given_[option->names.back()] = rest.front();
        rest = rest.subspan(1);
    }
}

const DeclaredArgument* TypedLine::argument() const {
    if (expected_.empty()) return nullptr;
    if (arguments_.size() < expected_.size()) return &expected_[arguments_.size()];
    return expected_.back().several ? &expected_.back() : nullptr;
}

std::string TypedLine::given(const std::string& option) const {
    const DeclaredOption* declared = find(option);
    const auto found = declared ? given_.find(declared->names.back()) : given_.end();
    return found == given_.end() ? std::string() : found->second;
}

}  // namespace gbuild::cli
