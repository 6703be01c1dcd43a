#include "gbuild/dockerfile/expand.h"

#include <optional>

#include <fmt/format.h>

#include "characters.h"
#include "gbuild/base/error.h"
#include "gbuild/base/text.h"
#include "letters.h"
#include "shell_pattern.h"
#include "utf8.h"

namespace gbuild::dockerfile {

namespace {

constexpr size_t max_result = 1u << 20;
constexpr int max_depth = 64;

bool is_name_character(char c) { return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_special_parameter(char c) { return std::string_view("@*#?-$!").find(c) != std::string_view::npos; }

[[noreturn]] void fail(std::string message, std::string hint) {
    throw Error(ErrorKind::dockerfile, std::move(message)).hint(std::move(hint));
}

enum class Quotes { special, literal };
enum class Escapes { removed, kept };

// Collects the text of a word and, beside it, the words it falls into.
class Output {
  public:
    void add(char c) {
        text_ += c;
        if (!is_blank(c)) {
            word_ += c;
        } else if (!word_.empty()) {
            words_.push_back(std::move(word_));
            word_.clear();
        }
    }
    void add(std::string_view text) {
        for (char c : text) add(c);
    }
    void add_unsplit(std::string_view text) {
        text_ += text;
        word_ += text;
    }
    std::string take_text() { return std::move(text_); }
    std::vector<std::string> take_words() {
        if (!word_.empty()) words_.push_back(std::move(word_));
        return std::move(words_);
    }

  private:
    std::string text_, word_;
    std::vector<std::string> words_;
};

class Lexer {
  public:
    Lexer(const Expander& expander, std::string_view text, char escape, Quotes quotes) :
        expander_(expander), text_(text), escape_(escape), quotes_(quotes) {}

    // Up to `stop`, which is taken, or to the end when there is none.
    Output read(std::optional<char> stop, Escapes escapes) {
        if (++depth_ > max_depth) fail("variables are nested too deeply", "use an ARG or ENV for the inner ones");
        Output output;
        while (at_ < text_.size() && text_[at_] != stop) {
            char c = text_[at_];
            if (c == '$')
                output.add(dollar());
            else if (c == '\'' && quotes_ == Quotes::special)
                output.add_unsplit(single_quotes());
            else if (c == '"' && quotes_ == Quotes::special)
                output.add_unsplit(double_quotes(escapes));
            else if (c == escape_)
                escaped(output, escapes);
            else
                output.add(text_[at_++]);
        }
        if (stop && at_ == text_.size()) fail_unclosed(*stop);
        if (stop) at_++;
        depth_--;
        return output;
    }

  private:
    [[noreturn]] void fail_unclosed(char missing) {
        if (missing == '/') fail("a \"/\" is missing in \"${…}\"", "write ${name/pattern/replacement}");
        fail("a \"${\" is not closed", "add the missing \"}\"");
    }

    void escaped(Output& output, Escapes escapes) {
        if (escapes == Escapes::kept) output.add_unsplit(text_.substr(at_, 1));
        at_++;
        if (at_ == text_.size()) return;
        output.add_unsplit(text_.substr(at_++, 1));
    }

    std::string single_quotes() {
        size_t end = text_.find('\'', at_ + 1);
        if (end == std::string_view::npos) fail("a single quote is not closed", "add the missing '");
        std::string result(text_.substr(at_ + 1, end - at_ - 1));
        at_ = end + 1;
        return result;
    }

    std::string double_quotes(Escapes escapes) {
        std::string result;
        for (at_++; at_ < text_.size();) {
            char c = text_[at_];
            if (c == '$') {
                result += dollar();
                continue;
            }
            at_++;
            if (c == '"') return result;
            if (c == escape_) {
                if (escapes == Escapes::kept) result += c;
                if (at_ == text_.size()) break;
                char next = text_[at_];
                if (next == '"' || next == '$' || next == escape_) {
                    c = next;
                    at_++;
                }
            }
            result += c;
        }
        fail("a double quote is not closed", "add the missing \"");
    }

    // Letters and digits are those of all scripts.
    std::string take_name() {
        size_t begin = at_;
        if (take_one(is_digit, is_unicode_digit)) {
            while (take_one(is_digit, is_unicode_digit)) {
            }
        } else if (at_ < text_.size() && is_special_parameter(text_[at_])) {
            at_++;
        } else {
            while (take_one(is_name_character, is_unicode_letter_or_digit)) {
            }
        }
        return std::string(text_.substr(begin, at_ - begin));
    }

    bool take_one(bool (*is_ascii_one)(char), bool (*is_other_one)(char32_t)) {
        if (at_ == text_.size()) return false;
        const CodePoint next = first_code_point(text_.substr(at_));
        if (next.value < 0x80 ? !is_ascii_one(text_[at_]) : !is_other_one(next.value)) return false;
        at_ += next.length;
        return true;
    }

    std::string dollar() {
        at_++;
        if (at_ == text_.size() || text_[at_] != '{') {
            std::string name = take_name();
            return name.empty() ? "$" : value_or_empty(name);
        }
        at_++;
        if (at_ == text_.size()) fail_unclosed('}');
        if (std::string_view("{}:").find(text_[at_]) != std::string_view::npos) {
            fail("a \"${\" has no name after it", "write ${NAME}");
        }
        std::string name = take_name();
        if (at_ == text_.size()) fail_unclosed('}');
        char operation = text_[at_++];
        if (operation == '}') return value_or_empty(name);
        if (operation == '/') return replace(name);
        if (operation == '#' || operation == '%') return cut(name, operation);
        return conditional(name, operation);
    }

    std::string conditional(const std::string& name, char operation) {
        bool empty_counts_as_unset = operation == ':';
        std::string shown(1, operation);
        if (empty_counts_as_unset) {
            if (at_ == text_.size()) fail_unclosed('}');
            operation = text_[at_++];
            shown += operation;
        }
        if (operation != '-' && operation != '+' && operation != '?') {
            fail(fmt::format("${{{}…}} cannot have {} after the name", name, quoted(shown)),
                 "the modifiers are - + ? :- :+ :? # ## % %% / and //");
        }
        std::string word = read('}', Escapes::removed).take_text();
        auto value = lookup(name);
        bool present = value && !(empty_counts_as_unset && value->empty());
        if (operation == '+') return present ? word : "";
        if (present) return *value;
        if (operation == '-') return word;
        if (word.empty()) word = value ? "is not allowed to be empty" : "is not allowed to be unset";
        fail(fmt::format("{}: {}", name, printable(word)),
             fmt::format("set it with --build-arg {}=VALUE, ARG or ENV", name));
    }

    std::string cut(const std::string& name, char operation) {
        std::string pattern = read('}', Escapes::kept).take_text();
        Extent extent = Extent::shortest;
        if (!pattern.empty() && pattern[0] == operation) {
            extent = Extent::longest;
            pattern.erase(0, 1);
        }
        std::string value = value_or_empty(name);
        ShellPattern matcher(pattern);
        return operation == '#' ? matcher.without_prefix(value, extent) : matcher.without_suffix(value, extent);
    }

    std::string replace(const std::string& name) {
        Occurrences occurrences = Occurrences::first;
        if (at_ < text_.size() && text_[at_] == '/') {
            occurrences = Occurrences::all;
            at_++;
        }
        std::string pattern = read('/', Escapes::kept).take_text();
        std::string replacement = read('}', Escapes::kept).take_text();
        return counted(ShellPattern(pattern).replaced(value_or_empty(name), replacement, occurrences));
    }

    std::optional<std::string> lookup(const std::string& name) {
        auto value = expander_.lookup(name);
        if (value) counted(*value);
        return value;
    }

    std::string value_or_empty(const std::string& name) {
        auto value = lookup(name);
        if (!value && expander_.unset) expander_.unset->push_back(name);
        return value.value_or("");
    }

    // Everything that comes from variables counts, even what a pattern takes away again.
    const std::string& counted(const std::string& value) {
        produced_ += value.size();
        if (produced_ > max_result) {
            throw Error(ErrorKind::limit, fmt::format("the text expands to more than {} bytes", max_result));
        }
        return value;
    }

    const Expander& expander_;
    std::string_view text_;
    char escape_;
    Quotes quotes_;
    size_t at_ = 0;
    size_t produced_ = 0;
    int depth_ = 0;
};

}  // namespace

std::string Expander::word(std::string_view text) const {
    return Lexer(*this, text, escape, Quotes::special).read(std::nullopt, Escapes::removed).take_text();
}

std::vector<std::string> Expander::words(std::string_view text) const {
    return Lexer(*this, text, escape, Quotes::special).read(std::nullopt, Escapes::removed).take_words();
}

std::string Expander::heredoc(std::string_view text) const {
    return Lexer(*this, text, '\\', Quotes::literal).read(std::nullopt, Escapes::removed).take_text();
}

}  // namespace gbuild::dockerfile
