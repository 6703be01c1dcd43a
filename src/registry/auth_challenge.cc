#include "gbuild/registry/auth_challenge.h"

#include <algorithm>

#include "gbuild/base/text.h"

namespace gbuild::registry {

namespace {

constexpr size_t max_challenges = 16;
constexpr size_t max_params = 32;

class ChallengeParser {
  public:
    explicit ChallengeParser(std::string_view text) : text_(text) {}

    std::vector<Challenge> parse() {
        while (skip_separators(), at_ < text_.size() && challenges_.size() <= max_challenges) {
            std::string_view name = word();
            if (name.empty()) {
                skip_to_comma();
                continue;
            }
            skip_spaces();
            if (peek() == '=')
                equals(name);
            else if (after_scheme_ && !comma_)
                after_scheme_ = false;  // unpadded token68: "Negotiate abc"
            else
                begin_challenge(name);
        }
        return std::move(challenges_);
    }

  private:
    void begin_challenge(std::string_view name) {
        challenges_.push_back({to_lower(name), {}});
        after_scheme_ = true;
    }
    // `name` was followed by '=': a parameter, or the padding of a token68.
    void equals(std::string_view name) {
        at_++;
        skip_spaces();
        after_scheme_ = false;
        if (peek() == '=' || peek() == ',' || at_ == text_.size()) return skip_to_comma();
        std::string value = peek() == '"' ? quoted_string() : std::string(up_to(" \t,"));
        if (challenges_.empty() || challenges_.back().params.size() >= max_params) return;
        challenges_.back().params.emplace(to_lower(name), std::move(value));
    }
    std::string quoted_string() {
        std::string out;
        for (at_++; at_ < text_.size() && text_[at_] != '"'; at_++) {
            if (text_[at_] == '\\' && at_ + 1 < text_.size()) at_++;
            out += text_[at_];
        }
        if (at_ < text_.size()) at_++;
        return out;
    }
    // A token, or the wider alphabet of token68.
    std::string_view word() { return up_to(" \t,=\""); }
    std::string_view up_to(std::string_view ends) {
        size_t start = at_;
        at_ = std::min(text_.find_first_of(ends, at_), text_.size());
        return text_.substr(start, at_ - start);
    }
    char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
    void skip_spaces() {
        while (peek() == ' ' || peek() == '\t') at_++;
    }
    void skip_separators() {
        comma_ = at_ == 0;
        while (peek() == ' ' || peek() == '\t' || peek() == ',') {
            if (peek() == ',') comma_ = true;
            at_++;
        }
    }
    void skip_to_comma() {
        while (at_ < text_.size() && text_[at_] != ',') at_++;
    }

    std::string_view text_;
    size_t at_ = 0;
    bool comma_ = true;          // a comma stood before the current word
    bool after_scheme_ = false;  // the previous word began a challenge
    std::vector<Challenge> challenges_;
};

}  // namespace

std::string Challenge::param(std::string_view name) const {
    auto found = params.find(std::string(name));
    return found == params.end() ? std::string() : found->second;
}

std::vector<Challenge> parse_challenges(std::string_view header) { return ChallengeParser(header).parse(); }

}  // namespace gbuild::registry
