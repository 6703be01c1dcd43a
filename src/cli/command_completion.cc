#include "gbuild/cli/command.h"
#include "gbuild/cli/completion.h"

namespace gbuild::cli {

namespace {

class CompletionCommand final : public Command {
  public:
    void declare(OptionSet& options) override {
        options.argument("SHELL", shell_, Presence::required, "bash, zsh or fish");
        options.epilogue("The script has the shell ask gbuild: for options, tags, stages, files in images.\n"
                         "\n"
                         "Examples:\n"
                         "  source <(gbuild completion bash)        in ~/.bashrc\n"
                         "  source <(gbuild completion zsh)         in ~/.zshrc, behind compinit\n"
                         "  gbuild completion fish > ~/.config/fish/completions/gbuild.fish\n");
    }

    int run(Console& console) override {
        console.out.write(completion_script(shell_));
        return 0;
    }

  private:
    std::string shell_;
};

}  // namespace

std::unique_ptr<Command> make_completion_command() { return std::make_unique<CompletionCommand>(); }

}  // namespace gbuild::cli
