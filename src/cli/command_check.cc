#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>
#include <set>

#include <fmt/format.h>

#include "gbuild/base/text.h"
#include "gbuild/bases/base_images.h"
#include "gbuild/check/check.h"
#include "gbuild/cli/build_settings.h"
#include "gbuild/cli/check_formats.h"
#include "gbuild/cli/command.h"
#include "gbuild/cli/display.h"
#include "gbuild/cli/error_text.h"
#include "gbuild/cli/exit_codes.h"
#include "gbuild/cli/json_text.h"
#include "gbuild/dockerfile/rule_names.h"

namespace gbuild::cli {

namespace {

using check::Finding;
using check::Severity;

Severity parse_severity(const std::string& word) {
    for (Severity severity : {Severity::info, Severity::warning, Severity::error}) {
        if (word == severity_name(severity)) return severity;
    }
    throw Error(ErrorKind::internal, fmt::format("{} is no severity", quoted(word)));
}

// Ids of "RULE,RULE", by any of a rule's names; all of them for "all". Codes of other programs are put into `foreign`.
std::set<std::string, std::less<>> parse_rules(const char* option, const std::vector<std::string>& lists,
                                               std::vector<std::string>& foreign) {
    std::set<std::string, std::less<>> ids;
    for (const std::string& list : lists) {
        for (const std::string& word : split(list, ',')) {
            const std::string name(trim(word));
            if (equal_ignoring_case(name, "all")) {
                for (const check::Rule& rule : check::all_rules()) ids.emplace(rule.id);
                continue;
            }
            const auto id = dockerfile::find_rule_id(name);
            if (!id && dockerfile::is_foreign_code(name)) {
                foreign.push_back(name);
                continue;
            }
            if (!id) {
                std::vector<std::string> known;
                for (const check::Rule& rule : check::all_rules()) known.emplace_back(rule.id);
                const auto meant = nearest(name, known);
                throw Error(ErrorKind::usage, fmt::format("{} {}: there is no such rule", option, quoted(name)))
                    .hint(meant ? fmt::format("did you mean {}?", *meant) : "gbuild check --list names the rules");
            }
            ids.emplace(*id);
        }
    }
    return ids;
}

std::string other_names(std::string_view id) {
    for (const dockerfile::RuleName& rule : dockerfile::rule_names()) {
        if (rule.id == id)
            return fmt::format("{}{}{}", rule.docker, rule.docker.empty() || rule.hadolint.empty() ? "" : " ",
                               rule.hadolint);
    }
    return {};
}

class CheckCommand final : public Command {
  public:
    void declare(OptionSet& options) override {
        options.argument(
            "CONTEXT", source_.context, Presence::optional,
            "directory with the Dockerfile, a Dockerfile itself, URL.git[#REF[:DIR]], URL of an archive or a "
            "Dockerfile, or - for either on standard input; or give -f alone");
        options.group("What is checked");
        options.value("-f,--file", "PATH", source_.file,
                      "Dockerfile, or - for standard input (default: CONTEXT/Dockerfile)");
        options.list("--build-arg", "NAME[=VALUE]", source_.build_args, "value for an ARG; repeatable");
        options.value("--target", "STAGE", source_.target, "stage that becomes the image (default: the last one)");
        declare_root(options, root_);
        options.group("Which findings count");
        options.choice("--severity", {"info", "warning", "error"}, severity_, "the least that is shown and counts");
        options.list("--skip", "RULE[,RULE]", skip_, "leave these out; repeatable");
        options.list("--only", "RULE[,RULE]", only_, "leave all others out; repeatable");
        options.group("Output");
        options.choice(
            "--format", {"text", "long", "json", "sarif", "github", "gitlab", "checkstyle"}, format_,
            "what is printed: a line for each finding, the same with its source line, or what other programs "
            "read");
        options.flag("--list", list_, "print every rule with its severity, meaning and other names, and check nothing");
        options.epilogue("Nothing is built, and no registry is asked; what a base image brings is known when a build "
                         "has pulled it.\n"
                         "A RULE is named as in brackets behind a finding, as docker names it (UndefinedVar), or by "
                         "hadolint's code\n"
                         "(DL3008), in any case. The line\n"
                         "  # check=skip=RULE,RULE;error=true\n"
                         "at the top of a Dockerfile leaves rules out and makes warnings errors; \"# check=skip=RULE\" "
                         "or hadolint's\n"
                         "\"# hadolint ignore=DL3008\" above an instruction leaves them out for that one.\n"
                         "Exit code: 0 nothing found, 12 something found, 3 a Dockerfile that no build can read.\n"
                         "\n"
                         "Examples:\n"
                         "  gbuild check .\n"
                         "  gbuild check --severity info ci/Dockerfile\n"
                         "  gbuild check --format sarif . > gbuild.sarif\n"
                         "  gbuild check --skip DL3042 --format json . | jq -r '.findings[].id'\n");
    }

    int run(Console& console) override {
        if (list_) {
            console.out.write(format_ == "json" ? json_document(rules_json()) : rules_text());
            return 0;
        }
        std::vector<std::string> foreign;
        const auto skipped = parse_rules("--skip", skip_, foreign);
        const auto wanted = parse_rules("--only", only_, foreign);
        if (!foreign.empty())
            console.err.write(fmt::format("gbuild has no check like {}\n", safe_text(join(foreign, ", "))));
        CheckReport report = checked(console);
        const Severity least = parse_severity(severity_);
        std::erase_if(report.findings, [&](const Finding& finding) {
            const std::string& id = finding.warning.id;
            return skipped.contains(id) || (!only_.empty() && !wanted.contains(id));
        });
        report.hidden =
            std::erase_if(report.findings, [&](const Finding& finding) { return finding.severity < least; });
        console.out.write(formatted(report, console));
        if (report.error) throw Error(*report.error);
        return report.findings.empty() ? 0 : check_found;
    }

  private:
    std::string formatted(const CheckReport& report, const Console& console) const {
        if (format_ == "json") return findings_json(report);
        if (format_ == "sarif") return findings_sarif(report);
        if (format_ == "github") return findings_github(report);
        if (format_ == "gitlab") return findings_gitlab(report);
        if (format_ == "checkstyle") return findings_checkstyle(report);
        const Color color = console.color(console.out);
        return format_ == "long" ? findings_long_text(report, color) : findings_text(report, color);
    }

    CheckReport checked(Console& console) {
        const bool has_ignore = take_argument();
        build::BuildOptions options;
        source_.apply(options, console);
        options.store_root = options.context_source.empty() ? known_store() : store_root(root_);
        NullSink nobody;
        const auto fetched = fetch_context(options, nobody);
        CheckReport report;
        report.file = options.dockerfile_text ? options.dockerfile_name
                                              : options.dockerfile.value_or(options.context / "Dockerfile").native();
        std::vector<Warning> until_error;
        try {
            const dockerfile::Dockerfile file = build::load_dockerfile(options, until_error);
            report.file = file.file;
            std::optional<dockerfile::IgnoreRules> ignore;
            if (has_ignore) ignore = build::load_ignore_rules(options);
            std::map<std::string, std::optional<oci::ImageConfig>> known;
            const check::KnownBase known_base = [&](const std::string& name, const oci::Platform& platform) {
                const auto [entry, is_new] = known.try_emplace(name + " " + platform.text());
                if (is_new) entry->second = build::remembered_config(options.store_root, name, platform);
                return entry->second;
            };
            check::CheckResult result =
                check::check(file, {options.target, options.build_args, ignore ? &*ignore : nullptr, known_base});
            report.findings = std::move(result.findings);
            report.error = std::move(result.error);
        } catch (const Error& error) {
            report.findings = check::weigh(until_error);
            report.error = error;
        }
        return report;
    }

    // A machine without a place for a store has none, which is all that matters here.
    std::filesystem::path known_store() const {
        try {
            return store_root(root_);
        } catch (const Error&) {
            return {};
        }
    }

    // CONTEXT may be a Dockerfile itself. Whether there is a context, whose ignore file counts.
    bool take_argument() {
        if (source_.context.empty() && source_.file.empty()) {
            throw Error(ErrorKind::usage, "neither a CONTEXT nor a Dockerfile is given")
                .hint("write gbuild check . or gbuild check -f Dockerfile");
        }
        if (source_.context.empty()) {
            source_.context = std::string(".");
            return false;
        }
        std::error_code ignored;
        const auto status = std::filesystem::status(source_.context, ignored);
        if (!std::filesystem::exists(status) || std::filesystem::is_directory(status)) return true;
        if (!source_.file.empty()) {
            throw Error(ErrorKind::usage, fmt::format("{} is not a directory, and -f names the Dockerfile already",
                                                      quoted(source_.context)))
                .hint("leave -f out, or give the directory that COPY reads from");
        }
        source_.file = source_.context;
        const auto parent = std::filesystem::path(source_.file).parent_path();
        source_.context = parent.empty() ? std::string(".") : parent.native();
        // By its usual name it lies in its context; another one may be anywhere.
        return equal_ignoring_case(std::filesystem::path(source_.file).filename().native(), "Dockerfile");
    }

    static std::string rules_text() {
        std::vector<std::vector<std::string>> rows;
        for (const check::Rule& rule : check::all_rules()) {
            rows.push_back({std::string(rule.id), std::string(check::severity_name(rule.severity)),
                            std::string(rule.meaning), other_names(rule.id)});
        }
        return format_table(rows);
    }

    static Json rules_json() {
        Json json = Json::array();
        for (const check::Rule& rule : check::all_rules()) {
            json.push_back({{"id", rule.id},
                            {"severity", check::severity_name(rule.severity)},
                            {"meaning", rule.meaning},
                            {"otherNames", other_names(rule.id)}});
        }
        return json;
    }

    SourceSettings source_;
    std::string severity_ = "warning", format_ = "text", root_;
    std::vector<std::string> skip_, only_;
    bool list_ = false;
};

}  // namespace

std::unique_ptr<Command> make_check_command() { return std::make_unique<CheckCommand>(); }

}  // namespace gbuild::cli
