#include "chunk_upload.h"

#include <algorithm>
#include <thread>

#include <fmt/format.h>

#include "gbuild/base/error.h"

namespace gbuild::publish {

namespace {

constexpr size_t hash_run = size_t{256} * 1024;

}  // namespace

// What the workers of one run() share.
struct ChunkUpload::Round {
    const std::vector<size_t>& numbers;
    std::stop_source stop;
    std::atomic<size_t> next = 0;
    std::atomic<bool> lost = false;
    Synchronized<std::exception_ptr> failure;

    void lose_descriptor() {
        lost = true;
        stop.request_stop();
    }
    void fail(std::exception_ptr error) {
        auto held = failure.lock();
        // What follows the first failure are others that were stopped because of it.
        if (!*held && !stop.stop_requested()) *held = std::move(error);
        stop.request_stop();
    }
};

ChunkUpload::End ChunkUpload::run(const std::vector<size_t>& numbers, unsigned workers, const std::stop_token& stop) {
    Round round{numbers, {}, {}, {}, {}};
    {
        std::stop_callback pass_on(stop, [&] { round.stop.request_stop(); });
        std::vector<std::jthread> threads;
        const size_t wanted = std::min<size_t>(std::max(workers, 1u), numbers.size());
        for (size_t i = 0; i < wanted; i++) threads.emplace_back([&] { work(round); });
    }
    if (stop.stop_requested()) throw Error(ErrorKind::interrupted, "interrupted while pushing");
    if (auto failure = round.failure.lock(); *failure) std::rethrow_exception(*failure);
    return round.lost ? End::descriptor_lost : End::accepted;
}

void ChunkUpload::work(Round& round) {
    try {
        for (size_t i = round.next++; i < round.numbers.size() && !round.stop.stop_requested(); i = round.next++) {
            send(round.numbers[i], round);
        }
    } catch (...) {
        round.fail(std::current_exception());
    }
}

void ChunkUpload::send(size_t number, Round& round) {
    // An attempt that broke may have brought all of it, and only its answer be lost.
    bool may_be_there = false;
    registry::Retrier(api_.retry_policy(), round.stop.get_token()).run([&] {
        if (std::exchange(may_be_there, true) && (is_there(number, round) || round.lost)) return;
        meter_.sending(number, 0);
        const registry::ApiAnswer answer = api_.send_chunk(
            source_.descriptor, source_.id, number, source_.file, [&](uint64_t sent) { meter_.sending(number, sent); },
            round.stop.get_token());
        if (answer.ok()) return accept(number);
        refused(answer, number, round);
    });
}

// What a refusal is for: the file changed, the descriptor is gone, the chunk is there already, or what the registry
// says.
void ChunkUpload::refused(const registry::ApiAnswer& answer, size_t number, Round& round) {
    const bool is_client_error =
        answer.status >= 400 && answer.status < 500 && answer.status != 408 && answer.status != 429;
    if (is_client_error) {
        check_source(number);
        if (is_there(number, round) || round.lost) return;
    }
    api_.throw_refusal(answer, fmt::format("sending chunk {}", number));
}

bool ChunkUpload::is_there(size_t number, Round& round) {
    const UploadState state = api_.upload_state(source_.descriptor, source_.id, round.stop.get_token());
    if (!state.known) {
        round.lose_descriptor();
        return false;
    }
    if (!state.full && !state.has_chunk[number]) return false;
    accept(number);
    return true;
}

void ChunkUpload::check_source(size_t number) const {
    const uint64_t begin = source_.descriptor.chunk_offset(number);
    const uint64_t end = begin + source_.descriptor.chunk_length(number);
    std::vector<std::byte> buffer(hash_run);
    Hasher hasher(HashAlgorithm::sha256);
    for (uint64_t at = begin; at < end;) {
        const auto run = std::span(buffer).first(std::min<uint64_t>(buffer.size(), end - at));
        source_.file->read(at, run);
        hasher.update(run);
        at += run.size();
    }
    Sha256Sum sum;
    hasher.finish(sum);
    if (sum == source_.descriptor.chunks[number]) return;
    throw Error(ErrorKind::conflict, "the image changed while it was pushed")
        .hint("push it again once whoever writes it is done");
}

void ChunkUpload::accept(size_t number) {
    (*accepted_.lock())[number] = true;
    meter_.accepted(number, source_.descriptor.chunk_length(number));
}

bool ChunkUpload::is_accepted(size_t number) { return (*accepted_.lock())[number]; }

void ChunkUpload::forget() {
    auto accepted = accepted_.lock();
    std::fill(accepted->begin(), accepted->end(), false);
}

}  // namespace gbuild::publish
