// Opens that wait for another process, as those of a FIFO wait for its other end: done in threads that have nothing
// else to do, with the file that was looked at.
#pragma once

#include <pthread.h>
#include <signal.h>
#include <sys/types.h>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <list>

#include "gbuild/base/fd.h"
#include "gbuild/base/synchronized.h"

namespace gbuild::sandbox {

// Interrupts the system call that a thread is in, and does nothing else; see StopSignal.
inline int stop_signal() { return SIGRTMAX; }

class BlockedOpens {
  public:
    // They are all there from the beginning: a step's processes are kept from those threads that are there by then.
    static constexpr unsigned threads = 4;

    BlockedOpens(int listener, int proc) : listener_(listener), proc_(proc) {}

    struct Open {
        uint64_t request = 0;
        pid_t process = 0;
        UniqueFd file;  // O_PATH
        int flags = 0;
        bool closes_on_execution = false;
    };
    // The request is answered later. Throws CallError ENFILE when all threads wait.
    void add(Open open);
    // A thread's whole task, until `stopping`; then it needs the stop signal, and wake().
    void serve(const std::atomic<bool>& stopping);
    void wake() { added_.notify_all(); }
    // Calls off those whose process is gone, or has a signal to see to. To be called again and again.
    void look();

  private:
    struct Waiting {
        Open open;
        pthread_t thread{};
        bool started = false, called_off = false;
    };
    void answer(Waiting& waiting, const std::atomic<bool>& stopping);
    bool is_wanted(const Open& open) const;
    bool is_called_off(Waiting& waiting);

    int listener_, proc_;
    Synchronized<std::list<Waiting>> waiting_;
    std::atomic<size_t> count_ = 0;  // of waiting_
    std::condition_variable added_;
};

}  // namespace gbuild::sandbox
