#include "upload_meter.h"

#include <algorithm>

#include <fmt/format.h>

#include "gbuild/base/text.h"

namespace gbuild::publish {

namespace {

constexpr int upload_id = 0;  // no other transfer is under way

}  // namespace

UploadMeter::UploadMeter(EventSink& events, std::string label, uint64_t total, Clock clock) :
    events_(events), total_(total), clock_(std::move(clock)), began_(clock_()), noted_(began_) {
    events_.emit(TransferStarted{upload_id, 0, std::move(label), "pushing", total});
}

UploadMeter::~UploadMeter() { events_.emit(TransferFinished{upload_id, accepted_chunks_ == 0}); }

void UploadMeter::sending(size_t chunk, uint64_t bytes) {
    std::lock_guard lock(mutex_);
    on_their_way_[chunk] = bytes;
    report();
}

void UploadMeter::accepted(size_t chunk, uint64_t bytes) {
    std::lock_guard lock(mutex_);
    on_their_way_.erase(chunk);
    accepted_bytes_ += bytes;
    accepted_chunks_++;
    report();
}

size_t UploadMeter::chunks() const {
    std::lock_guard lock(mutex_);
    return accepted_chunks_;
}

uint64_t UploadMeter::bytes() const {
    std::lock_guard lock(mutex_);
    return accepted_bytes_;
}

void UploadMeter::report() {
    uint64_t done = accepted_bytes_;
    for (const auto& [chunk, bytes] : on_their_way_) done += bytes;
    events_.emit(TransferProgress{upload_id, done});
    const TimePoint now = clock_();
    if (now - noted_ < note_interval) return;
    noted_ = now;
    note(done, now);
}

// What has to be sent again can make it more than the total.
void UploadMeter::note(uint64_t done, TimePoint now) {
    const double rate = static_cast<double>(done) / std::chrono::duration<double>(now - began_).count();
    std::string left;
    if (rate >= 1 && done < total_) {
        const auto seconds = static_cast<uint64_t>(static_cast<double>(total_ - done) / rate) + 1;
        left = seconds < 60 ? fmt::format(", {} s left", seconds)
                            : fmt::format(", {} min {:02} s left", seconds / 60, seconds % 60);
    }
    events_.emit(Notice{fmt::format("sent {} of {}, {}/s{}", human_size(done), human_size(std::max(done, total_)),
                                    human_size(static_cast<uint64_t>(rate)), left)});
}

}  // namespace gbuild::publish
