#include <unistd.h>

#include <fmt/format.h>

#include "gbuild/base/text.h"
#include "gbuild/cli/command.h"
#include "gbuild/cli/signals.h"
#include "machine_settings.h"
#include "terminal.h"

namespace gbuild::cli {

namespace {

class ShellCommand final : public Command {
  public:
    void declare(OptionSet& options) override {
        options.argument("IMAGE", machine_.image, Presence::required, "a .gvmi file, or a tag of gbuild images");
        options.group("The shell");
        options.value("--shell", "PATH", shell_, "the program");
        machine_.declare(options);
        options.epilogue(
            "As gbuild run -it IMAGE -- /bin/sh, with TERM in the environment; without a terminal it reads\n"
            "commands from standard input.\n"
            "\n"
            "Examples:\n"
            "  gbuild shell golem-example\n"
            "  gbuild shell --shell /bin/bash --volume data:/golem/input app-1.0.gvmi\n");
    }

    int run(Console& console) override {
        std::optional<LentTerminal> terminal;
        if (::isatty(0) == 1) terminal.emplace();
        MachineRig rig(machine_, console);
        const SignalWatcher signals;
        return rig.with_machine([&] { return run(rig.start(signals.stop()), rig.settings(), terminal, console); });
    }

  private:
    int run(provider::Guest& guest, const provider::MachineSettings& settings, std::optional<LentTerminal>& terminal,
            Console& console) const {
        provider::StartRequest request = provider::command_request(settings, {shell_});
        request.input = terminal ? provider::Input::terminal : provider::Input::piped;
        if (terminal) request.size = LentTerminal::size();
        const auto name = console.env("TERM");
        if (terminal && name) {
            if (!request.environment) request.environment.emplace();
            request.environment->push_back("TERM=" + *name);
        }
        const auto take = [&](uint32_t descriptor, std::string_view bytes) {
            (descriptor == 1 ? console.out : console.err).write(bytes);
        };
        const provider::Started started = guest.start(request, take);
        if (started.error_number != 0) throw provider::start_failure(request, started);
        if (terminal) terminal->begin();
        provider::Feed feed = terminal ? terminal->feed() : provider::Feed();
        feed.input = 0;
        const provider::Ended ended = guest.wait(started.process, feed);
        guest.quit();
        return ended.exit_code();
    }

    MachineOptions machine_;
    std::string shell_ = "/bin/sh";
};

}  // namespace

std::unique_ptr<Command> make_shell_command() { return std::make_unique<ShellCommand>(); }

}  // namespace gbuild::cli
