// COPY and ADD.
#include <algorithm>

#include <fmt/format.h>

#include "describe.h"
#include "gbuild/base/digest.h"
#include "gbuild/base/text.h"
#include "gbuild/dockerfile/chmod.h"
#include "gbuild/dockerfile/pattern.h"
#include "gbuild/plan/remote_source.h"
#include "paths.h"
#include "stage_planner.h"

namespace gbuild::plan {

namespace {

bool is_true(const dockerfile::Flag& flag) { return !flag.has_value || equal_ignoring_case(flag.value, "true"); }

// "user", "user:group", ":group"
bool is_owner(std::string_view text) {
    return std::count(text.begin(), text.end(), ':') <= 1 && text != ":" && !text.empty();
}

}  // namespace

void StagePlanner::copy_flags(CopyStep& copy, std::vector<dockerfile::Flag>& shown) {
    for (dockerfile::Flag& flag : shown) {
        const std::string written = flag.value;
        if (flag.name != "from" && flag.has_value) flag.value = word(written);
        auto reject = [&](std::string message, std::string hint) {
            throw Error(ErrorKind::dockerfile, std::move(message)).hint(std::move(hint)).at(flag.span);
        };
        if (flag.name == "link")
            copy.link = is_true(flag);
        else if (flag.name == "parents")
            copy.parents = is_true(flag);
        else if (flag.name == "keep-git-dir")
            copy.keep_git_dir = is_true(flag);
        else if (flag.name == "unpack")
            copy.unpack = is_true(flag);
        else if (flag.name == "checksum")
            copy.checksum = flag.value;
        if (flag.value.empty()) continue;  // as good as no flag
        try {
            if (flag.name == "chmod") {
                dockerfile::Chmod::parse(flag.value);
                copy.chmod = flag.value;
            } else if (flag.name == "exclude") {
                [[maybe_unused]] const dockerfile::Pattern checked(flag.value);
                copy.exclude.push_back(flag.value);
            }
        } catch (const Error& error) {
            reject(error.message(), error.hint());
        }
        if (flag.name != "chown") continue;
        if (!is_owner(flag.value))
            reject(fmt::format("{} is no owner", quoted(flag.value)), "give USER, USER:GROUP or :GROUP");
        copy.chown = flag.value;
        copy.chown_span = flag.span;
    }
}

dockerfile::WordSpans StagePlanner::spans_of_args() const {
    if (!instruction_->arg_spans.empty()) return instruction_->arg_spans;
    dockerfile::WordSpans spans;
    const auto& args = instruction_->args;
    for (size_t i = 0; i < std::min(args.size(), dockerfile::WordSpans::most); i++) {
        spans.add(context_.file.span_of(*instruction_, args[i]));
    }
    return spans;
}

void StagePlanner::check_sources(const CopyStep& copy) {
    const auto& args = instruction_->args;
    for (size_t i = 0; i < copy.paths.size(); i++) {
        if (copy.paths[i].empty()) {
            fail(args[i], fmt::format("a source of {} is empty after expansion", instruction_->name),
                 "check the variables in it; \".\" is the whole context");
        }
        if (!is_remote_source(copy.paths[i])) continue;
        if (!copy.is_add) {
            fail(args[i], fmt::format("COPY cannot fetch {}", quoted(without_login(args[i]))),
                 "use ADD for URLs and git repositories");
        }
        check_remote(copy, remote_source(args[i], copy.paths[i]));
    }
    if (!copy.checksum.empty()) check_checksum(copy);
}

RemoteSource StagePlanner::remote_source(const std::string& written, const std::string& path) const {
    try {
        return *parse_remote_source(path);
    } catch (const Error& error) {
        fail(written, error.message(), error.hint());
    }
}

// A git URL may say what flags say, too.
void StagePlanner::check_remote(const CopyStep& copy, const RemoteSource& source) const {
    const auto* git = std::get_if<GitSource>(&source);
    if (!git) return;
    const auto& flags = instruction_->flags;
    const bool has_flag = std::any_of(flags.begin(), flags.end(),
                                      [](const dockerfile::Flag& flag) { return flag.name == "keep-git-dir"; });
    if (has_flag && git->keep_git_dir && *git->keep_git_dir != copy.keep_git_dir) {
        fail("--keep-git-dir", "--keep-git-dir and the git URL's keep-git-dir contradict each other",
             "keep one of the two");
    }
    const std::string checksum = to_lower(copy.checksum);
    if (!checksum.starts_with(git->commit) && !git->commit.starts_with(checksum)) {
        fail("--checksum",
             fmt::format("--checksum={} and the git URL's commit {} contradict each other", printable(copy.checksum),
                         git->commit),
             "keep one of the two");
    }
}

void StagePlanner::check_checksum(const CopyStep& copy) {
    const bool alone = copy.paths.size() == 1 && copy.inline_files.empty();
    const auto source = alone ? parse_remote_source(copy.paths[0]) : std::nullopt;
    if (!source)
        fail("--checksum", "--checksum is for one URL or git repository", "remove the flag, or ADD the URL alone");
    if (std::holds_alternative<GitSource>(*source)) {
        if (!is_commit_prefix(to_lower(copy.checksum))) {
            fail("--checksum",
                 fmt::format("the checksum of a git repository is a commit, not {}", quoted(copy.checksum)),
                 "give the commit's id: 40 hex digits, or its first ones");
        }
    } else if (!copy.checksum.starts_with("sha256:") || !Digest::parse(copy.checksum)) {
        fail("--checksum", fmt::format("the checksum of a URL is a sha256 digest, not {}", quoted(copy.checksum)),
             "give sha256: and 64 lower-case hex digits");
    }
}

// ADD is the one instruction whose words may be URLs with passwords.
void StagePlanner::show_without_logins(Step& step, const std::vector<dockerfile::Flag>& flags,
                                       std::vector<std::string> words) {
    if (instruction_->name == "ADD") {
        std::vector<std::string> written = instruction_->args;
        for (std::string& arg : written) arg = without_login(arg);
        for (std::string& word : words) word = without_login(word);
        step.text = describe(*instruction_, instruction_->flags, written);
    }
    show(step, flags, words);
}

void StagePlanner::copy(Step& step) {
    CopyStep copy;
    copy.is_add = instruction_->name == "ADD";
    if (auto source = source_.sources.find(index_); source != source_.sources.end()) copy.source = source->second;
    std::vector<dockerfile::Flag> flags = instruction_->flags;
    copy_flags(copy, flags);

    std::vector<std::string> words;
    for (const std::string& argument : instruction_->args) words.push_back(word(argument));
    copy.paths.assign(words.begin(), words.end() - 1);
    copy.spans = spans_of_args();
    for (const dockerfile::Heredoc& heredoc : instruction_->heredocs) {
        copy.inline_files.push_back(
            {heredoc.name, heredoc.expand ? expansion_->heredoc(heredoc.contents) : heredoc.contents});
    }
    if (words.back().empty()) words.back().assign(1, '.');
    check_length(instruction_->args.back(), words.back());
    copy.destination = resolve_destination(working_directory(), words.back());
    check_length(instruction_->args.back(), copy.destination);
    check_sources(copy);
    show_without_logins(step, flags, std::move(words));
    step.action = std::move(copy);
}

}  // namespace gbuild::plan
