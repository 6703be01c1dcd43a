// What RUN executes, whatever it installs.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base_shell.h"
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

// What executes RUN's shell form.
class StepShell {
  public:
    explicit StepShell(const StageOutline& root) : base_(base_shell(root.base)) {
        if (root.base_config && root.base_config->shell) chosen_ = *root.base_config->shell;
    }

    void choose(const std::vector<std::string>& command) { chosen_ = command; }

    // PowerShell and the like have no such thing.
    bool wants_pipefail() const {
        if (chosen_.empty()) return true;
        constexpr std::array<std::string_view, 6> shells = {"sh", "bash", "ash", "dash", "ksh", "zsh"};
        return is_one_of(name(), shells) && !sets_pipefail(chosen_);
    }

    std::string pipefail_hint() const {
        const std::string choose = "write SHELL [\"/bin/bash\", \"-o\", \"pipefail\", \"-c\"] above";
        constexpr std::array<std::string_view, 2> unlike_bash = {"sh", "dash"};
        if (!chosen_.empty() && !is_one_of(name(), unlike_bash))
            return fmt::format("begin with set -o pipefail, which {} knows, or give it to SHELL", name());
        switch (base_) {
        case BaseShell::bash: return "begin with set -o pipefail: this base's sh is bash";
        case BaseShell::busybox: return "begin with set -o pipefail, which this base's sh knows; it has no bash";
        case BaseShell::dash: return choose + ": this base's sh does not know pipefail";
        case BaseShell::unknown: break;
        }
        return choose + " if the base image has bash, or begin with set -o pipefail if its sh knows that";
    }

  private:
    std::string_view name() const {
        const std::string_view program = chosen_.front();
        return program.substr(program.rfind('/') + 1);
    }

    BaseShell base_;
    std::vector<std::string> chosen_;  // by SHELL; empty: the base's sh
};

class CommandRules {
  public:
    CommandRules(const Outline& outline, const Instruction& run, Report& report) :
        outline_(outline), run_(run), report_(report), commands_(commands_of(run)) {}

    const std::vector<ShellCommand>& commands() const { return commands_; }

    void run(const StepShell& shell) {
        for (const ShellCommand& command : commands_) {
            if (command.sudo) sudo();
            if (is_one_of(command.name(), useless_programs)) without_use(command);
            if (command.name() == "ln") link(command);
        }
        change_directory();
        if (shell.wants_pipefail() && run_.form == dockerfile::Form::shell) pipes(shell);
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

    // One finding a RUN. Half a download is another thing than an empty list, which weighs less.
    void pipes(const StepShell& shell) {
        constexpr std::array<std::string_view, 3> cannot_fail = {"echo", "printf", "yes"};
        constexpr std::array<std::string_view, 6> fetching = {"curl", "wget", "aria2c", "git", "aws", "gsutil"};
        const ShellCommand* found = nullptr;
        bool is_fetching = false;
        for (const ShellCommand& command : commands_) {
            if (command.name() == "set" && sets_pipefail(command.words)) break;
            if (!command.piped || is_one_of(command.name(), cannot_fail)) continue;
            is_fetching = is_one_of(command.name(), fetching);
            if (!found || is_fetching) found = &command;
            if (is_fetching) break;
        }
        if (!found) return;
        report_.add("pipefail-missing",
                    fmt::format("if {} fails, the step succeeds all the same", quoted(std::string(found->name()))),
                    place(found->program()), shell.pipefail_hint(),
                    is_fetching ? std::nullopt : std::optional(Severity::info));
    }

    const Outline& outline_;
    const Instruction& run_;
    Report& report_;
    std::vector<ShellCommand> commands_;
};

}  // namespace

void check_commands(const Outline& outline, Report& report) {
    for (size_t i = 0; i < outline.stages.size(); i++) {
        const auto number = static_cast<int>(i);
        StepShell shell(outline.root(number));
        const std::vector<const Instruction*> steps = outline.steps_of_chain(number);
        const size_t own = steps.size() - outline.stages[i].steps.size();
        const Instruction* with_curl = nullptr;
        const Instruction* with_wget = nullptr;
        for (size_t at = 0; at < steps.size(); at++) {
            const Instruction& step = *steps[at];
            if (step.name == "SHELL") shell.choose(step.args);
            if (step.name != "RUN" || at < own) continue;
            CommandRules rules(outline, step, report);
            rules.run(shell);
            for (const ShellCommand& command : rules.commands()) {
                if (command.name() == "curl") with_curl = &step;
                if (command.name() == "wget") with_wget = &step;
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
