#include <unistd.h>

#include "gbuild/base/fd.h"
#include "gbuild/cli/command.h"
#include "gbuild/dockerfile/parser.h"

namespace gbuild::cli {

namespace {

class ParseCommand final : public Command {
  public:
    void declare(OptionSet& options) override {
        options.argument("FILE", file_, Presence::required, "a Dockerfile, or - for standard input");
        options.epilogue("Examples:\n"
                         "  gbuild parse Dockerfile | jq '.instructions[].instruction'\n");
    }

    int run(Console& console) override {
        constexpr size_t cap = 16u << 20;
        bool from_stdin = file_ == "-";
        std::string text = from_stdin ? read_text(STDIN_FILENO, cap, "standard input") : read_text_file(file_, cap);
        auto parsed = dockerfile::parse(text, from_stdin ? "<stdin>" : file_);
        std::string json = dockerfile::to_json(parsed);
        if (json.empty() || json.back() != '\n') json += '\n';
        console.out.write(json);
        return 0;
    }

  private:
    std::string file_;
};

}  // namespace

std::unique_ptr<Command> make_parse_command() { return std::make_unique<ParseCommand>(); }

}  // namespace gbuild::cli
