#include "gbuild/dockerfile/ignore.h"

#include <algorithm>

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/text.h"
#include "source_text.h"

namespace gbuild::dockerfile {

namespace {

constexpr size_t max_patterns = 100'000;

// As Go's path.Clean: no "." or empty components, ".." taken together with what is before it, no "/" at the end; "" is
// ".".
std::string clean(std::string_view path) {
    bool rooted = path.substr(0, 1) == "/";
    std::vector<std::string> parts;
    for (std::string& part : split(path, '/')) {
        if (part.empty() || part == ".") continue;
        bool can_go_up = !parts.empty() && parts.back() != "..";
        if (part == ".." && can_go_up)
            parts.pop_back();
        else if (part != ".." || !rooted)
            parts.push_back(std::move(part));
    }
    std::string joined = join(parts, "/");
    if (rooted) return "/" + joined;
    return joined.empty() ? "." : joined;
}

std::string normalized(std::string_view line) {
    std::string_view pattern = trim(line);
    bool negated = pattern.substr(0, 1) == "!";
    if (negated) pattern = trim(pattern.substr(1));
    std::string cleaned;
    if (!pattern.empty()) {
        cleaned = clean(pattern);
        if (cleaned.size() > 1 && cleaned[0] == '/') cleaned.erase(0, 1);
    }
    return (negated ? "!" : "") + cleaned;
}

}  // namespace

bool match_pattern(std::string_view pattern, std::string_view path) { return Pattern(pattern).matches(path); }

std::vector<IgnoreLine> read_ignore_file(std::string_view text) {
    if (text.size() > max_file_size) {
        throw Error(ErrorKind::limit, fmt::format("the ignore file is larger than {}", human_size(max_file_size)));
    }
    if (text.substr(0, 3) == "\xEF\xBB\xBF") text.remove_prefix(3);
    std::vector<IgnoreLine> lines;
    for (int number = 1; !text.empty(); number++) {
        size_t end = text.find('\n');
        std::string_view line = text.substr(0, end);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        if (line.substr(0, 1) == "#" || trim(line).empty()) continue;
        if (lines.size() == max_patterns) {
            throw Error(ErrorKind::limit, fmt::format("the ignore file has more than {} patterns", max_patterns));
        }
        lines.push_back({normalized(line), number});
    }
    return lines;
}

void IgnoreRules::add(std::string_view text) {
    bool negated = text.substr(0, 1) == "!";
    std::string_view pattern = negated ? text.substr(1) : text;
    if (pattern.empty()) {
        throw Error(ErrorKind::dockerfile, "\"!\" stands alone").hint("name what shall not be excluded after it");
    }
    rules_.push_back({Pattern(pattern), negated, negated ? split(pattern, '/') : std::vector<std::string>()});
    has_negated_ = has_negated_ || negated;
}

IgnoreRules IgnoreRules::parse(std::string_view text, std::string file) {
    IgnoreRules rules;
    int number = 0;
    std::string shown;
    try {
        for (const IgnoreLine& line : read_ignore_file(text)) {
            number = line.line;
            shown = line.pattern;
            rules.add(line.pattern);
        }
    } catch (Error& error) {
        error.at({std::move(file), number, 0, 1, span_source(shown)});
        throw;
    }
    return rules;
}

IgnoreRules IgnoreRules::from_patterns(const std::vector<std::string>& patterns) {
    IgnoreRules rules;
    for (const std::string& pattern : patterns) {
        if (std::string text = normalized(pattern); !text.empty()) rules.add(text);
    }
    return rules;
}

bool IgnoreRules::may_reinclude_below(std::string_view path) const {
    const std::vector<std::string> names = path.empty() ? std::vector<std::string>() : split(path, '/');
    const auto reaches_below = [&](const Rule& rule) {
        if (!rule.negated) return false;
        for (size_t i = 0; i < names.size(); i++) {
            if (i == rule.names.size()) return false;  // matches a directory above, which excluded() has told
            if (rule.names[i] == "**") return true;
            if (!match_pattern(rule.names[i], names[i])) return false;
        }
        return rule.names.size() > names.size();
    };
    return std::any_of(rules_.begin(), rules_.end(), reaches_below);
}

bool IgnoreRules::excluded(std::string_view path) const {
    if (path.empty() || path == ".") return false;
    PatternInput input(path);
    bool result = false;
    for (const Rule& rule : rules_) {
        // Only a rule that would change the result is worth looking at.
        if (rule.negated == result && rule.pattern.matches_path_or_parent(input)) result = !rule.negated;
    }
    return result;
}

}  // namespace gbuild::dockerfile
