// The words of a command line, made ready for the parser: values in their places, options of other programs replaced by
// what they stand for.
#pragma once

#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "gbuild/cli/foreign_options.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace gbuild::cli {

class OptionWords {
  public:
    // `help` is what hints name: "gbuild build --help". All arguments must outlive this.
    OptionWords(const CLI::App& app, std::span<const ForeignOption> foreign, std::string help,
                std::vector<std::string>* notices) :
        app_(app), foreign_(foreign), help_(std::move(help)), notices_(notices) {}

    // Throws usage: a foreign option that is refused or lacks its value, "--flag=" without a value.
    std::vector<std::string> prepare(const std::vector<std::string>& arguments);

  private:
    void add_long(const std::string& word);
    void add_short(const std::string& word);
    void add_foreign(const ForeignOption& option, const std::string& shown, std::optional<std::string> value);
    void rename(const ForeignOption& option, const std::string& value);
    void ignore(const ForeignOption& option, const std::string& shown, const std::optional<std::string>& value);
    const ForeignOption* find_foreign(const std::string& name) const;
    const CLI::Option* find_declared(const std::string& name) const;
    void take_value(const CLI::Option& option);

    const CLI::App& app_;
    std::span<const ForeignOption> foreign_;
    std::string help_;
    std::vector<std::string>* notices_;
    std::set<std::string> told_;
    std::vector<std::string> rest_;  // what is still to be read, the next word last
    std::vector<std::string> words_;
};

}  // namespace gbuild::cli
