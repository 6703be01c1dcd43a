#include "image_push.h"

#include <fcntl.h>

#include <algorithm>

#include <fmt/format.h>

#include "chunk_upload.h"
#include "gbuild/base/error.h"
#include "gbuild/base/text.h"

namespace gbuild::publish {

namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr int most_registrations = 3;
// A registry without "status" may only be late with it.
constexpr int most_answers_without_status = 6;
constexpr uint64_t bytes_checked_in_a_second = 20'000'000;
constexpr std::chrono::seconds tag_patience{15};

// Pauses between questions whose answer takes its time.
class Pauses {
  public:
    Pauses(std::chrono::seconds limit, std::stop_token stop) : end_(Clock::now() + limit), stop_(std::move(stop)) {}
    bool over() const { return Clock::now() >= end_; }
    void pause() {
        registry::wait_for(delay_, stop_);
        delay_ = std::min(delay_ * 2, milliseconds(5000));
    }

  private:
    Clock::time_point end_;
    std::stop_token stop_;
    milliseconds delay_{250};
};

std::vector<size_t> missing_in(const UploadState& state, ChunkUpload* upload) {
    std::vector<size_t> missing;
    for (size_t i = 0; i < state.has_chunk.size(); i++) {
        if (!state.has_chunk[i] && !(upload && upload->is_accepted(i))) missing.push_back(i);
    }
    return missing;
}

uint64_t bytes_of(const golem::Descriptor& descriptor, const std::vector<size_t>& chunks) {
    uint64_t sum = 0;
    for (size_t number : chunks) sum += descriptor.chunk_length(number);
    return sum;
}

}  // namespace

ImagePush::ImagePush(RegistryApi& api, const PushJob& job, std::chrono::seconds patience, EventSink& events) :
    api_(api),
    job_(job),
    patience_(patience),
    events_(events),
    fd_(std::make_shared<const UniqueFd>(open_file(job.file, O_RDONLY))),
    label_(job.file.filename().native()) {}

PushResult ImagePush::run(const std::stop_token& stop) {
    describe(stop);
    const UploadState state = register_descriptor(stop);
    result_.chunks_there = static_cast<size_t>(std::count(state.has_chunk.begin(), state.has_chunk.end(), true));
    if (state.full) result_.chunks_there = state.has_chunk.size();
    // Before the upload, so that none is wasted; and before the first of several tags.
    if (!state.full || job_.names.size() > 1 || job_.dry_run) check_names(stop);
    if (job_.dry_run) return std::move(result_);
    if (!state.full) send_chunks(state, stop);
    attach(stop);
    return std::move(result_);
}

void ImagePush::describe(const std::stop_token& stop) {
    constexpr int transfer_id = 0;
    if (job_.descriptor) {
        result_.descriptor = *job_.descriptor;
    } else {
        const uint64_t size = file_size(fd_->get());
        events_.emit(TransferStarted{transfer_id, 0, label_, "reading", size});
        result_.descriptor = golem::describe(
            fd_->get(), job_.chunk_size.value_or(golem::usual_chunk_size(size)),
            [&](uint64_t done) {
                events_.emit(TransferProgress{transfer_id, done});
            },
            stop);
        events_.emit(TransferFinished{transfer_id, false});
    }
    id_ = result_.descriptor.id();
    const size_t chunks = result_.descriptor.chunks.size();
    if (chunks > golem::most_chunks) {
        events_.emit(Warning{"many-chunks",
                             fmt::format("the image makes {} chunks, and the Golem registry takes {} at most", chunks,
                                         golem::most_chunks),
                             std::nullopt, "choose larger ones with --chunk-size"});
    }
}

UploadState ImagePush::register_descriptor(const std::stop_token& stop) {
    Pauses pauses(patience_, stop);
    for (int sent = 0;;) {
        UploadState state = api_.upload_state(result_.descriptor, id_, stop);
        if (state.known) return state;
        // Nothing but its answer would be asked for.
        if (job_.dry_run && job_.names.empty()) return state;
        if (sent == most_registrations) {
            throw Error(
                ErrorKind::network,
                fmt::format("{} accepts the descriptor of the image, but does not know it afterwards (sent {} times)",
                            api_.place().host(), sent));
        }
        if (sent > 0) pauses.pause();
        api_.send_descriptor(result_.descriptor, stop);
        sent++;
    }
}

void ImagePush::check_names(const std::stop_token& stop) {
    for (const RegistryName& name : job_.names) api_.attach(id_, name, *job_.login, Attach::check, stop);
}

void ImagePush::send_chunks(const UploadState& first, const std::stop_token& stop) {
    if (result_.chunks_there > 0) {
        events_.emit(Notice{fmt::format("{} of {} chunks are in the registry already", result_.chunks_there,
                                        result_.descriptor.chunks.size())});
    }
    const UploadSource source{result_.descriptor, id_,
                              std::make_shared<registry::FileContent>(fd_, 0, result_.descriptor.size)};
    UploadMeter meter(events_, label_, bytes_of(result_.descriptor, missing_in(first, nullptr)));
    ChunkUpload upload(api_, source, meter);
    std::optional<UploadState> state = first;
    for (int losses = 0; losses <= most_registrations; losses++) {
        while (state && state->known) {
            const auto end = upload.run(missing_in(*state, &upload), job_.uploads, stop);
            result_.chunks_sent = meter.chunks();
            result_.bytes_sent = meter.bytes();
            if (end == ChunkUpload::End::descriptor_lost) break;
            state = wait_until_full(upload, stop);
        }
        if (!state) return;
        events_.emit(Notice{fmt::format("{} has lost the upload; it begins again", api_.place().host())});
        upload.forget();
        state = register_descriptor(stop);
    }
    throw Error(ErrorKind::network, fmt::format("{} loses the upload again and again", api_.place().host()))
        .hint("try again later; what it kept is not sent again");
}

// nullopt once it is; else a state in which something that was there, or the descriptor itself, is there no more.
std::optional<UploadState> ImagePush::wait_until_full(ChunkUpload& upload, const std::stop_token& stop) {
    const auto extra = std::chrono::seconds(result_.descriptor.size / bytes_checked_in_a_second);
    Pauses pauses(patience_ + extra, stop);
    for (int without_status = 0, asked = 0;; asked++) {
        UploadState state = api_.upload_state(result_.descriptor, id_, stop);
        if (state.full) return std::nullopt;
        if (!state.known || !missing_in(state, &upload).empty()) return state;
        without_status += state.has_status ? 0 : 1;
        if (pauses.over() || without_status == most_answers_without_status) give_up_waiting(state);
        if (asked == 1) events_.emit(Notice{"waiting for the registry to check the image"});
        pauses.pause();
    }
}

void ImagePush::give_up_waiting(const UploadState& last) const {
    const auto unlisted = std::count(last.has_chunk.begin(), last.has_chunk.end(), false);
    std::string why = "has all of the image, but has not checked it yet";
    if (!last.has_status)
        why = "does not say whether it has checked the image";
    else if (unlisted > 0)
        why = fmt::format("accepted all chunks, but does not list {} of them", unlisted);
    throw Error(ErrorKind::network, fmt::format("{} {}", api_.place().host(), why))
        .hint("run the same command again in a while: nothing is sent twice");
}

void ImagePush::attach(const std::stop_token& stop) {
    for (const RegistryName& name : job_.names) {
        api_.attach(id_, name, *job_.login, Attach::real, stop);
        result_.names.push_back({name, verified("tag=" + name.text(), name.text(), stop)});
    }
    if (job_.names.empty()) {
        result_.anonymous = verified("hash=" + result_.descriptor.hash().hex, "the image's hash", stop);
    }
}

// The registry's files are on a network: what was written may be seen a moment later.
ResolvedImage ImagePush::verified(const std::string& query, const std::string& what, const std::stop_token& stop) {
    const golem::ImageHash ours = result_.descriptor.hash();
    Pauses pauses(tag_patience, stop);
    for (;;) {
        const auto image = api_.find(query, stop);
        if (image && image->hash == ours) return *image;
        if (pauses.over()) {
            throw Error(ErrorKind::conflict,
                        fmt::format("{} was accepted, but {} gives {} for it", what, api_.place().host(),
                                    image ? "another image, " + image->hash.hex : "nothing"))
                .hint("somebody else may have pushed it meanwhile; gbuild resolve shows what it is now");
        }
        pauses.pause();
    }
}

}  // namespace gbuild::publish
