// Answers requests until there is nobody any more who could make one.
#pragma once

#include <sys/types.h>

#include <map>
#include <memory>
#include <string>

#include "descriptor.h"
#include "process.h"
#include "request.h"
#include "settings.h"

namespace gbuild::guest {

class Server {
  public:
    Server(Descriptor channel, Settings::Mode mode);
    [[noreturn]] void run();

  private:
    void read_channel();
    void answer(const Request& request);
    void start(const Request& request);
    void kill(const Request& request);
    void mount(const Request& request);
    void output(const Request& request);
    void input(const Request& request);
    void add_hosts(const Request& request);
    void space(const Request& request);
    void resize(const Request& request);

    void collect_ended();
    void feed(Process& process);
    void fill(Process& process, Stream& stream);
    void forget_done();
    Process* find(uint64_t number);

    void send(const std::string& bytes);
    void send_ok(uint64_t id);
    void send_number(uint64_t id, uint64_t number);
    void send_error(uint64_t id, int error_number);

    Descriptor channel_, children_;
    Settings::Mode mode_;
    RequestReader requests_;
    std::map<uint64_t, std::unique_ptr<Process>> processes_;
    uint64_t next_ = 1;
    uint64_t last_failure_ = 0;
};

}  // namespace gbuild::guest
