// Options of a command, each declared once: names, value, default, help, group. Parsing and the help text come from
// that.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace gbuild::cli {

enum class Presence { required, optional };

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
    // One of a few words.
    void choice(const std::string& names, const std::vector<std::string>& words, std::string& value,
                const std::string& help);
    // As choice(), but the option alone stands for `implied`: --pull, --pull=never. The words in `also` are taken, too,
    // without being advertised.
    void choice_or_flag(const std::string& names, const std::vector<std::string>& words, const std::string& implied,
                        std::string& value, const std::string& help, const std::vector<std::string>& also = {});
    void argument(const std::string& name, std::string& value, Presence presence, const std::string& help);
    // The last one: as many as there are; at least one where it is required.
    void arguments(const std::string& name, std::vector<std::string>& values, const std::string& help,
                   Presence presence = Presence::required);
    // Text for the end of the help.
    void epilogue(std::string text) { epilogue_ = std::move(text); }

    enum class Outcome { run, help };
    // Throws usage: unknown option (with the nearest known one), missing or bad value, missing or surplus argument.
    Outcome parse(const std::vector<std::string>& arguments);

    std::string help() const;
    std::vector<std::string> long_names() const;  // "tag", "file", …

  private:
    struct Argument {
        std::string name;
        Presence presence;
        bool several = false;
    };
    std::vector<std::string> with_empty_values(const std::vector<std::string>& arguments) const;
    void check_leftovers() const;
    [[noreturn]] void unknown_option(const std::string& word) const;
    std::string usage_line() const;

    std::string command_, summary_, epilogue_, group_ = "Options";
    std::vector<Argument> arguments_;
    std::unique_ptr<CLI::App> app_;
};

}  // namespace gbuild::cli
