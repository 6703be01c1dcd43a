// How an image was built, kept beside it in the store: for `gbuild history`, `du` and `report`. The image itself has
// nothing of it.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "gbuild/base/events.h"
#include "gbuild/cli/json_text.h"
#include "gbuild/cli/progress.h"
#include "gbuild/engine/build.h"

namespace gbuild::cli {

// Times count from the beginning of the build, in milliseconds.
struct RecordedStep {
    StepStarted step;
    bool cached = false;
    int64_t began = 0, took = 0;
};

// A transfer or an activity.
struct RecordedWork {
    int step = 0;  // 0: of none
    std::string verb, name;
    bool cached = false;
    int64_t began = 0, took = 0;
    uint64_t bytes = 0;  // 0: not known
};

struct BuildRecord {
    int64_t created = 0;  // seconds since the epoch
    int64_t took = 0;
    std::vector<RecordedStep> steps;  // of all stages, by number
    std::vector<RecordedWork> work;   // in the order of their ends
    std::vector<Warning> warnings;
    std::vector<std::pair<std::string, std::string>> bases;  // reference and digest
    build::Provenance provenance;

    // The share of the image's step of that number; null for one of another stage.
    const build::StepFiles* files_of(int step) const;
};

Json record_json(const BuildRecord& record);
// nullopt for anything that record_json() does not give.
std::optional<BuildRecord> parse_record(const std::string& json);

// Of the image with this SHA3-224. A store at `root` is not created. Throws permission, io.
std::optional<BuildRecord> read_record(const std::filesystem::path& root, const std::string& sha3);
// What is not known of an image that was not written anew stays as it was: which files come from which step.
void put_record(const std::filesystem::path& root, const std::string& sha3, BuildRecord record);

// Passes events on, and keeps what a record has of them. Thread-safe.
class BuildRecorder : public EventSink {
  public:
    BuildRecorder(EventSink& inner, Clock clock = std::chrono::steady_clock::now);
    void emit(const Event& event) override;
    // The build's, which has ended with this.
    BuildRecord record(const build::BuildResult& result) const;

  private:
    void keep(const Event& event, int64_t now);
    int64_t now() const;

    EventSink& inner_;
    Clock clock_;
    TimePoint began_;
    std::chrono::system_clock::time_point wall_ = std::chrono::system_clock::now();
    mutable std::mutex mutex_;
    std::map<int, RecordedStep> steps_;
    std::map<int, RecordedWork> transfers_;                           // that are under way
    std::map<std::pair<int, std::string>, RecordedWork> activities_;  // likewise
    std::vector<RecordedWork> work_;
    std::vector<Warning> warnings_;
};

}  // namespace gbuild::cli
