#include <algorithm>
#include <optional>
#include <set>

#include <fmt/format.h>

#include "gbuild/base/text.h"
#include "gbuild/build/check_input.h"
#include "gbuild/check/check.h"
#include "gbuild/cli/build_settings.h"
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

// Ids of "RULE,RULE", by any of a rule's names; all of them for "all".
std::set<std::string, std::less<>> parse_rules(const char* option, const std::vector<std::string>& lists) {
    std::set<std::string, std::less<>> ids;
    for (const std::string& list : lists) {
        for (const std::string& word : split(list, ',')) {
            const std::string name(trim(word));
            if (equal_ignoring_case(name, "all")) {
                for (const check::Rule& rule : check::all_rules()) ids.emplace(rule.id);
                continue;
            }
            const auto id = dockerfile::find_rule_id(name);
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

Json finding_json(const Finding& finding) {
    Json json = warning_json(finding.warning);
    json["severity"] = check::severity_name(finding.severity);
    if (finding.warning.span && finding.warning.span->column > 0) json["length"] = finding.warning.span->length;
    return json;
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
        options.argument("CONTEXT", source_.context, Presence::optional,
                         "directory with the Dockerfile; or give -f alone");
        options.group("What is checked");
        options.value("-f,--file", "PATH", source_.file,
                      "Dockerfile, or - for standard input (default: CONTEXT/Dockerfile)");
        options.list("--build-arg", "NAME[=VALUE]", source_.build_args, "value for an ARG; repeatable");
        options.value("--target", "STAGE", source_.target, "stage that becomes the image (default: the last one)");
        options.group("Which findings count");
        options.choice("--severity", {"info", "warning", "error"}, severity_, "the least that is shown and counts");
        options.list("--skip", "RULE[,RULE]", skip_, "leave these out; repeatable");
        options.list("--only", "RULE[,RULE]", only_, "leave all others out; repeatable");
        options.group("Output");
        options.choice("--format", {"text", "json"}, format_, "what is printed");
        options.flag("--list", list_, "print every rule with its severity, meaning and other names, and check nothing");
        options.epilogue(
            "Nothing is built or fetched; what the base image brings is unknown. A RULE is named as in brackets "
            "behind\n"
            "a finding, as docker names it (UndefinedVar), or by hadolint's code (DL3008), in any case. The line\n"
            "  # check=skip=RULE,RULE;error=true\n"
            "at the top of a Dockerfile leaves rules out and makes warnings errors.\n"
            "Exit code: 0 nothing found, 12 something found, 3 a Dockerfile that no build can read.\n"
            "\n"
            "Examples:\n"
            "  gbuild check .\n"
            "  gbuild check --severity info -f ci/Dockerfile\n"
            "  gbuild check --skip apt-lists-kept,DL3042 --format json . | jq -r '.findings[].id'\n");
    }

    int run(Console& console) override {
        if (list_) {
            console.out.write(format_ == "json" ? json_document(rules_json()) : rules_text());
            return 0;
        }
        const std::vector<Finding> findings = selected(console);
        const Color color = console.color(console.out);
        std::string text;
        for (const Finding& finding : findings) text += finding_text(finding, color);
        console.out.write(format_ == "json" ? json_document(findings_json(findings)) : text);
        return findings.empty() ? 0 : check_found;
    }

  private:
    std::vector<Finding> selected(const Console& console) {
        const auto skipped = parse_rules("--skip", skip_);
        const auto wanted = parse_rules("--only", only_);
        const Severity least = parse_severity(severity_);
        std::vector<Finding> findings = all_findings(console);
        std::erase_if(findings, [&](const Finding& finding) {
            const std::string& id = finding.warning.id;
            return finding.severity < least || skipped.contains(id) || (!only_.empty() && !wanted.contains(id));
        });
        return findings;
    }

    std::vector<Finding> all_findings(const Console& console) {
        const bool has_context = !source_.context.empty();
        if (!has_context && source_.file.empty()) {
            throw Error(ErrorKind::usage, "neither a CONTEXT nor a Dockerfile is given")
                .hint("write gbuild check . or gbuild check -f Dockerfile");
        }
        if (!has_context) source_.context = std::string(".");
        build::BuildOptions options;
        source_.apply(options, console);
        const dockerfile::Dockerfile file = build::read_dockerfile(options);
        std::optional<dockerfile::IgnoreRules> ignore;
        if (has_context) ignore = build::read_ignore_rules(options);
        return check::check(file, {options.target, options.build_args, ignore ? &*ignore : nullptr});
    }

    static Json findings_json(const std::vector<Finding>& findings) {
        Json json{{"findings", Json::array()}, {"counts", {{"error", 0}, {"warning", 0}, {"info", 0}}}};
        for (const Finding& finding : findings) {
            json["findings"].push_back(finding_json(finding));
            Json& count = json["counts"][std::string(check::severity_name(finding.severity))];
            count = count.get<size_t>() + 1;
        }
        return json;
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
    std::string severity_ = "warning", format_ = "text";
    std::vector<std::string> skip_, only_;
    bool list_ = false;
};

}  // namespace

std::unique_ptr<Command> make_check_command() { return std::make_unique<CheckCommand>(); }

}  // namespace gbuild::cli
