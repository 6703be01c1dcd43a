#include "following_hash.h"

#include <algorithm>
#include <memory>

#include "gbuild/base/digest.h"
#include "gbuild/base/fd.h"

namespace gbuild::pack {

FollowingHash::FollowingHash(int fd, uint64_t total, std::function<void(std::span<const std::byte>)> also) :
    fd_(fd), total_(total), also_(std::move(also)), thread_([this] { run(); }) {}

FollowingHash::~FollowingHash() {
    {
        std::lock_guard lock(mutex_);
        abandoned_ = true;
    }
    more_written_.notify_one();
    thread_.join();
}

void FollowingHash::written(uint64_t position) {
    {
        std::lock_guard lock(mutex_);
        written_ = position;
    }
    more_written_.notify_one();
}

uint64_t FollowingHash::hashed() const {
    std::lock_guard lock(mutex_);
    return hashed_;
}

std::string FollowingHash::finish(const std::function<void(uint64_t)>& progress) {
    std::unique_lock lock(mutex_);
    while (!done_) {
        more_hashed_.wait(lock);
        if (!progress) continue;
        const uint64_t hashed = hashed_;
        lock.unlock();
        progress(hashed);
        lock.lock();
    }
    if (error_) std::rethrow_exception(error_);
    return hash_;
}

void FollowingHash::run() {
    std::exception_ptr error;
    try {
        follow();
    } catch (...) {
        error = std::current_exception();
    }
    std::lock_guard lock(mutex_);
    error_ = error;
    done_ = true;
    more_hashed_.notify_all();
}

void FollowingHash::follow() {
    constexpr size_t run_size = 1 << 20;
    const auto buffer = std::make_unique<std::byte[]>(run_size);
    Hasher hasher(HashAlgorithm::sha3_224);
    uint64_t at = 0;
    while (at < total_) {
        uint64_t limit = 0;
        {
            std::unique_lock lock(mutex_);
            more_written_.wait(lock, [&] { return written_ > at || abandoned_; });
            if (abandoned_) return;
            limit = written_;
        }
        const std::span run(buffer.get(), static_cast<size_t>(std::min<uint64_t>(run_size, limit - at)));
        pread_exact(fd_, run, at, "the image being written");
        hasher.update(run);
        if (also_) also_(run);
        at += run.size();
        std::lock_guard lock(mutex_);
        hashed_ = at;
        more_hashed_.notify_all();
    }
    std::lock_guard lock(mutex_);
    hash_ = hasher.finish_hex();
}

}  // namespace gbuild::pack
