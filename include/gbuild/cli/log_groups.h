// Foldable parts of the logs of CI systems: one for each step.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>

#include "gbuild/cli/console.h"

namespace gbuild::cli {

enum class CiSystem {
    none,
    github,  // ::group::TITLE and ::endgroup::
    gitlab,  // section_start:TIME:NAME and section_end:TIME:NAME
};

// The one that runs this process, by what it puts into the environment: GITHUB_ACTIONS, GITLAB_CI.
CiSystem ci_system(const Console& console);

// The markers, each with its line end where it has a line of its own. At most one group is open, since GitHub's cannot
// be nested: what comes from another step ends it, and opens that step's once more.
class LogGroups {
  public:
    using WallClock = std::function<std::chrono::system_clock::time_point()>;

    explicit LogGroups(CiSystem system = CiSystem::none, WallClock clock = std::chrono::system_clock::now) :
        system_(system), clock_(std::move(clock)) {}

    // What is written from now on belongs to `step`; 0: to none. "" when that has not changed.
    std::string enter(int step, std::string_view title);
    bool is_on() const { return system_ != CiSystem::none; }

  private:
    std::string end() const;
    std::string begin(std::string_view title);

    CiSystem system_;
    WallClock clock_;
    int open_ = 0;    // the step, or 0
    int opened_ = 0;  // groups so far: GitLab wants other names for them
};

}  // namespace gbuild::cli
