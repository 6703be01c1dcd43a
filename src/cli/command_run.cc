#include <algorithm>

#include <fmt/format.h>

#include "exe_script.h"
#include "gbuild/base/fd.h"
#include "gbuild/base/text.h"
#include "gbuild/cli/command.h"
#include "gbuild/cli/image_argument.h"
#include "gbuild/cli/signals.h"
#include "machine_settings.h"
#include "terminal.h"

namespace gbuild::cli {

namespace {

constexpr const char* run_epilogue =
    "The image runs as a Golem provider runs it: its root is read-only below an overlay in memory, every volume is\n"
    "an empty directory, /tmp and /dev are not the image's, programs are started without a search of PATH, and\n"
    "there is no network. The exit code is the command's, or 128 and the number of the signal that killed it;\n"
    "9 when it could not be started.\n"
    "\n"
    "Examples:\n"
    "  gbuild run golem-example -- /bin/sh -c 'ls /golem'\n"
    "  gbuild run app --input task.json:/golem/input/task.json --output /golem/output/result:result \\\n"
    "      -- /usr/bin/python3 /app/main.py\n"
    "  gbuild run --entrypoint app-1.0.gvmi\n"
    "  gbuild run -i app -- /bin/cat < data\n";

class RunCommand final : public Command {
  public:
    void declare(OptionSet& options) override {
        options.argument("IMAGE", machine_.image, Presence::required, image_argument_help);
        options.arguments("COMMAND", words_, "behind --: the program's whole path, and its arguments",
                          Presence::optional);
        options.group("The command");
        options.flag("--entrypoint", entrypoint_,
                     "start ENTRYPOINT and CMD, as requestors can ask for; COMMAND runs beside it");
        options.list("--input", "FILE:PATH", inputs_, "copy a file to PATH in a volume, before");
        options.list("--output", "PATH:FILE", outputs_, "copy a file out of a volume, afterwards");
        options.value(
            "--script", "FILE", script_,
            "run an exe script (JSON: deploy, start, run, transfer, terminate) instead of a command, and print "
            "its results; - is standard input");
        options.flag("-i,--interactive", interactive_, "pass on standard input; a provider has none");
        options.flag("-t,--tty", terminal_, "run the command on a terminal");
        machine_.declare(options);
        options.epilogue(run_epilogue);
    }

    int run(Console& console) override {
        if (!script_.empty()) return run_script_file(console);
        if (words_.empty() && !entrypoint_) {
            throw Error(ErrorKind::usage, "there is nothing to run")
                .hint("give a command behind --, or --entrypoint to start what the image names");
        }
        for (const std::string& text : inputs_) to_copy_in_.push_back(parse_transfer_in(text));
        for (const std::string& text : outputs_) to_copy_out_.push_back(parse_transfer_out(text));
        std::optional<LentTerminal> terminal;
        if (terminal_) terminal.emplace();
        MachineRig rig(machine_, console);
        const SignalWatcher signals;
        return rig.with_machine([&] { return run(rig, signals, terminal, console); });
    }

  private:
    int run_script_file(Console& console) {
        if (!words_.empty() || !inputs_.empty() || !outputs_.empty() || interactive_ || terminal_) {
            throw Error(ErrorKind::usage, "--script takes the place of a command, its transfers and its terminal")
                .hint("write them into the script");
        }
        constexpr size_t cap = 16u << 20;
        const std::string text = script_ == "-" ? read_text(0, cap, "standard input") : read_text_file(script_, cap);
        const std::vector<ScriptCommand> script = parse_script(text);
        MachineRig rig(machine_, console);
        const SignalWatcher signals;
        const ScriptResults results = run_script(script, rig, entrypoint_, signals.stop());
        console.out.write(json_document(results.json));
        return results.exit_code;
    }

    int run(MachineRig& rig, const SignalWatcher& signals, std::optional<LentTerminal>& terminal, Console& console) {
        provider::Guest& guest = rig.start(signals.stop());
        const auto& settings = rig.settings();
        for (const Transfer& one : to_copy_in_) provider::copy_in(one.file, one.path, settings.volumes);
        provider::OutputTail tail;
        const auto take = [&](uint32_t descriptor, std::string_view bytes) {
            tail.add(bytes);
            (descriptor == 1 ? console.out : console.err).write(bytes);
        };
        std::optional<uint64_t> beside;
        if (entrypoint_) beside = begin(guest, provider::entrypoint_request(settings), take, words_.empty());
        const uint64_t process =
            words_.empty() ? *beside : begin(guest, provider::command_request(settings, words_), take, true);
        // Keys that nobody reads would be lost, Ctrl-C among them.
        if (terminal && interactive_) terminal->begin();
        const provider::Ended ended = guest.wait(process, feed(terminal));
        for (const std::string& text : provider::hints_on_failure(settings, ended, tail, space(guest, ended)))
            rig.hint(text);
        copy_out(settings, ended);
        guest.quit();
        return ended.exit_code();
    }

    // `foreground`: it has the standard input, and the terminal.
    uint64_t begin(provider::Guest& guest, provider::StartRequest request, const provider::TakeOutput& take,
                   bool foreground) const {
        if (foreground && terminal_) {
            request.input = provider::Input::terminal;
            request.size = LentTerminal::size();
        } else if (foreground && interactive_) {
            request.input = provider::Input::piped;
        }
        const provider::Started started = guest.start(request, take);
        if (started.error_number != 0) throw provider::start_failure(request, started);
        return started.process;
    }

    provider::Feed feed(std::optional<LentTerminal>& terminal) const {
        provider::Feed feed = terminal ? terminal->feed() : provider::Feed();
        feed.input = interactive_ ? 0 : -1;
        return feed;
    }

    static std::optional<uint64_t> space(provider::Guest& guest, const provider::Ended& ended) {
        return ended.exit_code() == 0 ? std::nullopt : guest.space();
    }

    // What a command that failed did not write is not missed.
    void copy_out(const provider::MachineSettings& settings, const provider::Ended& ended) const {
        for (const Transfer& one : to_copy_out_) {
            try {
                provider::copy_out(one.path, one.file, settings.volumes);
            } catch (const Error&) {
                if (ended.exit_code() == 0) throw;
            }
        }
    }

    MachineOptions machine_;
    std::string script_;
    std::vector<std::string> words_, inputs_, outputs_;
    std::vector<Transfer> to_copy_in_, to_copy_out_;
    bool entrypoint_ = false, interactive_ = false, terminal_ = false;
};

}  // namespace

std::unique_ptr<Command> make_run_command() { return std::make_unique<RunCommand>(); }

}  // namespace gbuild::cli
