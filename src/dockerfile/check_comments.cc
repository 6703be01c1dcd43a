// Comments that say which checks to leave out: above an instruction, and hadolint's for the whole file.
#include <optional>

#include "gbuild/base/text.h"
#include "statement.h"

namespace gbuild::dockerfile {

namespace {

// What stands behind "=" when `text` begins with `words` and one; blanks may stand around each of them.
std::optional<std::string_view> value_of(std::string_view text, std::initializer_list<std::string_view> words) {
    for (std::string_view word : words) {
        text = trim(text);
        if (!equal_ignoring_case(text.substr(0, word.size()), word)) return std::nullopt;
        text.remove_prefix(word.size());
    }
    text = trim(text);
    if (text.substr(0, 1) != "=") return std::nullopt;
    return trim(text.substr(1));
}

// Prose such as "check = is it there?" is none.
bool has_options(std::string_view value) {
    const size_t end = value.find_first_not_of("abcdefghijklmnopqrstuvwxyz");
    return end != std::string_view::npos && end > 0 && trim(value.substr(end)).substr(0, 1) == "=";
}

class CommentReader {
  public:
    CommentReader(Dockerfile& dockerfile, int directives_end, std::vector<Warning>& warnings) :
        dockerfile_(dockerfile), directives_end_(directives_end), warnings_(warnings) {}

    void run() {
        int next = directives_end_ + 1;
        for (const Instruction& instruction : dockerfile_.instructions) {
            read(next, instruction.first_line, &instruction);
            next = instruction.last_line + 1;
        }
        read(next, static_cast<int>(dockerfile_.lines.size()) + 1, nullptr);
    }

  private:
    // Lines [from, to), of which none belongs to an instruction. An empty line ends what is said of `below`.
    void read(int from, int to, const Instruction* below) {
        int block = to;
        while (block > from && is_comment(block - 1)) block--;
        for (int number = from; number < to; number++) {
            const std::string_view comment = comment_of(number);
            if (const auto codes = value_of(comment, {"hadolint", "global", "ignore"}))
                dockerfile_.checks.ignore_everywhere(*codes);
            if (below && number >= block) above(comment, number, *below);
        }
    }

    void above(std::string_view comment, int number, const Instruction& below) {
        if (const auto codes = value_of(comment, {"hadolint", "ignore"}))
            dockerfile_.checks.ignore_for_lines(*codes, below.first_line, below.last_line);
        const auto options = value_of(comment, {"check"});
        if (!options || !has_options(*options)) return;
        SourceSpan span = dockerfile_.span_of_line(number);
        span.column = static_cast<int>(options->data() - line(number).data()) + 1;
        dockerfile_.checks.add_for_lines(*options, span, below.first_line, below.last_line, warnings_);
    }

    std::string_view line(int number) const { return dockerfile_.lines[static_cast<size_t>(number) - 1]; }
    bool is_comment(int number) const { return trim(line(number)).substr(0, 1) == "#"; }
    std::string_view comment_of(int number) const { return is_comment(number) ? trim(line(number)).substr(1) : ""; }

    Dockerfile& dockerfile_;
    int directives_end_;
    std::vector<Warning>& warnings_;
};

}  // namespace

void read_check_comments(Dockerfile& dockerfile, int directives_end, std::vector<Warning>& warnings) {
    CommentReader(dockerfile, directives_end, warnings).run();
}

}  // namespace gbuild::dockerfile
