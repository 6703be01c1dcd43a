// What a shell may put in the place of the word under the cursor: made from the declarations that --help is made from,
// and from what is there: tags, stages, files in images.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "gbuild/cli/options.h"

namespace gbuild::cli {

struct Candidate {
    std::string value, help;
};

struct Completion {
    std::vector<Candidate> candidates;  // each begins with the word
    bool files = false;                 // so may be any file, which shells know best
    bool directories = false;
    bool goes_on = false;  // no space behind the word: "type=", "/etc/"
};

// `words` are those behind "gbuild" up to the cursor, the last one being completed. Never throws: where something
// cannot be read, there is nothing to offer.
Completion complete(std::span<const std::string> words) noexcept;

// As shells' scripts read it: "VALUE\tHELP" lines, then ":files", ":directories" and ":nospace" where they apply.
std::string completion_lines(const Completion& completion);

// The script that has a shell ask: of bash, zsh or fish. Throws usage for another one.
std::string completion_script(const std::string& shell);

}  // namespace gbuild::cli
