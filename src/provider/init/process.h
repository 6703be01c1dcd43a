// A process that was asked for, and what goes in and out of it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "descriptor.h"
#include "request.h"

namespace gbuild::guest {

// What a process writes, until somebody asks for it.
class Stream {
  public:
    Stream(uint32_t descriptor, provider::wire::Redirect kind, uint64_t size, Descriptor source);

    uint32_t descriptor() const { return descriptor_; }
    int source() const { return source_.get(); }  // -1: at its end
    bool wants_more() const;
    bool finished() const { return !source_ && bytes_.empty(); }
    // Reads what is there, as far as there is room. True when somebody has to be told: there was nothing before.
    bool fill();
    std::string take(uint64_t offset, uint64_t length);
    // Nobody asks any more: who writes must not wait for that.
    void keep_latest() { kind_ = provider::wire::Redirect::ring; }

  private:
    uint32_t descriptor_;
    provider::wire::Redirect kind_;
    size_t size_;
    Descriptor source_;
    std::string bytes_;
};

struct Process {
    uint64_t number = 0;
    pid_t pid = -1;
    bool ended = false;
    std::vector<Stream> streams;
    Descriptor input;  // nonblocking; with a terminal, its master
    bool terminal = false;
    std::string waiting;      // for the process to take it
    uint64_t waiting_id = 0;  // the request it came with; 0: none

    Stream* stream(uint32_t descriptor);
    bool is_done() const;
};

struct StartFailure {
    int error_number = 0;
    uint64_t reason = 0;  // wire::failure_…
};

// Null: it could not be started.
std::unique_ptr<Process> start_process(const Request& request, StartFailure& failure);

void set_terminal_size(int terminal, uint32_t size);

}  // namespace gbuild::guest
