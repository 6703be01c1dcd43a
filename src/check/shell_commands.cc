#include "shell_commands.h"

#include <algorithm>
#include <array>
#include <iterator>

#include "gbuild/base/text.h"

namespace gbuild::check {

namespace {

template <size_t N>
bool is_one_of(std::string_view word, const std::array<std::string_view, N>& words) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

std::string_view base_name(std::string_view path) { return path.substr(path.rfind('/') + 1); }

bool is_shell(std::string_view program) {
    constexpr std::array<std::string_view, 5> shells = {"sh", "bash", "ash", "dash", "zsh"};
    return is_one_of(base_name(program), shells);
}

bool is_keyword(std::string_view word) {
    constexpr std::array<std::string_view, 14> keywords = {"if",    "then",  "elif", "else", "fi", "do",   "done",
                                                           "while", "until", "!",    "{",    "}",  "time", "esac"};
    return is_one_of(word, keywords);
}

bool is_assignment(std::string_view word) {
    const size_t equals = word.find('=');
    if (equals == std::string_view::npos || equals == 0) return false;
    return std::all_of(word.begin(), word.begin() + static_cast<std::ptrdiff_t>(equals), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    });
}

// Programs that start the one behind them.
bool is_starter(std::string_view name) {
    constexpr std::array<std::string_view, 6> starters = {"sudo", "env", "exec", "command", "nohup", "eatmydata"};
    return is_one_of(name, starters);
}

class ShellReader {
  public:
    explicit ShellReader(std::string_view script) : script_(script) {}

    std::vector<ShellCommand> run() {
        while (at_ < script_.size()) step();
        end_command(false);
        return std::move(commands_);
    }

  private:
    char peek(size_t ahead = 0) const { return at_ + ahead < script_.size() ? script_[at_ + ahead] : '\0'; }

    void step() {
        const char c = peek();
        if (c == '\\') return take_escaped();
        if (c == '\'' || c == '"') return take_quoted(c);
        if (c == '$' && peek(1) == '(') return take_substitution();
        if (c == '`') return take_quoted('`');
        if (c == '#' && !in_word_) return skip_comment();
        if (c == ' ' || c == '\t' || c == '\r') return next_word();
        if (c == '\n' || c == ';' || c == '(' || c == ')') return separator(1, false);
        if (c == '|') return separator(peek(1) == '|' || peek(1) == '&' ? 2 : 1, peek(1) != '|');
        if (c == '&' && peek(1) == '&') return separator(2, false);
        // ">&" and "&>" are redirections.
        if (c == '&' && peek(1) != '>' && (word_.empty() || (word_.back() != '>' && word_.back() != '<')))
            return separator(1, false);
        add(c);
        at_++;
    }

    void add(char c) {
        word_ += c;
        in_word_ = true;
    }

    void take_escaped() {
        if (peek(1) != '\n' && at_ + 1 < script_.size()) add(peek(1));
        at_ += 2;
    }

    void take_quoted(char quote) {
        in_word_ = true;
        if (quote == '`') word_ += quote;
        for (at_++; at_ < script_.size() && peek() != quote; at_++) {
            if (peek() == '\\' && quote == '"' && at_ + 1 < script_.size()) at_++;
            word_ += peek();
        }
        if (quote == '`') word_ += quote;
        at_++;
    }

    void take_substitution() {
        size_t depth = 0;
        for (; at_ < script_.size(); at_++) {
            add(peek());
            if (peek() == '(') depth++;
            if (peek() == ')' && --depth == 0) break;
        }
        at_++;
    }

    void skip_comment() {
        while (at_ < script_.size() && peek() != '\n') at_++;
    }

    void next_word() {
        end_word();
        at_++;
    }

    void separator(size_t length, bool piped) {
        end_command(piped);
        at_ += length;
    }

    void end_word() {
        if (in_word_) words_.push_back(std::exchange(word_, {}));
        in_word_ = false;
    }

    void end_command(bool piped) {
        end_word();
        ShellCommand command;
        command.piped = piped;
        std::vector<std::string> words = std::exchange(words_, {});
        auto first = words.begin();
        for (bool starting = false; first != words.end(); ++first) {
            const std::string_view name = base_name(*first);
            command.sudo = command.sudo || name == "sudo";
            const bool skipped = is_keyword(*first) || is_assignment(*first) || is_starter(name) ||
                                 (starting && first->starts_with('-'));
            if (!skipped) break;
            starting = starting || is_starter(name);
        }
        command.words.assign(std::make_move_iterator(first), std::make_move_iterator(words.end()));
        if (!command.words.empty()) commands_.push_back(std::move(command));
    }

    std::string_view script_;
    size_t at_ = 0;
    std::string word_;
    bool in_word_ = false;
    std::vector<std::string> words_;
    std::vector<ShellCommand> commands_;
};

// Whether a shell reads this heredoc of the command: "RUN <<EOF", "RUN bash <<EOF".
bool shell_reads_heredoc(const std::string& command, const dockerfile::Heredoc& heredoc) {
    const std::vector<ShellCommand> outer = parse_commands(command);
    const bool alone = !outer.empty() && outer.front().program().starts_with("<<");
    if (!alone) return !outer.empty() && is_shell(outer.front().program());
    if (!heredoc.contents.starts_with("#!")) return true;
    const std::string line = heredoc.contents.substr(2, heredoc.contents.find('\n') - 2);
    const std::vector<std::string> words = split(trim(line), ' ');
    return is_shell(base_name(words.front()) == "env" && words.size() > 1 ? words[1] : words.front());
}

void append(std::vector<ShellCommand>& to, std::vector<ShellCommand> more) {
    to.insert(to.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

}  // namespace

std::string_view ShellCommand::name() const { return base_name(program()); }

std::string_view ShellCommand::subcommand() const {
    const auto found =
        std::find_if(words.begin() + 1, words.end(), [](const std::string& word) { return !word.starts_with('-'); });
    return found == words.end() ? std::string_view() : std::string_view(*found);
}

bool ShellCommand::has_option(std::string_view option) const {
    const bool is_short = option.size() == 2 && option[1] != '-';
    return std::any_of(words.begin() + 1, words.end(), [&](const std::string& word) {
        if (word == option) return true;
        return is_short && word.size() > 2 && word[0] == '-' && word[1] != '-' && word.find('=') == std::string::npos &&
               word.find(option[1]) != std::string::npos;
    });
}

bool ShellCommand::has_word(std::string_view word) const {
    return std::find(words.begin(), words.end(), word) != words.end();
}

std::vector<ShellCommand> parse_commands(std::string_view script) { return ShellReader(script).run(); }

std::vector<ShellCommand> commands_of(const dockerfile::Instruction& run) {
    const std::vector<std::string>& args = run.args;
    if (run.form == dockerfile::Form::exec) {
        if (args.size() >= 3 && is_shell(args[0])) {
            const auto option = std::find_if(args.begin() + 1, args.end(), [](const std::string& word) {
                return word.size() > 1 && word[0] == '-' && word[1] != '-' && word.back() == 'c';
            });
            if (option != args.end() && option + 1 != args.end()) return parse_commands(*(option + 1));
        }
        ShellCommand command;
        command.words = args;
        return args.empty() ? std::vector<ShellCommand>() : std::vector<ShellCommand>{command};
    }
    std::vector<ShellCommand> commands = args.empty() ? std::vector<ShellCommand>() : parse_commands(args[0]);
    for (const dockerfile::Heredoc& heredoc : run.heredocs) {
        if (shell_reads_heredoc(args[0], heredoc)) append(commands, parse_commands(heredoc.contents));
    }
    return commands;
}

}  // namespace gbuild::check
