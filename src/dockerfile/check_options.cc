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

}  // namespace

class CheckOptions::Parser {
  public:
    Parser(std::string_view text, const SourceSpan& span, std::vector<Warning>& warnings) :
        text_(text), span_(span), warnings_(warnings) {}

    CheckOptions run() {
        for (std::string_view option : split_views(text_, ';')) take(trim(option));
        return std::move(options_);
    }

  private:
    void take(std::string_view option) {
        const char* usage = "write skip=RULE,RULE or skip=all, error=true, or both with \";\" between them";
        size_t equals = option.find('=');
        std::string_view name = trim(option.substr(0, equals));
        std::string_view value = equals == std::string_view::npos ? "" : trim(option.substr(equals + 1));
        if (name == "skip" && equal_ignoring_case(value, "all")) {
            options_.skip_all_ = true;
        } else if (name == "skip" && !value.empty()) {
            for (std::string_view rule : split_views(value, ',')) skip(trim(rule));
        } else if (name == "error") {
            auto given = parse_bool(value);
            if (!given) {
                fail_at(place(option), fmt::format("error is true or false, not {}", quoted(value)), usage);
            }
            options_.errors_ = *given;
        } else if (name != "experimental") {  // what is experimental there is checked here, or not at all
            fail_at(place(option), fmt::format("{} is no option of the check directive", quoted(option)), usage);
        }
    }

    void skip(std::string_view name) {
        constexpr size_t most = 100;  // more help nobody
        if (auto id = find_rule_id(name)) {
            if (!id->empty()) options_.skipped_.emplace(*id);
        } else if (unknown_++ < most) {
            std::vector<std::string> names;
            for (const RuleName& rule : rule_names()) {
                if (!rule.docker.empty()) names.emplace_back(rule.docker);
                if (!rule.id.empty()) names.emplace_back(rule.id);
            }
            warnings_.push_back({"unknown-check", fmt::format("there is no check {}", quoted(name)), place(name),
                                 suggest(name, names, "", "gbuild check --list names the checks")});
        }
    }

    SourceSpan place(std::string_view part) const {
        SourceSpan span = span_;
        span.column += static_cast<int>(part.data() - text_.data());
        span.length = std::max<int>(1, static_cast<int>(part.size()));
        return span;
    }

    std::string_view text_;
    const SourceSpan& span_;
    std::vector<Warning>& warnings_;
    CheckOptions options_;
    size_t unknown_ = 0;
};

CheckOptions CheckOptions::parse(std::string_view text, const SourceSpan& span, std::vector<Warning>& warnings) {
    return Parser(text, span, warnings).run();
}

void CheckOptions::apply_to(std::vector<Warning>& warnings) const {
    std::erase_if(warnings, [&](const Warning& warning) { return skip_all_ || skipped_.contains(warning.id); });
}

}  // namespace gbuild::dockerfile
