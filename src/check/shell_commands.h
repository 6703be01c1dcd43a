// The commands of a shell script, as far as they are plain to see: quotes are understood, variables and what
// substitutions run are not.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gbuild/dockerfile/ast.h"

namespace gbuild::check {

struct ShellCommand {
    // Without quotes, keywords and variables set in front, and without what only starts another command (sudo, env, …).
    std::vector<std::string> words;
    bool sudo = false;
    bool piped = false;  // its output goes into the next command

    const std::string& program() const { return words.front(); }  // as written
    std::string_view name() const;                                // without its directory
    // The first word after the program that is no option; "" when there is none.
    std::string_view subcommand() const;
    // "-y" is in "-y" and "-qy", "--yes" in "--yes" only.
    bool has_option(std::string_view option) const;
    bool has_word(std::string_view word) const;
};

// Commands without words are left out.
std::vector<ShellCommand> parse_commands(std::string_view script);

// What a RUN (or an exec form that starts a shell) executes, heredocs that a shell reads included.
std::vector<ShellCommand> commands_of(const dockerfile::Instruction& run);

}  // namespace gbuild::check
