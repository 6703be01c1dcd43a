// What a command prints, for a terminal: its colours (SGR, ECMA-48 8.3.117) are passed to one that has colours and
// dropped elsewhere; everything else that is no text is escaped.
#pragma once

#include <string>
#include <string_view>

#include "gbuild/cli/console.h"

namespace gbuild::cli {

class StyledText {
  public:
    explicit StyledText(Color color) : color_(color) {}
    // The next of the command's lines. Colours that it leaves on go on in the line after it, and none is on at its end.
    std::string line(std::string_view text);

  private:
    void remember(std::string_view sequence);

    Color color_;
    std::string active_;  // the sequences since the last reset
};

// Of what line() returns: the columns it takes, and the same cut to at most so many, with "…" at the end when something
// is missing.
int styled_width(std::string_view styled);
std::string clip_styled(std::string_view styled, int columns);

}  // namespace gbuild::cli
