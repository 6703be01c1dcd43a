// Options of a command, each declared once: names, value, default, help, group. Parsing, the help text, completions in
// shells and the test of the man page come from that.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gbuild/cli/foreign_options.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace gbuild::cli {

enum class Presence { required, optional };

// An option as it was declared.
struct DeclaredOption {
    std::vector<std::string> names;  // "-t", "--tag"
    std::string value;               // " NAME[:TAG]", "[=always|never]"; empty: a switch
    std::string help, group;
    std::vector<std::string> words;  // what the value may be, where there are but a few
    bool repeatable = false;

    // "-t, --tag NAME[:TAG]", as the help and the man page have it.
    std::string text() const;
    bool takes_word() const { return value.starts_with(' '); }  // the next word may be its value
};

struct DeclaredArgument {
    std::string name;
    Presence presence = Presence::required;
    bool several = false;
};

// Variables given by reference take the values and must outlive the set; what they hold before is the default.
// `names` is "-t,--tag" or "--target".
class OptionSet {
  public:
    // `command` is "gbuild build"; `summary` a sentence.
    OptionSet(std::string command, std::string summary);
    ~OptionSet();
    OptionSet(const OptionSet&) = delete;
    OptionSet& operator=(const OptionSet&) = delete;

    // The heading in the help for the options that follow.
    void group(std::string title);
    void flag(const std::string& names, bool& value, const std::string& help);
    void value(const std::string& names, const std::string& metavar, std::string& value, const std::string& help);
    void value(const std::string& names, const std::string& metavar, std::optional<std::string>& value,
               const std::string& help);
    // May be given several times.
    void list(const std::string& names, const std::string& metavar, std::vector<std::string>& values,
              const std::string& help);
    // One of a few words. Those in `also` are taken, too, without being advertised.
    void choice(const std::string& names, const std::vector<std::string>& words, std::string& value,
                const std::string& help, const std::vector<std::string>& also = {});
    // As choice(), but the option alone stands for `implied`: --pull, --pull=never.
    void choice_or_flag(const std::string& names, const std::vector<std::string>& words, const std::string& implied,
                        std::string& value, const std::string& help, const std::vector<std::string>& also = {});
    void argument(const std::string& name, std::string& value, Presence presence, const std::string& help);
    // The last one: as many as there are; at least one, when they are required.
    void arguments(const std::string& name, std::vector<std::string>& values, const std::string& help,
                   Presence presence = Presence::required);
    // Options that are not declared but in `table` are taken as it says; what is told about those that are ignored is
    // put into `notices`, once for each name. The table must outlive the set.
    void foreign(std::span<const ForeignOption> table, std::vector<std::string>& notices);
    // Text for the end of the help: paragraphs, which are filled into lines, and indented lines, which are kept. Of an
    // indented line, what stands behind three spaces explains what stands before.
    void epilogue(std::string text) { epilogue_ = std::move(text); }

    enum class Outcome { run, help };
    // Throws usage: unknown option (with the nearest known one), missing or bad value, missing or surplus argument.
    Outcome parse(const std::vector<std::string>& arguments);

    std::string help(size_t columns) const;
    // In the order of the help; without --help.
    std::vector<DeclaredOption> declared() const;
    const std::vector<DeclaredArgument>& declared_arguments() const { return arguments_; }

  private:
    void check_leftovers() const;
    [[noreturn]] void unknown_option(const std::string& word) const;
    std::string usage_line() const;

    std::string command_, summary_, epilogue_, group_ = "Options";
    std::vector<DeclaredArgument> arguments_;
    std::map<std::string, std::vector<std::string>> words_;  // of choices, by the option's names
    std::span<const ForeignOption> foreign_;
    std::vector<std::string>* notices_ = nullptr;
    std::unique_ptr<CLI::App> app_;
};

}  // namespace gbuild::cli
