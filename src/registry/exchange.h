// One HTTP exchange as libcurl's callbacks see it.
#pragma once

#include <exception>

#include "transport.h"

namespace gbuild::registry {

class Exchange {
  public:
    Exchange(Url url, BodyReceiver& receiver) : receiver_(receiver) { response_.url = std::move(url); }

    void attach(CurlHandle& handle);
    // Turns the end of the transfer into the answer, or throws what went wrong.
    Response finish(CURLcode code, const CurlHandle& handle);

  private:
    static size_t on_header(char* data, size_t, size_t size, void* self);
    static size_t on_body(char* data, size_t, size_t size, void* self);
    bool header(std::string_view line);
    bool body(std::span<const std::byte> bytes);
    void start_once();

    BodyReceiver& receiver_;
    Response response_;
    size_t header_bytes_ = 0;
    size_t ignored_bytes_ = 0;
    bool started_ = false;
    bool enough_ = false;  // the transfer was ended because the rest of an error page is of no interest
    std::exception_ptr thrown_;
};

}  // namespace gbuild::registry
