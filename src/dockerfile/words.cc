#include "words.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "characters.h"
#include "gbuild/base/text.h"

namespace gbuild::dockerfile {

namespace {

bool is_quote(char c) { return c == '\'' || c == '"'; }

// Only the strings of the outermost array are kept, so that nesting costs nothing.
class ArrayReader : public nlohmann::json_sax<nlohmann::json> {
  public:
    bool null() override { return other(); }
    bool boolean(bool) override { return other(); }
    bool number_integer(number_integer_t) override { return other(); }
    bool number_unsigned(number_unsigned_t) override { return other(); }
    bool number_float(number_float_t, const string_t&) override { return other(); }
    bool binary(binary_t&) override { return other(); }
    bool string(string_t& value) override {
        if (depth_ == 1) strings.push_back(std::move(value));
        return true;
    }
    bool key(string_t&) override { return true; }
    bool start_object(std::size_t) override { return open(); }
    bool end_object() override { return close(); }
    bool start_array(std::size_t) override { return open(); }
    bool end_array() override { return close(); }
    bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override { return false; }

    std::vector<std::string> strings;
    bool only_strings = true;

  private:
    bool other() {
        only_strings = false;
        return true;
    }
    bool open() {
        if (depth_ > 0) only_strings = false;
        depth_++;
        return true;
    }
    bool close() {
        depth_--;
        return true;
    }
    size_t depth_ = 0;
};

// Removes quotes and escapes; nullopt when a quote is left open.
std::optional<std::string> unquote(std::string_view word, char escape) {
    std::string result;
    char quote = '\0';
    for (size_t i = 0; i < word.size(); i++) {
        char c = word[i];
        if (quote != '\0' && c == quote) {
            quote = '\0';
        } else if (quote == '\0' && is_quote(c)) {
            quote = c;
        } else if (c == escape && quote != '\'') {
            if (i + 1 < word.size()) result += word[++i];
        } else {
            result += c;
        }
    }
    if (quote != '\0') return std::nullopt;
    return result;
}

constexpr size_t max_descriptor_digits = 9;

size_t count_digits(std::string_view text) {
    return static_cast<size_t>(std::find_if_not(text.begin(), text.end(), is_digit) - text.begin());
}

// What stands between "((" and its "))".
std::vector<std::string_view> find_arithmetic(std::string_view text) {
    std::vector<std::string_view> found;
    for (size_t begin = text.find("(("); begin != std::string_view::npos; begin = text.find("((", begin)) {
        size_t at = begin, depth = 0;
        do {
            if (text[at] == '(') depth++;
            if (text[at] == ')') depth--;
            at++;
        } while (depth > 0 && at < text.size());
        if (depth > 0) break;
        // The last of two subshells need not end where the first one does.
        if (text[at - 2] == ')') found.push_back(text.substr(begin, at - begin));
        begin = at;
    }
    return found;
}

bool is_part_of(std::string_view part, const std::vector<std::string_view>& ranges) {
    return std::any_of(ranges.begin(), ranges.end(), [&](std::string_view range) {
        return part.data() >= range.data() && part.data() < range.data() + range.size();
    });
}

}  // namespace

std::vector<std::string_view> split_blanks(std::string_view text) {
    std::vector<std::string_view> parts;
    for (size_t at = 0; at < text.size();) {
        if (is_blank(text[at])) {
            at++;
            continue;
        }
        size_t end = at;
        while (end < text.size() && !is_blank(text[end])) end++;
        parts.push_back(text.substr(at, end - at));
        at = end;
    }
    return parts;
}

std::vector<Word> split_words(std::string_view text, char escape) {
    std::vector<Word> words;
    for (size_t at = 0; at < text.size();) {
        if (const size_t blank = blank_length(text.substr(at))) {
            at += blank;
            continue;
        }
        size_t begin = at;
        char quote = '\0';
        std::string word;
        for (; at < text.size() && (quote != '\0' || blank_length(text.substr(at)) == 0); at++) {
            char c = text[at];
            if (c == escape && quote != '\'') {
                if (at + 1 == text.size()) continue;  // an escape character that ends the text is dropped
                word += c;
                c = text[++at];
            } else if (c == quote) {
                quote = '\0';
            } else if (quote == '\0' && is_quote(c)) {
                quote = c;
            }
            word += c;
        }
        if (!word.empty()) words.push_back({std::move(word), text.substr(begin, at - begin)});
    }
    return words;
}

bool quotes_closed(std::string_view word, char escape) { return unquote(word, escape).has_value(); }

JsonArray parse_json_array(std::string_view text) {
    text = trim(text);
    if (text.substr(0, 1) != "[") return {};
    ArrayReader reader;
    if (!nlohmann::json::sax_parse(text.begin(), text.end(), &reader)) return {};
    if (!reader.only_strings) return {JsonShape::other_array, {}};
    return {JsonShape::strings, std::move(reader.strings)};
}

std::string_view from_to(std::string_view first, std::string_view last) {
    return {first.data(), static_cast<size_t>(last.data() + last.size() - first.data())};
}

bool is_heredoc_operator(std::string_view word) {
    const size_t digits = count_digits(word);
    word.remove_prefix(digits);
    return digits <= max_descriptor_digits && (word == "<<" || word == "<<-");
}

std::optional<HeredocMarker> parse_heredoc_marker(std::string_view text) {
    HeredocMarker marker;
    const size_t digits = count_digits(text);
    if (text.substr(digits, 2) != "<<" || digits > max_descriptor_digits) return std::nullopt;
    if (auto number = parse_decimal(text.substr(0, digits))) marker.file_descriptor = static_cast<int>(*number);
    text.remove_prefix(digits + 2);
    if (text.substr(0, 1) == "-") {
        marker.strip_tabs = true;
        text.remove_prefix(1);
    }
    text.remove_prefix(std::min(text.find_first_not_of(" \t\r"), text.size()));
    if (text.empty() || text.find('<') != std::string_view::npos || split_words(text, '\\').size() != 1) {
        return std::nullopt;
    }
    auto name = unquote(text, '\\');
    if (!name || name->empty()) return std::nullopt;
    // As BuildKit has it: quotes turn expansion off, an escape character does not.
    marker.expand =
        std::count_if(name->begin(), name->end(), is_quote) == std::count_if(text.begin(), text.end(), is_quote);
    marker.name = std::move(*name);
    return marker;
}

std::vector<HeredocMarker> find_heredoc_markers(std::string_view text) {
    std::vector<HeredocMarker> markers;
    if (text.find("<<") == std::string_view::npos) return markers;
    const std::vector<Word> words = split_words(text, '\\');
    const std::vector<std::string_view> arithmetic = find_arithmetic(text);
    for (size_t i = 0; i < words.size(); i++) {
        std::string_view part = words[i].part;
        if (is_part_of(part, arithmetic)) continue;
        const bool is_split = is_heredoc_operator(part) && i + 1 < words.size();
        if (is_split) part = from_to(part, words[i + 1].part);
        auto marker = parse_heredoc_marker(part);
        if (!marker) continue;
        markers.push_back(std::move(*marker));
        if (is_split) i++;
    }
    return markers;
}

}  // namespace gbuild::dockerfile
