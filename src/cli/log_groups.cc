#include "gbuild/cli/log_groups.h"

#include <fmt/format.h>

#include "gbuild/cli/display.h"

namespace gbuild::cli {

namespace {

// GitHub decodes these two in what follows "::group::"; safe text has no line ends.
std::string github_text(std::string_view safe) {
    std::string result;
    for (const char c : safe) result += c == '%' ? std::string("%25") : std::string(1, c);
    return result;
}

int64_t unix_seconds(std::chrono::system_clock::time_point time) {
    return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

}  // namespace

CiSystem ci_system(const Console& console) {
    if (console.env("GITHUB_ACTIONS").value_or("") == "true") return CiSystem::github;
    if (console.env("GITLAB_CI").value_or("") == "true") return CiSystem::gitlab;
    return CiSystem::none;
}

std::string LogGroups::enter(int step, std::string_view title) {
    if (system_ == CiSystem::none || step == open_) return {};
    std::string text = open_ != 0 ? end() : "";
    open_ = step;
    if (step != 0) text += begin(title);
    return text;
}

std::string LogGroups::begin(std::string_view title) {
    ++opened_;
    if (system_ == CiSystem::github) return fmt::format("::group::{}\n", github_text(safe_text(title)));
    return fmt::format("\x1b[0Ksection_start:{}:gbuild_{}\r\x1b[0K{}\n", unix_seconds(clock_()), opened_,
                       safe_text(title));
}

std::string LogGroups::end() const {
    if (system_ == CiSystem::github) return "::endgroup::\n";
    return fmt::format("\x1b[0Ksection_end:{}:gbuild_{}\r\x1b[0K\n", unix_seconds(clock_()), opened_);
}

}  // namespace gbuild::cli
