// What a command prints, cut into lines as it comes.
#pragma once

#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace gbuild::build {

class CommandOutput {
  public:
    static constexpr size_t longest_line = size_t{16} * 1024;  // longer ones are cut into several
    static constexpr size_t kept_lines = 20;

    explicit CommandOutput(std::function<void(std::vector<std::string> lines)> take) : take_(std::move(take)) {}

    // Gives away the lines that end in it, if any, all at once.
    void add(std::string_view text);
    // A last line without its end.
    void finish();
    // The last lines, for the error message.
    const std::deque<std::string>& last_lines() const { return last_; }

  private:
    void end_line();
    void give_away();
    std::function<void(std::vector<std::string> lines)> take_;
    std::string line_;
    std::vector<std::string> ended_;
    std::deque<std::string> last_;
};

}  // namespace gbuild::build
