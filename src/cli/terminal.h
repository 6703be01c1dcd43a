// The user's terminal, lent to a command in a machine.
#pragma once

#include <termios.h>

#include <optional>

#include "gbuild/base/fd.h"
#include "gbuild/provider/guest.h"

namespace gbuild::cli {

// While it lives, standard input is a terminal that passes on every key, Ctrl-C included. Create it before any other
// thread, for it blocks SIGWINCH.
class LentTerminal {
  public:
    LentTerminal();  // throws usage where standard input is no terminal
    ~LentTerminal();
    LentTerminal(const LentTerminal&) = delete;
    LentTerminal& operator=(const LentTerminal&) = delete;

    static provider::TerminalSize size();
    // Standard input, and the changes of the terminal's size.
    provider::Feed feed();
    // Until it is lent, it is as it was.
    void begin();

  private:
    termios before_{};
    bool begun_ = false;
    UniqueFd resized_;
};

}  // namespace gbuild::cli
