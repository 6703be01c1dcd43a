#include "command_output.h"

#include <algorithm>
#include <utility>

namespace gbuild::build {

void CommandOutput::add(std::string_view text) {
    while (!text.empty()) {
        const size_t end = text.find('\n');
        const std::string_view part = text.substr(0, std::min(end, longest_line - line_.size()));
        line_ += part;
        text.remove_prefix(part.size());
        if (part.size() == end) {
            text.remove_prefix(1);
            end_line();
        } else if (line_.size() >= longest_line) {
            end_line();
        }
    }
    give_away();
}

void CommandOutput::finish() {
    if (!line_.empty()) end_line();
    give_away();
}

void CommandOutput::give_away() {
    if (!ended_.empty()) take_(std::exchange(ended_, {}));
}

// Of what was written over what on the same line, a terminal shows the last.
void CommandOutput::end_line() {
    while (!line_.empty() && line_.back() == '\r') line_.pop_back();
    line_.erase(0, line_.rfind('\r') + 1);
    last_.push_back(line_);
    if (last_.size() > kept_lines) last_.pop_front();
    ended_.push_back(std::exchange(line_, {}));
}

}  // namespace gbuild::build
