// A console made of strings.
#pragma once

#include <map>
#include <string>

#include "gbuild/cli/console.h"
#include "gbuild/cli/progress.h"

namespace gbuild::cli {

enum class Kind { file, terminal };

class StringOutput : public Output {
  public:
    explicit StringOutput(Kind kind = Kind::file, int columns = 80, int rows = 24) :
        kind_(kind), columns_(columns), rows_(rows) {}
    void write(std::string_view more) override { text += more; }
    bool is_terminal() const override { return kind_ == Kind::terminal; }
    int columns() const override { return columns_; }
    int rows() const override { return rows_; }

    std::string take() { return std::exchange(text, {}); }
    std::string text;

  private:
    Kind kind_;
    int columns_, rows_;
};

struct FakeConsole {
    StringOutput out, err;
    // Nothing of the machine's own settings.
    std::map<std::string, std::string> environment{{"GBUILD_SYSTEM_CONFIG", "/dev/null"},
                                                   {"CONTAINERS_REGISTRIES_CONF", "/dev/null"}};
    Console console{out, err, [this](const std::string& name) -> std::optional<std::string> {
                        auto found = environment.find(name);
                        if (found == environment.end()) return std::nullopt;
                        return found->second;
                    }};
};

struct FakeClock {
    TimePoint time{std::chrono::hours(1)};
    Clock clock() {
        return [this] { return time; };
    }
    void advance(std::chrono::milliseconds by) { time += by; }
};

}  // namespace gbuild::cli
