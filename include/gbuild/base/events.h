// What a build tells whoever watches it. Parts emit events; only the cli part turns them into text.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "gbuild/base/error.h"

namespace gbuild {

// A Dockerfile step (or an implicit one, such as writing the image). `id` counts from 1 and is unique in a build.
struct StepStarted {
    int id = 0;
    int number = 0;  // position among `total` numbered steps; 0: not numbered
    int total = 0;
    std::string stage;  // name or index of the stage; empty for a single unnamed one
    std::string text;   // as the Dockerfile has it, values not expanded
    int line = 0;
};
// The numbered steps of the build, in their order, before the first one starts: what there is to wait for.
struct StepsPlanned {
    std::vector<StepStarted> steps;
};
struct StepFinished {
    int id = 0;
    bool cached = false;
    std::chrono::milliseconds took{};
    std::string detail;  // for example an image digest; may be empty
};
struct StepFailed {
    int id = 0;
    bool interrupted = false;  // called off, because of something else
};
struct StepOutput {
    int id = 0;
    std::vector<std::string> lines;  // at least one, without their ends
};
// Something with a size that moves: a layer being pulled and packed, an image being written.
struct TransferStarted {
    int id = 0;          // unique in a build, in its own numbering
    int step = 0;        // the step it belongs to; 0: none
    std::string label;   // "sha256:0123456789ab", "golem-example-latest.gvmi"
    std::string verb;    // "pulling", "writing"
    uint64_t total = 0;  // bytes; 0: unknown
};
struct TransferProgress {
    int id = 0;
    uint64_t done = 0;
};
struct TransferFinished {
    int id = 0;
    bool cached = false;  // nothing had to be moved
};
// Work that takes a while and is no transfer: "resolving debian:latest", a step's "packing". No two of the same step,
// verb and object run at a time.
struct Activity {
    int step = 0;      // the step it belongs to; 0: none
    std::string verb;  // "resolving", "packing", "extracting"
    std::string object;
};
struct ActivityStarted {
    Activity activity;
};
struct ActivityProgress {
    Activity activity;
    uint64_t done = 0;  // bytes
};
struct ActivityFinished {
    Activity activity;
};
struct Warning {
    std::string id;  // stable, for example "no-volume"
    std::string message;
    std::optional<SourceSpan> span;
    std::string hint;
};
struct Notice {
    std::string message;
};

using Event =
    std::variant<StepsPlanned, StepStarted, StepFinished, StepFailed, StepOutput, TransferStarted, TransferProgress,
                 TransferFinished, ActivityStarted, ActivityProgress, ActivityFinished, Warning, Notice>;

// Receives events from any thread; implementations lock. Must not throw.
class EventSink {
  public:
    virtual ~EventSink() = default;
    virtual void emit(const Event& event) = 0;
};

// An activity's events: it goes on as long as this lives.
class ReportedActivity {
  public:
    ReportedActivity(EventSink& events, Activity activity) : events_(events), activity_(std::move(activity)) {
        events_.emit(ActivityStarted{activity_});
    }
    ReportedActivity(const ReportedActivity&) = delete;
    ReportedActivity& operator=(const ReportedActivity&) = delete;
    ~ReportedActivity() { events_.emit(ActivityFinished{activity_}); }
    void progress(uint64_t done) const { events_.emit(ActivityProgress{activity_, done}); }

  private:
    EventSink& events_;
    Activity activity_;
};

// Drops everything.
class NullSink : public EventSink {
  public:
    void emit(const Event&) override {}
};

}  // namespace gbuild
