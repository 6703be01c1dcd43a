// Package managers: questions nobody answers, versions nobody chose, files nobody needs.
#include <algorithm>
#include <array>
#include <functional>

#include <fmt/format.h>

#include "gbuild/base/text.h"
#include "gbuild/dockerfile/mount.h"
#include "outline.h"
#include "shell_commands.h"

namespace gbuild::check {

namespace {

using Names = std::vector<std::string_view>;

bool contains(const Names& names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

bool any_option(const ShellCommand& command, const Names& options) {
    return std::any_of(options.begin(), options.end(), [&](std::string_view name) { return command.has_option(name); });
}

bool mentions(const ShellCommand& command, std::string_view part) {
    return std::any_of(command.words.begin(), command.words.end(),
                       [&](const std::string& word) { return word.find(part) != std::string::npos; });
}

// What a package manager is asked to install, by name: no options, no files, no variables.
std::vector<std::string> packages_of(const ShellCommand& command, std::string_view subcommand,
                                     const Names& with_value) {
    std::vector<std::string> packages;
    const auto begin = std::find(command.words.begin(), command.words.end(), subcommand);
    for (auto word = begin; word != command.words.end(); ++word) {
        if (word == begin) continue;
        if (contains(with_value, *word)) {
            if (++word == command.words.end()) break;
            continue;
        }
        const bool plain = !word->starts_with('-') && !word->starts_with('<') && !word->starts_with('>') &&
                           !word->starts_with("2>") && word->find_first_of("$`{") == std::string::npos;
        if (plain) packages.push_back(*word);
    }
    return packages;
}

struct PinRule {
    std::string_view id;
    Names programs;
    Names subcommands;
    Names with_value;  // options whose value is the next word
    std::string_view marks;
    std::string_view example;
};

const std::vector<PinRule>& pin_rules() {
    static const std::vector<PinRule> rules = {
        {"apt-unpinned", {"apt-get", "apt"}, {"install"}, {"-t", "-o", "-c", "--target-release"}, "=/", "NAME=VERSION"},
        {"apk-unpinned", {"apk"}, {"add"}, {"-t", "--virtual", "-X", "--repository", "-p"}, "=~<>/", "NAME=VERSION"},
        {"pip-unpinned",
         {"pip", "pip2", "pip3"},
         {"install"},
         {"-r", "--requirement", "-e", "--editable", "-c", "--constraint", "-i", "--index-url", "--extra-index-url",
          "-t", "--target", "--prefix", "--root", "--trusted-host", "-f", "--find-links"},
         "=~<>@/.",
         "NAME==VERSION"},
        {"npm-unpinned", {"npm"}, {"install", "i", "add"}, {"--prefix", "--registry"}, "", "NAME@VERSION"},
        {"gem-unpinned", {"gem"}, {"install"}, {"-i", "--install-dir"}, ":/.", "NAME:VERSION"},
    };
    return rules;
}

bool is_pinned(const PinRule& rule, const std::string& package) {
    // The first "@" may begin a scope: @scope/name@1.
    if (rule.id == "npm-unpinned") return package.find('@', 1) != std::string::npos || package.starts_with('.');
    return package.find_first_of(rule.marks) != std::string::npos;
}

// Managers that ask before they install, and keep what they downloaded.
struct ManagerRule {
    Names programs;
    std::string_view no_yes, kept;  // ids
    Names asking;                   // subcommands
    Names yes;                      // options
    Names cleaning;                 // subcommands
    Names directories;              // caches
    std::string_view clean_hint;
};

const std::vector<ManagerRule>& manager_rules() {
    static const std::vector<ManagerRule> rules = {
        {{"apt-get", "apt"},
         "apt-no-yes",
         "apt-lists-kept",
         {"install", "upgrade", "dist-upgrade", "full-upgrade", "remove", "purge", "autoremove", "build-dep"},
         {"-y", "--yes", "--assume-yes", "-qq", "--force-yes", "APT::Get::Assume-Yes=true"},
         {},
         {"/var/lib/apt/lists", "/var/lib/apt"},
         "add && rm -rf /var/lib/apt/lists/* to this RUN"},
        {{"dnf", "yum", "microdnf"},
         "dnf-no-yes",
         "dnf-cache-kept",
         {"install", "update", "upgrade", "remove", "groupinstall"},
         {"-y", "--assumeyes"},
         {"clean"},
         {"/var/cache/dnf", "/var/cache/yum"},
         "add && dnf clean all to this RUN"},
        {{"zypper"},
         "zypper-no-yes",
         "zypper-cache-kept",
         {"install", "in", "update", "up", "remove", "rm", "patch"},
         {"-y", "-n", "--non-interactive", "--no-confirm"},
         {"clean", "cc"},
         {"/var/cache/zypp"},
         "add && zypper clean to this RUN"},
    };
    return rules;
}

bool downloads(const ManagerRule& rule, const ShellCommand& command) {
    if (!contains(rule.programs, command.name())) return false;
    // apt-get install reads the lists, apt-get update writes them.
    if (rule.kept == "apt-lists-kept") return command.subcommand() == "update";
    return contains(rule.asking, command.subcommand());
}

bool cleans(const ManagerRule& rule, const ShellCommand& command) {
    if (contains(rule.programs, command.name()) && contains(rule.cleaning, command.subcommand())) return true;
    return command.name() == "rm" && std::any_of(rule.directories.begin(), rule.directories.end(),
                                                 [&](std::string_view path) { return mentions(command, path); });
}

// A mount of this RUN keeps `directory` out of the image.
bool is_mounted(const Instruction& run, const Names& directories) {
    return std::any_of(run.flags.begin(), run.flags.end(), [&](const dockerfile::Flag& flag) {
        if (flag.name != "mount" || flag.value.find('$') != std::string::npos) return false;
        std::string target = dockerfile::parse_mount(flag.value).target;
        while (target.size() > 1 && target.back() == '/') target.pop_back();
        return contains(directories, target);
    });
}

struct RunCommands {
    const Instruction* run;
    std::vector<ShellCommand> commands;
};

class PackageRules {
  public:
    PackageRules(const Outline& outline, Report& report) : outline_(outline), report_(report) {}

    void each(const Instruction& run) {
        const std::vector<ShellCommand> commands = commands_of(run);
        for (const ShellCommand& command : commands) {
            for (const ManagerRule& rule : manager_rules()) asks(run, rule, command);
            for (const PinRule& rule : pin_rules()) unpinned(run, rule, command);
            if (command.name() == "apt" || command.name() == "apt-get") apt(run, command, commands);
        }
    }

    // What stays in the image. Layers are merged, so a later RUN may clean up, too.
    void kept(const std::vector<RunCommands>& runs, bool pip_without_cache) {
        for (const ManagerRule& rule : manager_rules()) kept_by(rule, runs);
        for (const RunCommands& run : runs) {
            for (const ShellCommand& command : run.commands) {
                apk(*run.run, command);
                if (!pip_without_cache) pip(*run.run, command);
            }
        }
    }

  private:
    // Where a command is written: with its subcommand, if they stand together.
    SourceSpan place(const Instruction& run, const ShellCommand& command, std::string_view subcommand) const {
        const SourceSpan both = outline_.file.span_of(run, command.program() + " " + std::string(subcommand));
        const bool found = both.line != run.span.line || both.column != run.span.column;
        return found ? both : outline_.file.span_of(run, command.program());
    }

    void asks(const Instruction& run, const ManagerRule& rule, const ShellCommand& command) {
        if (!contains(rule.programs, command.name()) || !contains(rule.asking, command.subcommand())) return;
        if (any_option(command, rule.yes)) return;
        report_.add(
            rule.no_yes,
            fmt::format("{} {} asks whether to go on, and nobody answers", command.name(), command.subcommand()),
            place(run, command, command.subcommand()),
            fmt::format("write {} {} -y", command.name(), command.subcommand()));
    }

    void unpinned(const Instruction& run, const PinRule& rule, const ShellCommand& command) {
        ShellCommand plain = command;
        // python3 -m pip install
        if (command.name().starts_with("python") && command.words.size() > 2 && command.words[1] == "-m")
            plain.words.erase(plain.words.begin(), plain.words.begin() + 2);
        if (!contains(rule.programs, plain.name()) || !contains(rule.subcommands, plain.subcommand())) return;
        if (rule.id == "gem-unpinned" && any_option(plain, {"-v", "--version"})) return;
        for (const std::string& package : packages_of(plain, plain.subcommand(), rule.with_value)) {
            if (is_pinned(rule, package)) continue;
            report_.add(rule.id, fmt::format("no version is given for {}", quoted(package)),
                        outline_.file.span_of(run, package),
                        fmt::format("write {}, to get the same image another day", rule.example));
            return;
        }
    }

    void apt(const Instruction& run, const ShellCommand& command, const std::vector<ShellCommand>& all) {
        const std::string_view subcommand = command.subcommand();
        if (command.name() == "apt") {
            report_.add("apt-instead-of-apt-get", "apt is made for people at a terminal",
                        place(run, command, subcommand), fmt::format("write apt-get {}", subcommand));
        }
        if (contains({"upgrade", "dist-upgrade", "full-upgrade"}, subcommand)) {
            report_.add("apt-upgrade", fmt::format("{} {} gives another image another day", command.name(), subcommand),
                        place(run, command, subcommand), "take a newer base image instead");
        }
        const bool all_packages = any_option(
            command, {"--no-install-recommends", "APT::Install-Recommends=0", "APT::Install-Recommends=false"});
        if (subcommand == "install" && !all_packages) {
            report_.add("apt-recommends", "packages that are only recommended are installed, too",
                        place(run, command, subcommand), "add --no-install-recommends");
        }
        const bool used = std::any_of(all.begin(), all.end(), [](const ShellCommand& other) {
            return contains({"apt-get", "apt", "apt-cache", "aptitude"}, other.name()) &&
                   other.subcommand() != "update" && other.subcommand() != "clean" && other.subcommand() != "autoclean";
        });
        if (subcommand == "update" && !used) {
            report_.add("apt-update-alone", "package lists of a RUN of their own are older than what uses them",
                        place(run, command, subcommand), "write apt-get update && apt-get install in one RUN");
        }
    }

    void kept_by(const ManagerRule& rule, const std::vector<RunCommands>& runs) {
        const RunCommands* left = nullptr;
        const ShellCommand* by = nullptr;
        for (const RunCommands& run : runs) {
            if (is_mounted(*run.run, rule.directories)) continue;
            for (const ShellCommand& command : run.commands) {
                if (cleans(rule, command)) left = nullptr;
                if (left || !downloads(rule, command)) continue;
                left = &run;
                by = &command;
            }
        }
        if (!left) return;
        report_.add(rule.kept, fmt::format("what {} {} downloads stays in the image", by->name(), by->subcommand()),
                    place(*left->run, *by, by->subcommand()), std::string(rule.clean_hint));
    }

    void apk(const Instruction& run, const ShellCommand& command) {
        if (command.name() != "apk" || command.subcommand() != "add" || command.has_option("--no-cache")) return;
        if (is_mounted(run, {"/var/cache/apk", "/etc/apk/cache"})) return;
        report_.add("apk-cache-kept", "the index that apk downloads stays in the image", place(run, command, "add"),
                    "write apk add --no-cache");
    }

    void pip(const Instruction& run, const ShellCommand& command) {
        const bool as_module = command.name().starts_with("python") && command.has_word("pip");
        if (!as_module && !contains({"pip", "pip2", "pip3"}, command.name())) return;
        if (!command.has_word("install") || command.has_option("--no-cache-dir")) return;
        if (is_mounted(run, {"/root/.cache", "/root/.cache/pip"})) return;
        report_.add("pip-cache-kept", "what pip downloads stays in /root/.cache/pip of the image",
                    place(run, command, as_module ? "-m" : "install"), "write pip install --no-cache-dir");
    }

    const Outline& outline_;
    Report& report_;
};

bool sets_no_cache_dir(const Instruction& step) {
    if (step.name != "ENV" && step.name != "ARG") return false;
    return std::any_of(step.args.begin(), step.args.end(),
                       [](const std::string& arg) { return arg.starts_with("PIP_NO_CACHE_DIR"); });
}

}  // namespace

void check_packages(const Outline& outline, Report& report) {
    PackageRules rules(outline, report);
    for (const StageOutline& stage : outline.stages) {
        for (const Instruction* step : stage.steps) {
            if (step->name == "RUN") rules.each(*step);
        }
    }
    std::vector<RunCommands> runs;
    bool pip_without_cache = false;
    for (const Instruction* step : outline.steps_of_chain(outline.target)) {
        if (step->name == "RUN") runs.push_back({step, commands_of(*step)});
        pip_without_cache = pip_without_cache || sets_no_cache_dir(*step);
    }
    rules.kept(runs, pip_without_cache);
}

}  // namespace gbuild::check
