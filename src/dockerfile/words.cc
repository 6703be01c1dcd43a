#include "words.h"

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
        if (is_blank(text[at])) {
            at++;
            continue;
        }
        size_t begin = at;
        char quote = '\0';
        std::string word;
        for (; at < text.size() && (quote != '\0' || !is_blank(text[at])); at++) {
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

std::optional<HeredocMarker> parse_heredoc_marker(std::string_view word) {
    HeredocMarker marker;
    size_t at = 0;
    while (at < word.size() && word[at] >= '0' && word[at] <= '9') at++;
    if (word.substr(at, 2) != "<<" || at > 9) return std::nullopt;
    if (auto number = parse_decimal(word.substr(0, at))) marker.file_descriptor = static_cast<int>(*number);
    word.remove_prefix(at + 2);
    if (word.substr(0, 1) == "-") {
        marker.strip_tabs = true;
        word.remove_prefix(1);
    }
    if (word.empty() || word.find('<') != std::string_view::npos) return std::nullopt;
    auto name = unquote(word, '\\');
    if (!name || name->empty()) return std::nullopt;
    marker.expand = *name == word;
    marker.name = std::move(*name);
    return marker;
}

std::vector<HeredocMarker> find_heredoc_markers(std::string_view text) {
    std::vector<HeredocMarker> markers;
    if (text.find("<<") == std::string_view::npos) return markers;
    for (const Word& word : split_words(text, '\\')) {
        if (auto marker = parse_heredoc_marker(word.part)) markers.push_back(std::move(*marker));
    }
    return markers;
}

}  // namespace gbuild::dockerfile
