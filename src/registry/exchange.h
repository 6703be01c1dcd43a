// One HTTP exchange as libcurl's callbacks see it.
#pragma once

#include <exception>

#include "pace.h"
#include "transport.h"

namespace gbuild::registry {

class Exchange {
  public:
    // `request` must outlive the exchange.
    Exchange(const Request& request, BodyReceiver& receiver, const MeanSpeed& floor) :
        request_(request), receiver_(receiver), pace_(floor) {
        response_.url = request.url;
    }

    void attach(CurlHandle& handle);
    // Turns the end of the transfer into the answer, or throws what went wrong.
    Response finish(CURLcode code, const CurlHandle& handle);

  private:
    static size_t on_header(char* data, size_t, size_t size, void* self);
    static size_t on_body(char* data, size_t, size_t size, void* self);
    static size_t on_send(char* buffer, size_t, size_t size, void* self);
    static int on_rewind(void* self, curl_off_t offset, int origin);
    bool header(std::string_view line);
    bool body(std::span<const std::byte> bytes);
    size_t send(std::span<std::byte> buffer);
    void start_once();

    const Request& request_;
    BodyReceiver& receiver_;
    Pace pace_;
    uint64_t sent_ = 0;
    Response response_;
    size_t header_bytes_ = 0;
    size_t ignored_bytes_ = 0;
    bool started_ = false;
    bool enough_ = false;  // the transfer was ended because the rest of an error page is of no interest
    std::exception_ptr thrown_;
};

}  // namespace gbuild::registry
