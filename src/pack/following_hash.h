// SHA3-224 of a file while it is being written: a thread reads behind the writer, from the page cache.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <span>
#include <string>
#include <thread>

namespace gbuild::pack {

class FollowingHash {
  public:
    // `fd` is borrowed; `total` is the size the file will have. `also` gets the bytes, too, from another thread; may be
    // empty.
    FollowingHash(int fd, uint64_t total, std::function<void(std::span<const std::byte>)> also = {});
    FollowingHash(const FollowingHash&) = delete;
    FollowingHash& operator=(const FollowingHash&) = delete;
    // Gives up if finish() was not called.
    ~FollowingHash();

    // Everything before `position` is written and stays as it is.
    void written(uint64_t position);
    uint64_t hashed() const;
    // Waits for the whole file and returns the hash in hexadecimal. `progress` is called now and then with hashed();
    // what it throws ends the wait. Throws io.
    std::string finish(const std::function<void(uint64_t)>& progress);

  private:
    void run();
    void follow();

    const int fd_;
    const uint64_t total_;
    const std::function<void(std::span<const std::byte>)> also_;
    mutable std::mutex mutex_;
    std::condition_variable more_written_, more_hashed_;
    uint64_t written_ = 0, hashed_ = 0;
    bool done_ = false, abandoned_ = false;
    std::exception_ptr error_;
    std::string hash_;
    std::thread thread_;  // last: uses all of the above
};

}  // namespace gbuild::pack
