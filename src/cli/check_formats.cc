// Findings for other programs.
#include "gbuild/cli/check_formats.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "gbuild/base/digest.h"
#include "gbuild/base/hidden_logins.h"
#include "gbuild/base/text.h"
#include "gbuild/cli/json_text.h"

namespace gbuild::cli {

namespace {

using check::Finding;
using check::Severity;

// What stands for a build that is impossible, among the rules.
constexpr std::string_view error_rule = "cannot-be-built";

std::vector<Finding> with_error(const CheckReport& report) {
    std::vector<Finding> findings = report.findings;
    if (!report.error) return findings;
    const Error& error = *report.error;
    findings.push_back({{std::string(error_rule), error.message(), error.span(), error.hint()}, Severity::error});
    return findings;
}

// Bytes that are no UTF-8, and characters that neither XML nor a log may hold, become U+FFFD.
std::string clean(std::string_view text) {
    constexpr std::string_view replacement = "\xEF\xBF\xBD";
    std::string result;
    while (!text.empty()) {
        const auto lead = static_cast<unsigned char>(text[0]);
        size_t size = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
        const std::string_view character = text.substr(0, size);
        const bool is_control = lead < 0x20 && lead != '\t' && lead != '\n' && lead != '\r';
        const bool is_bad =
            is_control || !is_utf8(character) || character == "\xEF\xBF\xBE" || character == "\xEF\xBF\xBF";
        if (is_bad) size = 1;
        result += is_bad ? replacement : character;
        text.remove_prefix(size);
    }
    return result;
}

std::string message_of(const Warning& warning) {
    return clean(warning.hint.empty() ? warning.message : warning.message + "; " + warning.hint);
}

std::string file_of(const Finding& finding, const CheckReport& report) {
    std::string_view file = finding.warning.span ? finding.warning.span->file : report.file;
    if (file.starts_with("./")) file.remove_prefix(2);
    return clean(file);
}

// A place in characters: what of a line stands before it, and how long it is.
struct Region {
    int line = 1;
    size_t column = 0, end_column = 0;  // 0: the whole line; the end is behind the last one
};

size_t characters(std::string_view text) {
    return static_cast<size_t>(
        std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

Region region_of(const Finding& finding) {
    const auto& span = finding.warning.span;
    if (!span || span->line <= 0) return {};
    if (span->column <= 0) return {span->line, 0, 0};
    const auto begin = std::min(static_cast<size_t>(span->column) - 1, span->source.size());
    const std::string_view before = std::string_view(span->source).substr(0, begin);
    const std::string_view marked =
        std::string_view(span->source).substr(begin, static_cast<size_t>(std::max(1, span->length)));
    const size_t column = characters(before) + 1;
    return {span->line, column, column + std::max<size_t>(1, characters(marked))};
}

}  // namespace

std::string findings_json(const CheckReport& report) {
    Json json{{"findings", Json::array()}, {"counts", {{"error", 0}, {"warning", 0}, {"info", 0}}}};
    for (const Finding& finding : report.findings) {
        Json one = warning_json(finding.warning);
        one["severity"] = check::severity_name(finding.severity);
        if (finding.warning.span && finding.warning.span->column > 0) one["length"] = finding.warning.span->length;
        json["findings"].push_back(std::move(one));
        Json& count = json["counts"][std::string(check::severity_name(finding.severity))];
        count = count.get<size_t>() + 1;
    }
    if (report.error)
        json["error"] = warning_json({"", report.error->message(), report.error->span(), report.error->hint()});
    if (report.error) json["error"].erase("id");
    return json_document(json);
}

namespace {

std::string_view sarif_level(Severity severity) {
    return severity == Severity::info ? "note" : check::severity_name(severity);
}

// RFC 3986: a relative reference, or a file URI for an absolute path.
std::string uri_of(const std::string& path) {
    constexpr std::string_view plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/";
    std::string uri = path.starts_with('/') ? "file://" : "";
    for (char c : path) {
        if (plain.find(c) != std::string_view::npos)
            uri += c;
        else
            uri += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    return uri;
}

Json sarif_rules() {
    Json rules = Json::array();
    for (const check::Rule& rule : check::all_rules()) {
        rules.push_back({{"id", rule.id},
                         {"shortDescription", {{"text", rule.meaning}}},
                         {"defaultConfiguration", {{"level", sarif_level(rule.severity)}}}});
    }
    rules.push_back({{"id", error_rule},
                     {"shortDescription", {{"text", "what no build can read or do"}}},
                     {"defaultConfiguration", {{"level", "error"}}}});
    return rules;
}

size_t index_of(std::string_view id) {
    const auto rules = check::all_rules();
    const auto found = std::find_if(rules.begin(), rules.end(), [&](const check::Rule& rule) { return rule.id == id; });
    return static_cast<size_t>(found - rules.begin());
}

Json sarif_result(const Finding& finding, const CheckReport& report) {
    const Region region = region_of(finding);
    Json place{{"artifactLocation", {{"uri", uri_of(file_of(finding, report))}}}};
    Json where{{"startLine", region.line}};
    if (region.column > 0) {
        where["startColumn"] = region.column;
        where["endColumn"] = region.end_column;
    }
    if (finding.warning.span) where["snippet"] = {{"text", with_hidden_logins(finding.warning.span->source)}};
    place["region"] = std::move(where);
    return {{"ruleId", finding.warning.id},
            {"ruleIndex", index_of(finding.warning.id)},
            {"level", sarif_level(finding.severity)},
            {"message", {{"text", message_of(finding.warning)}}},
            {"locations", Json::array({Json{{"physicalLocation", std::move(place)}}})}};
}

}  // namespace

std::string findings_sarif(const CheckReport& report) {
    Json results = Json::array();
    for (const Finding& finding : with_error(report)) results.push_back(sarif_result(finding, report));
    const Json driver{{"name", "gbuild"}, {"version", GBUILD_VERSION}, {"rules", sarif_rules()}};
    const Json run{
        {"tool", {{"driver", driver}}}, {"columnKind", "unicodeCodePoints"}, {"results", std::move(results)}};
    return json_document({{"$schema", "https://json.schemastore.org/sarif-2.1.0.json"},
                          {"version", "2.1.0"},
                          {"runs", Json::array({run})}});
}

namespace {

std::string escaped(std::string_view text, const std::map<char, std::string_view>& escapes) {
    std::string result;
    for (char c : text) {
        const auto found = escapes.find(c);
        if (found == escapes.end())
            result += c;
        else
            result += found->second;
    }
    return result;
}

std::string command_value(std::string_view text) { return escaped(text, {{'%', "%25"}, {'\r', "%0D"}, {'\n', "%0A"}}); }

std::string command_property(std::string_view text) {
    return escaped(text, {{'%', "%25"}, {'\r', "%0D"}, {'\n', "%0A"}, {':', "%3A"}, {',', "%2C"}});
}

}  // namespace

std::string findings_github(const CheckReport& report) {
    std::string text;
    for (const Finding& finding : with_error(report)) {
        const Region region = region_of(finding);
        text += fmt::format("::{} file={},line={}",
                            finding.severity == Severity::info ? "notice" : check::severity_name(finding.severity),
                            command_property(file_of(finding, report)), region.line);
        // The end is the last character here.
        if (region.column > 0) text += fmt::format(",col={},endColumn={}", region.column, region.end_column - 1);
        text += fmt::format(",title={}::{}\n", command_property(finding.warning.id),
                            command_value(message_of(finding.warning)));
    }
    return text;
}

std::string findings_gitlab(const CheckReport& report) {
    Json issues = Json::array();
    std::map<std::string, int> same;  // how often a finding with these parts was seen
    for (const Finding& finding : with_error(report)) {
        const std::string file = file_of(finding, report);
        const auto& span = finding.warning.span;
        const std::string parts = finding.warning.id + '\n' + file + '\n' + finding.warning.message + '\n' +
                                  std::string(trim(span ? span->source : ""));
        const Digest fingerprint = Digest::of(fmt::format("{}\n{}", parts, same[parts]++));
        issues.push_back({{"description", message_of(finding.warning)},
                          {"check_name", finding.warning.id},
                          {"fingerprint", fingerprint.hex()},
                          {"severity", finding.severity == Severity::info      ? "info"
                                       : finding.severity == Severity::warning ? "minor"
                                                                               : "major"},
                          {"location", {{"path", file}, {"lines", {{"begin", region_of(finding).line}}}}}});
    }
    return json_document(issues);
}

std::string findings_checkstyle(const CheckReport& report) {
    const auto attribute = [](std::string_view text) {
        return escaped(text, {{'&', "&amp;"},
                              {'<', "&lt;"},
                              {'>', "&gt;"},
                              {'"', "&quot;"},
                              {'\t', "&#9;"},
                              {'\n', "&#10;"},
                              {'\r', "&#13;"}});
    };
    std::map<std::string, std::string> files;
    for (const Finding& finding : with_error(report)) {
        const Region region = region_of(finding);
        std::string& lines = files[file_of(finding, report)];
        lines += fmt::format("    <error line=\"{}\"", region.line);
        if (region.column > 0) lines += fmt::format(" column=\"{}\"", region.column);
        lines += fmt::format(" severity=\"{}\" message=\"{}\" source=\"gbuild.{}\"/>\n",
                             check::severity_name(finding.severity), attribute(message_of(finding.warning)),
                             attribute(finding.warning.id));
    }
    std::string text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<checkstyle version=\"4.3\">\n";
    for (const auto& [file, lines] : files)
        text += fmt::format("  <file name=\"{}\">\n{}  </file>\n", attribute(file), lines);
    return text + "</checkstyle>\n";
}

}  // namespace gbuild::cli
