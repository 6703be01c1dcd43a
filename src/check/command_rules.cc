// What RUN executes, whatever it installs.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "gbuild/base/text.h"
#include "outline.h"
#include "shell_commands.h"

namespace gbuild::check {

namespace {

constexpr std::array<std::string_view, 11> useless_programs = {
    "ssh", "vim", "nano", "shutdown", "service", "systemctl", "ps", "free", "top", "mount", "ifconfig"};

bool is_one_of(std::string_view name, std::span<const std::string_view> names) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

bool sets_pipefail(const std::vector<std::string>& words) {
    return std::find(words.begin(), words.end(), "pipefail") != words.end();
}

class CommandRules {
  public:
    CommandRules(const Outline& outline, const Instruction& run, Report& report) :
        outline_(outline), run_(run), report_(report), commands_(commands_of(run)) {}

    const std::vector<ShellCommand>& commands() const { return commands_; }

    void run(bool pipefail_shell) {
        for (const ShellCommand& command : commands_) {
            if (command.sudo) sudo();
            if (is_one_of(command.name(), useless_programs)) without_use(command);
            if (command.name() == "ln") link(command);
        }
        change_directory();
        if (!pipefail_shell && run_.form == dockerfile::Form::shell) pipes();
    }

  private:
    SourceSpan place(std::string_view part) const { return outline_.file.span_of(run_, part); }

    void sudo() {
        report_.add("sudo", "sudo is not needed: RUN is root, unless USER says otherwise", place("sudo"),
                    "leave it out, and change users with USER");
    }

    void without_use(const ShellCommand& command) {
        const std::string name(command.name());
        report_.add("command-without-use", fmt::format("{} does nothing useful while an image is built", name),
                    place(name), "what a step starts ends with it; remove the command");
    }

    void link(const ShellCommand& command) {
        if (command.words.back() != "/bin/sh") return;
        report_.add("shell-by-link", "/bin/sh is replaced by a link", place("/bin/sh"),
                    "write SHELL [\"/bin/bash\", \"-c\"] to change the shell of RUN");
    }

    // With nothing behind it the command is lost; with something it is only longer than WORKDIR.
    void change_directory() {
        if (commands_.empty()) return;
        if (commands_.back().name() == "cd") {
            report_.add("cd-instead-of-workdir", "this cd has no effect on the instructions below", place("cd"),
                        "write WORKDIR instead");
        } else if (commands_.front().name() == "cd") {
            report_.add("cd-instead-of-workdir", "cd counts in this RUN only", place("cd"),
                        "write WORKDIR above, if more than this RUN works there", Severity::info);
        }
    }

    void pipes() {
        constexpr std::array<std::string_view, 3> cannot_fail = {"echo", "printf", "yes"};
        bool set = false;
        for (const ShellCommand& command : commands_) {
            set = set || (command.name() == "set" && sets_pipefail(command.words));
            if (set || !command.piped || is_one_of(command.name(), cannot_fail)) continue;
            report_.add(
                "pipefail-missing",
                fmt::format("if {} fails, the step succeeds all the same", quoted(std::string(command.name()))),
                place(command.program()),
                "write SHELL [\"/bin/bash\", \"-o\", \"pipefail\", \"-c\"] above, or begin with set -o pipefail");
            return;
        }
    }

    const Outline& outline_;
    const Instruction& run_;
    Report& report_;
    std::vector<ShellCommand> commands_;
};

}  // namespace

void check_commands(const Outline& outline, Report& report) {
    for (const StageOutline& stage : outline.stages) {
        bool pipefail_shell = false;
        const Instruction* with_curl = nullptr;
        const Instruction* with_wget = nullptr;
        for (const Instruction* step : stage.steps) {
            if (step->name == "SHELL") pipefail_shell = sets_pipefail(step->args);
            if (step->name != "RUN") continue;
            CommandRules rules(outline, *step, report);
            rules.run(pipefail_shell);
            for (const ShellCommand& command : rules.commands()) {
                if (command.name() == "curl") with_curl = step;
                if (command.name() == "wget") with_wget = step;
            }
        }
        if (!with_curl || !with_wget) continue;
        const Instruction& later = with_curl->first_line > with_wget->first_line ? *with_curl : *with_wget;
        const char* name = &later == with_curl ? "curl" : "wget";
        report.add("curl-and-wget", "the stage uses both curl and wget", outline.file.span_of(later, name),
                   "use one of them, and install only that");
    }
}

}  // namespace gbuild::check
