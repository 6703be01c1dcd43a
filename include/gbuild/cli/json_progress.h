// Progress for programs: one JSON object a line (JSON Lines), each with the key "event". The man page lists the keys.
#pragma once

#include <map>
#include <string>

#include "gbuild/cli/progress.h"

namespace gbuild::cli {

class JsonProgress : public LockedProgress {
  public:
    // A transfer's progress is reported at most this often.
    static constexpr std::chrono::milliseconds report_interval{250};

    JsonProgress(Output& output, Clock clock) : LockedProgress(std::move(clock)), output_(output) {}

  protected:
    void handle(const Event& event, TimePoint now) override;

  private:
    Output& output_;
    std::map<int, TimePoint> reported_;
};

// The last line of a build that failed: {"event": "error", "kind": …, "exitCode": …, …}.
std::string json_error_line(const Error& error);

}  // namespace gbuild::cli
