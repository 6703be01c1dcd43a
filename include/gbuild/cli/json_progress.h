// Progress for programs: one JSON object a line (JSON Lines), each with the key "event". docs/progress.md is the
// schema, whose version is the first event's.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <utility>

#include "gbuild/cli/progress.h"

namespace gbuild::cli {

class JsonProgress : public LockedProgress {
  public:
    static constexpr int schema = 1;
    // The progress of a transfer or an activity is reported at most this often.
    static constexpr std::chrono::milliseconds report_interval{250};

    // `wall` is the time of day now. Writes the first event.
    JsonProgress(Output& output, Clock clock, std::chrono::system_clock::time_point wall);
    bool tell(const Error& error) override;
    void finish(const Ending& ending) override;

  protected:
    void handle(const Event& event, TimePoint now) override;

  private:
    using Moving = std::pair<int, std::string>;  // a transfer's id and "", or an activity's step and name
    bool is_too_early(const Moving& moving, TimePoint now);
    bool is_left_out(const Event& event, TimePoint now);
    void write(Json json, TimePoint now);

    Output& output_;
    std::chrono::system_clock::time_point wall_;
    std::map<Moving, TimePoint> reported_;
    bool is_finished_ = false;
};

// The error of the event "error".
Json error_json(const Error& error);

// What is written where progress was to be JSON, but the command line could not be read: the first event, the error
// and the result.
std::string json_refusal(const Error& error, std::chrono::system_clock::time_point wall);

}  // namespace gbuild::cli
