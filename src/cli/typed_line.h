// A command line that is being typed: what stands before the cursor, as far as declarations tell.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gbuild/cli/options.h"

namespace gbuild::cli {

class TypedLine {
  public:
    // `words` are those behind the command, the last one being completed. `options` must outlive this.
    TypedLine(const OptionSet& options, std::span<const std::string> words);

    const std::string& current() const { return current_; }
    // The option whose value is being typed: as the word, or behind a "=" in it.
    const DeclaredOption* valued() const { return valued_; }
    // What of the current word is the value, or all of it.
    std::string_view value() const { return std::string_view(current_).substr(value_at_); }
    std::string_view before_value() const { return std::string_view(current_).substr(0, value_at_); }
    bool only_arguments() const { return only_arguments_; }  // after "--"

    const std::vector<DeclaredOption>& declared() const { return declared_; }
    const std::vector<std::string>& arguments() const { return arguments_; }
    // The one that is being typed; null when there are enough.
    const DeclaredArgument* argument() const;
    // What was given for an option ("--file"); "" when nothing.
    std::string given(const std::string& option) const;

  private:
    const DeclaredOption* find(std::string_view name) const;
    void read(std::span<const std::string> before);
    void read_option(const std::string& word, std::span<const std::string>& rest);

    std::vector<DeclaredOption> declared_;
    std::vector<DeclaredArgument> expected_;
    std::string current_;
    size_t value_at_ = 0;
    const DeclaredOption* valued_ = nullptr;
    bool only_arguments_ = false;
    std::vector<std::string> arguments_;
    std::map<std::string, std::string> given_;  // by the option's last name
};

}  // namespace gbuild::cli
