// Data that can be reached only through its lock.
#pragma once

#include <mutex>
#include <utility>

namespace gbuild {

template <class T>
class Synchronized {
  public:
    Synchronized() = default;
    explicit Synchronized(T value) : value_(std::move(value)) {}

    class Access {
      public:
        T& operator*() { return *value_; }
        T* operator->() { return value_; }
        std::unique_lock<std::mutex>& lock() { return lock_; }  // for condition variables

      private:
        friend class Synchronized;
        Access(std::mutex& mutex, T* value) : lock_(mutex), value_(value) {}
        std::unique_lock<std::mutex> lock_;
        T* value_;
    };
    Access lock() { return Access(mutex_, &value_); }

  private:
    std::mutex mutex_;
    T value_;
};

}  // namespace gbuild
