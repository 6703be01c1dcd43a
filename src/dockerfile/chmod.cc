#include "gbuild/dockerfile/chmod.h"

#include <algorithm>

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/text.h"

namespace gbuild::dockerfile {

namespace {

constexpr uint32_t user = 04700, group = 02070, other = 0007, sticky = 01000;
constexpr uint32_t everyone = user | group | other | sticky;

[[noreturn]] void malformed_mode(std::string_view text) {
    throw Error(ErrorKind::dockerfile, fmt::format("{} is no file mode", quoted(text)))
        .hint("give octal digits up to 7777 (755) or symbolic changes (u=rwX,go=rX)");
}

bool is_octal_digit(char c) { return c >= '0' && c <= '7'; }

bool is_operator(char c) { return c == '+' || c == '-' || c == '='; }

// The three permission bits of one of u, g, o, for all three at once.
uint32_t spread(uint32_t mode, char from) {
    uint32_t bits = (from == 'u' ? mode >> 6 : from == 'g' ? mode >> 3 : mode) & 7;
    return bits << 6 | bits << 3 | bits;
}

uint32_t who_bits(char c) {
    switch (c) {
    case 'u': return user;
    case 'g': return group;
    case 'o': return other | sticky;
    case 'a': return everyone;
    default: return 0;
    }
}

uint32_t permission_bits(char c) {
    switch (c) {
    case 'r': return 0444;
    case 'w': return 0222;
    case 'x': return 0111;
    case 's': return 06000;
    case 't': return sticky;
    default: return 0;
    }
}

}  // namespace

Chmod Chmod::parse(std::string_view text) {
    Chmod result;
    if (!text.empty() && std::all_of(text.begin(), text.end(), is_octal_digit)) {
        uint32_t mode = 0;
        for (char digit : text) {
            mode = mode * 8 + static_cast<uint32_t>(digit - '0');
            if (mode > 07777) malformed_mode(text);
        }
        result.clauses_.push_back({everyone, '=', mode, false, '\0'});
        result.octal_ = mode;
        return result;
    }
    try {
        for (const std::string& clause : split(text, ',')) parse_clause(clause, result.clauses_);
    } catch (const Error&) {
        malformed_mode(text);  // the whole of it is what the user wrote
    }
    return result;
}

void Chmod::parse_clause(std::string_view text, std::vector<Clause>& clauses) {
    size_t at = 0;
    uint32_t who = 0;
    while (at < text.size() && who_bits(text[at]) != 0) who |= who_bits(text[at++]);
    if (who == 0) who = everyone;
    if (at == text.size() || !is_operator(text[at])) malformed_mode(text);
    while (at < text.size()) {
        Clause clause{who, text[at], 0, false, '\0'};
        if (!is_operator(text[at++])) malformed_mode(text);
        if (at < text.size() && (text[at] == 'u' || text[at] == 'g' || text[at] == 'o')) {
            clause.copy_from = text[at++];
        } else {
            for (; at < text.size() && !is_operator(text[at]); at++) {
                if (text[at] == 'X')
                    clause.execute_if_any = true;
                else if (uint32_t bits = permission_bits(text[at]))
                    clause.bits |= bits;
                else
                    malformed_mode(text);
            }
        }
        clauses.push_back(clause);
    }
}

uint32_t Chmod::apply_clause(const Clause& clause, uint32_t mode, bool is_directory) {
    uint32_t bits = clause.copy_from != '\0' ? spread(mode, clause.copy_from) : clause.bits;
    if (clause.execute_if_any && (is_directory || (mode & 0111) != 0)) bits |= 0111;
    bits &= clause.who;
    switch (clause.operation) {
    case '+': return mode | bits;
    case '-': return mode & ~bits;
    default: return (mode & ~clause.who) | bits;
    }
}

uint32_t Chmod::apply(uint32_t mode, bool is_directory) const {
    for (const Clause& clause : clauses_) mode = apply_clause(clause, mode, is_directory);
    return mode;
}

}  // namespace gbuild::dockerfile
