// A bounded pipeline: one producer, many workers, results consumed in the order produced.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

namespace gbuild {

// Runs produce → work → consume over `slots` reusable jobs held in a ring.
//
//   produce(Job&) -> bool   fills a job, called on the calling thread; false ends the run
//   work(Job&, Worker&)     any thread, in parallel; each thread has a Worker of its own from make_worker()
//   consume(Job&)           in production order, one at a time, on whichever thread finished the oldest job
//
// The calling thread works too when the ring is full, so `threads` == 1 starts no thread. Memory is bounded by `slots`
// jobs. The first exception from any of the three stops the run and is rethrown by run(); by then no thread is left in
// a callback. Results do not depend on `threads` or `slots` as long as the callbacks' do not.
template <class Job, class Worker>
class OrderedPool {
  public:
    using MakeWorker = std::function<std::unique_ptr<Worker>()>;
    using Work = std::function<void(Job&, Worker&)>;
    using Consume = std::function<void(Job&)>;

    OrderedPool(unsigned threads, size_t slots, MakeWorker make_worker, Work work, Consume consume) :
        work_(std::move(work)), consume_(std::move(consume)), own_worker_(make_worker()), ring_(slots) {
        try {
            for (unsigned i = 1; i < threads; i++) {
                threads_.emplace_back([this, worker = std::shared_ptr<Worker>(make_worker())] { serve(*worker); });
            }
        } catch (...) {
            end();
            throw;
        }
    }
    OrderedPool(const OrderedPool&) = delete;
    OrderedPool& operator=(const OrderedPool&) = delete;
    ~OrderedPool() { end(); }

    template <class Produce>
    void run(Produce&& produce) {
        std::unique_lock lock(mutex_);
        while (make_room(lock)) {
            Job& job = ring_[produced_ % ring_.size()].job;
            lock.unlock();
            bool more = false;
            try {
                more = produce(job);
            } catch (...) {
                lock.lock();
                fail();
                break;
            }
            lock.lock();
            if (!more) break;
            produced_++;
            work_ready_.notify_one();
        }
        drain(lock);
        if (error_) std::rethrow_exception(error_);
    }

  private:
    void end() {
        {
            std::lock_guard lock(mutex_);
            stop_ = true;
        }
        work_ready_.notify_all();
        for (auto& thread : threads_) thread.join();
    }

    struct Slot {
        Job job;
        bool done = false;
    };

    // Until a slot is free; false when the run has failed.
    bool make_room(std::unique_lock<std::mutex>& lock) {
        while (!error_ && produced_ - consumed_ == ring_.size()) {
            if (claimed_ < produced_)
                work_one(lock, *own_worker_);
            else
                progress_.wait(lock);
        }
        return !error_;
    }
    void drain(std::unique_lock<std::mutex>& lock) {
        while (claimed_ < produced_) work_one(lock, *own_worker_);
        progress_.wait(lock, [&] { return consumed_ == produced_; });
    }
    void serve(Worker& worker) {
        std::unique_lock lock(mutex_);
        for (;;) {
            work_ready_.wait(lock, [&] { return claimed_ < produced_ || stop_; });
            if (claimed_ == produced_) return;
            work_one(lock, worker);
        }
    }
    // Precondition: a produced job is unclaimed. After a failure jobs are only counted through.
    void work_one(std::unique_lock<std::mutex>& lock, Worker& worker) {
        Slot& slot = ring_[claimed_++ % ring_.size()];
        if (!error_) guarded(lock, [&] { work_(slot.job, worker); });
        slot.done = true;
        while (!consuming_ && consumed_ < claimed_ && ring_[consumed_ % ring_.size()].done) {
            Slot& oldest = ring_[consumed_ % ring_.size()];
            consuming_ = true;
            if (!error_) guarded(lock, [&] { consume_(oldest.job); });
            consuming_ = false;
            oldest.done = false;
            consumed_++;
        }
        progress_.notify_all();
    }
    template <class Body>
    void guarded(std::unique_lock<std::mutex>& lock, Body&& body) {
        lock.unlock();
        try {
            body();
            lock.lock();
        } catch (...) {
            lock.lock();
            fail();
        }
    }
    void fail() {
        if (!error_) error_ = std::current_exception();
    }

    Work work_;
    Consume consume_;
    std::unique_ptr<Worker> own_worker_;
    std::mutex mutex_;
    std::condition_variable work_ready_, progress_;
    std::vector<Slot> ring_;
    uint64_t consumed_ = 0, claimed_ = 0, produced_ = 0;  // consumed ≤ claimed ≤ produced
    bool consuming_ = false, stop_ = false;
    std::exception_ptr error_;
    std::vector<std::thread> threads_;
};

}  // namespace gbuild
