#include "gbuild/dockerfile/check_options.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "gbuild/base/text.h"
#include "gbuild/dockerfile/rule_names.h"
#include "gbuild/dockerfile/suggest.h"
#include "source_text.h"

namespace gbuild::dockerfile {

namespace {

// As Go's strconv.ParseBool.
std::optional<bool> parse_bool(std::string_view text) {
    for (std::string_view word : {"1", "t", "T", "true", "TRUE", "True"}) {
        if (text == word) return true;
    }
    for (std::string_view word : {"0", "f", "F", "false", "FALSE", "False"}) {
        if (text == word) return false;
    }
    return std::nullopt;
}

std::vector<std::string_view> split_views(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    for (size_t end = text.find(separator); end != std::string_view::npos; end = text.find(separator)) {
        parts.push_back(text.substr(0, end));
        text.remove_prefix(end + 1);
    }
    parts.push_back(text);
    return parts;
}

// What stands behind a name is a remark: "StageNameCasing // as the registry has it".
std::string_view without_remark(std::string_view name) { return name.substr(0, name.find_first_of(" \t")); }

constexpr size_t most_warnings = 100;  // more help nobody

}  // namespace

// Where options stand decides what they may be.
enum class Place { directive, comment };

class CheckOptions::Parser {
  public:
    Parser(CheckOptions& options, Skipped& skipped, Place place, std::string_view text, const SourceSpan& span,
           std::vector<Warning>& warnings) :
        options_(options), skipped_(skipped), place_(place), text_(text), span_(span), warnings_(warnings) {}

    void run() {
        for (std::string_view option : split_views(text_, ';')) take(trim(option));
    }

  private:
    void take(std::string_view option) {
        const char* usage = "write skip=RULE,RULE or skip=all, error=true, or both with \";\" between them";
        size_t equals = option.find('=');
        std::string_view name = trim(option.substr(0, equals));
        std::string_view value = equals == std::string_view::npos ? "" : trim(option.substr(equals + 1));
        if (name == "skip" && equal_ignoring_case(without_remark(value), "all")) {
            skipped_.all = true;
        } else if (name == "skip" && !value.empty()) {
            for (std::string_view rule : split_views(value, ',')) skip(without_remark(trim(rule)));
        } else if (name == "error" && place_ == Place::comment) {
            warn("error= counts for the whole file, not for one instruction", option,
                 "put it into the check directive in the first lines of the file");
        } else if (name == "error") {
            auto given = parse_bool(value);
            if (!given) {
                fail_at(place(option), fmt::format("error is true or false, not {}", quoted(value)), usage);
            }
            options_.errors_ = *given;
        } else if (name != "experimental") {  // what is experimental there is checked here, or not at all
            std::string message = fmt::format("{} is no option of the check directive", quoted(option));
            if (place_ == Place::directive) fail_at(place(option), std::move(message), usage);
            warn(std::move(message), option, "write skip=RULE,RULE or skip=all");
        }
    }

    void skip(std::string_view name) {
        if (auto id = find_rule_id(name)) {
            if (!id->empty()) skipped_.ids.insert(*id);
        } else if (is_foreign_code(name)) {
            add_foreign(name);
        } else {
            std::vector<std::string> names;
            for (const RuleName& rule : rule_names()) {
                if (!rule.docker.empty()) names.emplace_back(rule.docker);
                if (!rule.id.empty()) names.emplace_back(rule.id);
            }
            warn(fmt::format("there is no check {}", quoted(name)), name,
                 suggest(name, names, "", "gbuild check --list names the checks"));
        }
    }

    void add_foreign(std::string_view name) {
        const bool known = std::any_of(options_.foreign_.begin(), options_.foreign_.end(),
                                       [&](const ForeignCheck& one) { return equal_ignoring_case(one.name, name); });
        if (!known && options_.foreign_.size() < most_warnings)
            options_.foreign_.push_back({std::string(name), place(name)});
    }

    void warn(std::string message, std::string_view part, std::string hint) {
        if (warnings_.size() >= most_warnings) return;
        warnings_.push_back({"unknown-check", std::move(message), place(part), std::move(hint)});
    }

    SourceSpan place(std::string_view part) const {
        SourceSpan span = span_;
        span.column += static_cast<int>(part.data() - text_.data());
        span.length = std::max<int>(1, static_cast<int>(part.size()));
        return span;
    }

    CheckOptions& options_;
    Skipped& skipped_;
    Place place_;
    std::string_view text_;
    const SourceSpan& span_;
    std::vector<Warning>& warnings_;
};

CheckOptions CheckOptions::parse(std::string_view text, const SourceSpan& span, std::vector<Warning>& warnings) {
    CheckOptions options;
    Parser(options, options.everywhere_, Place::directive, text, span, warnings).run();
    return options;
}

void CheckOptions::add_for_lines(std::string_view text, const SourceSpan& span, int first_line, int last_line,
                                 std::vector<Warning>& warnings) {
    Parser(*this, lines(first_line, last_line), Place::comment, text, span, warnings).run();
}

namespace {

void add_codes(std::string_view codes, std::set<std::string_view>& ids) {
    for (std::string_view code : split_views(codes, ',')) {
        const auto id = find_rule_id(without_remark(trim(code)));
        if (id && !id->empty()) ids.insert(*id);
    }
}

}  // namespace

void CheckOptions::ignore_for_lines(std::string_view codes, int first_line, int last_line) {
    add_codes(codes, lines(first_line, last_line).ids);
}

void CheckOptions::ignore_everywhere(std::string_view codes) { add_codes(codes, everywhere_.ids); }

CheckOptions::Skipped& CheckOptions::lines(int first, int last) {
    if (by_lines_.empty() || by_lines_.back().first != first) by_lines_.push_back({first, last, {}});
    return by_lines_.back().skipped;
}

bool CheckOptions::skips(const Warning& warning) const {
    if (warning.id == "unknown-check") return false;
    if (everywhere_.has(warning.id)) return true;
    if (!warning.span) return false;
    const auto after = std::upper_bound(by_lines_.begin(), by_lines_.end(), warning.span->line,
                                        [](int line, const Lines& lines) { return line < lines.first; });
    if (after == by_lines_.begin()) return false;
    const Lines& lines = *(after - 1);
    return warning.span->line <= lines.last && lines.skipped.has(warning.id);
}

void CheckOptions::apply_to(std::vector<Warning>& warnings) const {
    std::erase_if(warnings, [&](const Warning& warning) { return skips(warning); });
}

}  // namespace gbuild::dockerfile
