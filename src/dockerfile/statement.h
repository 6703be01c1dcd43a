// One instruction on its way from text to syntax; shared by the files that parse its parts.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gbuild/dockerfile/ast.h"
#include "logical_line.h"

namespace gbuild::dockerfile {

enum class FlagKind { value, boolean, repeated };

struct FlagSpec {
    std::string name;
    FlagKind kind = FlagKind::value;
};

enum class Nesting { top_level, trigger };

struct Statement {
    const LogicalLine& line;
    LineReader& reader;
    char escape;
    std::vector<Warning>& warnings;
    Instruction instruction;
    std::string_view rest;  // of the line's text, after name and flags, trimmed

    [[noreturn]] void fail(std::string_view part, std::string message, std::string hint) const {
        fail_at(line.span(part), std::move(message), std::move(hint));
    }
    // At the end of the line: something is missing there.
    [[noreturn]] void fail_missing(std::string message, std::string hint) const {
        fail_at(instruction.span, std::move(message), std::move(hint));
    }
};

// Takes the flags off the front of `rest` and checks their names and kinds.
void parse_flags(Statement& statement, const std::vector<FlagSpec>& specs);
// Checks the values of the flags, as far as they hold no variables.
void check_flag_values(const Statement& statement);
// Fills args, form and heredocs from `rest`.
void parse_arguments(Statement& statement, Nesting nesting);

// Throws when `word`, of `line`, is an instruction that ONBUILD cannot trigger.
void check_trigger_word(const LogicalLine& line, std::string_view word);

Instruction parse_instruction(const LogicalLine& line, size_t offset, LineReader& reader, char escape,
                              std::vector<Warning>& warnings, Nesting nesting);

// As BuildKit has it: one letter of the other case makes a word mixed.
enum class Casing { upper, lower, mixed };
Casing casing_of(std::string_view word);

// What is wrong with a whole file, and what is only suspicious in it.
void check_structure(const Dockerfile& dockerfile);
void add_style_warnings(Dockerfile& dockerfile);
// Adds to `dockerfile.checks` what comments say behind line `directives_end`.
void read_check_comments(Dockerfile& dockerfile, int directives_end, std::vector<Warning>& warnings);

}  // namespace gbuild::dockerfile
