// A parsed Dockerfile: what is written, not what it expands to.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gbuild/base/error.h"
#include "gbuild/base/events.h"
#include "gbuild/dockerfile/check_options.h"

namespace gbuild::dockerfile {

struct Heredoc {
    std::string name;      // the delimiter word: EOF
    std::string contents;  // tabs stripped when asked; not expanded
    bool expand = true;    // the delimiter was not quoted
    bool strip_tabs = false;
    int file_descriptor = 0;  // "3<<EOF": 3
    bool is_script = false;   // all that a RUN has: to be run, not to be read
};

enum class Form {
    shell,  // words or a shell command
    exec,   // a JSON array of strings
};

struct Flag {
    std::string name;   // "from"
    std::string value;  // "" for a flag without "=": then `has_value` is false
    bool has_value = true;
    SourceSpan span;
};

// Where the words of an instruction are written, the first thousand of them. Each line's text is held once, however
// many words stand on it.
class WordSpans {
  public:
    static constexpr size_t most = 1000;
    void add(SourceSpan span);
    // nullopt for a word that was not added.
    std::optional<SourceSpan> at(size_t word) const;
    bool empty() const { return spans_.empty(); }

  private:
    std::vector<SourceSpan> spans_;  // without their line's text
    std::map<int, std::string> lines_;
};

struct Instruction {
    std::string name;               // upper case: "COPY"
    std::vector<Flag> flags;        // in order
    std::vector<std::string> args;  // see parser.h for each instruction's meaning
    WordSpans arg_spans;            // of COPY's and ADD's args in shell form
    Form form = Form::shell;
    std::vector<Heredoc> heredocs;
    int first_line = 0, last_line = 0;
    std::string original;  // the lines as written, heredocs included
    SourceSpan span;       // of the instruction word
    // From the ONBUILD of a base: `span`, the flags' spans and the lines are those of the image that FROM names.
    bool is_trigger = false;

    const Flag* flag(std::string_view flag_name) const;
};

struct Dockerfile {
    std::string file;    // as the user named it
    std::string syntax;  // the directives' values; "" when absent
    char escape = '\\';
    std::string check;
    CheckOptions checks;  // what `check` says; `warnings` is without those it skips
    std::vector<Instruction> instructions;
    std::vector<Warning> warnings;

    // Text of a line, from 1; for error spans.
    std::vector<std::string> lines;
    SourceSpan span_of_line(int line) const;
    // Where `part` is written in an instruction, its own word where it cannot be found as such.
    SourceSpan span_of(const Instruction& instruction, std::string_view part) const;
};

}  // namespace gbuild::dockerfile
