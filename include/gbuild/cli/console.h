// What a command talks to: two outputs and the environment. Tests put strings in their place.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace gbuild::cli {

// One of the process's output streams. Thread-safe as far as write(2) is.
class Output {
  public:
    virtual ~Output() = default;
    virtual void write(std::string_view text) = 0;
    // A hole where there can be one.
    virtual void write_zeros(uint64_t count);
    virtual bool is_terminal() const = 0;
    // Of the terminal as it is now; 80 × 24 when nobody knows.
    virtual int columns() const { return 80; }
    virtual int rows() const { return 24; }
};

// Thrown by a results stream whose reader has gone away: the command ends without a message, as `gbuild ls | head`
// should.
struct OutputClosed {};

enum class WriteErrors {
    raise,   // results: a full disk must not go unnoticed
    ignore,  // progress and errors: there is nowhere left to tell
};

class FdOutput : public Output {
  public:
    // Does not own `fd`.
    FdOutput(int fd, WriteErrors errors) : fd_(fd), errors_(errors) {}
    void write(std::string_view text) override;
    void write_zeros(uint64_t count) override;
    bool is_terminal() const override;
    int columns() const override;
    int rows() const override;

  private:
    bool extend_file(uint64_t count);
    int fd_;
    WriteErrors errors_;
};

enum class Color { off, on };

struct Console {
    Output& out;  // results
    Output& err;  // progress, warnings, errors
    // nullopt: not set.
    std::function<std::optional<std::string>(const std::string& name)> env;

    // On for a terminal that can, unless NO_COLOR is set to anything.
    Color color(const Output& output) const;
};

// The environment of this process.
std::optional<std::string> process_environment(const std::string& name);

}  // namespace gbuild::cli
