#include "gbuild/store/partial_blob.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>

#include <fmt/format.h>

#include "advice.h"
#include "gbuild/base/error.h"
#include "gbuild/base/text.h"
#include "session.h"

namespace gbuild::store {

namespace fs = std::filesystem;

namespace {

constexpr size_t run_size = size_t{256} * 1024;
constexpr auto retry_every = std::chrono::milliseconds(50);

void truncate_file(int fd) {
    if (::ftruncate(fd, 0) != 0) throw_errno("cannot truncate a partial download");
}

}  // namespace

// The writer alone touches `hasher` and the file's end; what readers see is behind the mutex.
struct PartialBlob::State {
    fs::path partial;
    fs::path target;
    Digest digest;
    uint64_t size = 0;
    UniqueFd fd;
    Hasher hasher{HashAlgorithm::sha256};

    std::mutex mutex;
    std::condition_variable grown;
    uint64_t received = 0;
    uint64_t restarts = 0;
    bool finished = false;
    std::exception_ptr error;

    class Reader;

    void publish(uint64_t bytes) {
        {
            std::lock_guard lock(mutex);
            received += bytes;
        }
        grown.notify_all();
    }
    void set_error(std::exception_ptr cause) {
        {
            std::lock_guard lock(mutex);
            if (!error && !finished) error = std::move(cause);
        }
        grown.notify_all();
    }
    UniqueFd wait_for_file(const std::stop_token& stop) const;
    void hash_what_is_there();
    [[noreturn]] void reject(std::string message);
};

// Follows `received`. Bytes below it change only by restart(), which the count tells even when it came in mid-read.
class PartialBlob::State::Reader : public ByteSource {
  public:
    explicit Reader(State& state) : state_(state), buffer_(std::make_unique<std::byte[]>(run_size)) {}

    std::span<const std::byte> next() override {
        for (;;) {
            auto length = static_cast<size_t>(std::min<uint64_t>(wait(), run_size));
            std::span<std::byte> run(buffer_.get(), length);
            if (run.empty()) return {};
            size_t got = pread_full(state_.fd.get(), run, offset_);
            std::lock_guard lock(state_.mutex);
            if (state_.restarts != restarts_) continue;
            if (got < length) {
                throw Error(ErrorKind::io, fmt::format("{} shrank while it was read", quoted(state_.partial.native())));
            }
            offset_ += length;
            return run;
        }
    }

  private:
    // Until there is something to read, or nothing ever more; returns how much.
    uint64_t wait() {
        std::unique_lock lock(state_.mutex);
        for (;;) {
            if (state_.error) std::rethrow_exception(state_.error);
            if (state_.restarts != restarts_ && offset_ > 0) {
                throw Error(ErrorKind::integrity, fmt::format("the first bytes of {} were wrong and are fetched again",
                                                              state_.digest.text()));
            }
            restarts_ = state_.restarts;
            if (state_.received > offset_ || state_.finished) return state_.received - offset_;
            state_.grown.wait(lock);
        }
    }

    State& state_;
    std::unique_ptr<std::byte[]> buffer_;
    uint64_t offset_ = 0;
    uint64_t restarts_ = 0;
};

void PartialBlob::State::hash_what_is_there() {
    uint64_t there = file_size(fd.get());
    if (there > size) {
        truncate_file(fd.get());
        return;
    }
    auto buffer = std::make_unique<std::byte[]>(run_size);
    while (received < there) {
        size_t got = pread_full(fd.get(), std::span(buffer.get(), run_size), received);
        if (got == 0) break;
        hasher.update(std::span(buffer.get(), got));
        received += got;
    }
}

void PartialBlob::State::reject(std::string message) {
    ::unlink(partial.c_str());
    Error wrong(ErrorKind::integrity, std::move(message));
    wrong.hint("what sends it, or something in between, damages data; trying again starts from the first byte");
    set_error(std::make_exception_ptr(wrong));
    throw wrong;
}

// Mostly gbuild prune, for the moment that it takes to remove the file.
UniqueFd PartialBlob::State::wait_for_file(const std::stop_token& stop) const {
    std::mutex nobody;
    std::condition_variable_any stopped;
    std::unique_lock lock(nobody);
    for (;;) {
        if (auto locked = open_locked(partial)) return std::move(*locked);
        stopped.wait_for(lock, stop, retry_every, [] { return false; });
        if (stop.stop_requested()) throw Error(ErrorKind::interrupted, "interrupted while waiting for a download");
    }
}

PartialBlob::PartialBlob(fs::path partial, fs::path target, Digest digest, uint64_t size, const std::stop_token& stop) :
    state_(std::make_unique<State>()) {
    State& state = *state_;
    state.partial = std::move(partial);
    state.target = std::move(target);
    state.digest = std::move(digest);
    state.size = size;
    state.hasher = Hasher(state.digest.algorithm());
    explaining(state.target.parent_path(), [&] {
        state.fd = state.wait_for_file(stop);
        state.hash_what_is_there();
    });
}

PartialBlob::~PartialBlob() = default;

uint64_t PartialBlob::received() const {
    std::lock_guard lock(state_->mutex);
    return state_->received;
}

void PartialBlob::append(std::span<const std::byte> bytes) {
    State& state = *state_;
    uint64_t offset = received();
    if (bytes.size() > state.size - offset) {
        throw Error(ErrorKind::integrity,
                    fmt::format("more than the {} bytes of {} were sent", state.size, state.digest.text()));
    }
    explaining(state.target.parent_path(), [&] { pwrite_all(state.fd.get(), bytes, offset); });
    state.hasher.update(bytes);
    state.publish(bytes.size());
}

void PartialBlob::restart() {
    State& state = *state_;
    {
        std::lock_guard lock(state.mutex);
        state.received = 0;
        state.restarts++;
    }
    truncate_file(state.fd.get());
    state.hasher = Hasher(state.digest.algorithm());
    state.grown.notify_all();
}

void PartialBlob::finish() {
    State& state = *state_;
    uint64_t there = received();
    if (there != state.size) {
        state.reject(fmt::format("{} has {} bytes instead of {}", state.digest.text(), there, state.size));
    }
    if (std::string hex = state.hasher.finish_hex(); hex != state.digest.hex()) {
        state.reject(fmt::format("the {} bytes sent as {} have the digest {}", there, state.digest.text(), hex));
    }
    // A write that failed half-way and was not repeated may have left bytes behind the end.
    if (file_size(state.fd.get()) != there && ::ftruncate(state.fd.get(), static_cast<off_t>(there)) != 0) {
        throw_errno(fmt::format("cannot truncate {}", quoted(state.partial.native())));
    }
    if (::rename(state.partial.c_str(), state.target.c_str()) != 0) {
        throw_errno(fmt::format("cannot move a finished download to {}", quoted(state.target.native())));
    }
    {
        std::lock_guard lock(state.mutex);
        state.finished = true;
    }
    state.grown.notify_all();
}

void PartialBlob::discard() {
    std::lock_guard lock(state_->mutex);
    if (!state_->finished) ::unlink(state_->partial.c_str());
}

void PartialBlob::fail(std::exception_ptr error) { state_->set_error(std::move(error)); }

std::unique_ptr<ByteSource> PartialBlob::reader() { return std::make_unique<State::Reader>(*state_); }

}  // namespace gbuild::store
