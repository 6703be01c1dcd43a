#include "exchange.h"

#include <algorithm>

#include "gbuild/base/fd.h"
#include "gbuild/base/text.h"
#include "http_errors.h"

namespace gbuild::registry {

namespace {

constexpr size_t max_header_bytes = 256u << 10;
constexpr size_t max_error_body = 16u << 10;
constexpr size_t max_ignored_body = 1u << 20;

// "HTTP/1.1 206 Partial Content" → 206; 0 when it is no status line.
int status_of(std::string_view line) {
    size_t space = line.find(' ');
    if (!line.starts_with("HTTP/") || space == std::string_view::npos) return 0;
    return static_cast<int>(parse_decimal(line.substr(space + 1, 3)).value_or(0));
}

}  // namespace

void Exchange::attach(CurlHandle& handle) {
    handle.set(CURLOPT_HEADERFUNCTION, &Exchange::on_header);
    handle.set(CURLOPT_HEADERDATA, static_cast<void*>(this));
    handle.set(CURLOPT_WRITEFUNCTION, &Exchange::on_body);
    handle.set(CURLOPT_WRITEDATA, static_cast<void*>(this));
    handle.set(CURLOPT_READFUNCTION, &Exchange::on_send);
    handle.set(CURLOPT_READDATA, static_cast<void*>(this));
    handle.set(CURLOPT_SEEKFUNCTION, &Exchange::on_rewind);
    handle.set(CURLOPT_SEEKDATA, static_cast<void*>(this));
}

Response Exchange::finish(CURLcode code, const CurlHandle& handle) {
    if (thrown_) std::rethrow_exception(thrown_);
    // A server that has heard enough may answer and close while we still send.
    const bool refused =
        request_.body && response_.status >= 400 && (code == CURLE_SEND_ERROR || code == CURLE_RECV_ERROR);
    if (code != CURLE_OK && !enough_ && !refused) throw_transfer_error(handle.failure(code), response_.url);
    if (response_.ok()) start_once();
    return std::move(response_);
}

size_t Exchange::on_header(char* data, size_t, size_t size, void* self) {
    return static_cast<Exchange*>(self)->header({data, size}) ? size : 0;
}

size_t Exchange::on_body(char* data, size_t, size_t size, void* self) {
    return static_cast<Exchange*>(self)->body(std::as_bytes(std::span(data, size))) ? size : 0;
}

size_t Exchange::on_send(char* buffer, size_t, size_t size, void* self) {
    return static_cast<Exchange*>(self)->send(std::as_writable_bytes(std::span(buffer, size)));
}

// Where a kept connection turns out to be dead, libcurl begins again on a new one.
int Exchange::on_rewind(void* self, curl_off_t offset, int) {
    auto& exchange = *static_cast<Exchange*>(self);
    if (offset < 0 || !exchange.request_.body) return CURL_SEEKFUNC_FAIL;
    exchange.sent_ = std::min(static_cast<uint64_t>(offset), exchange.request_.body->size);
    return CURL_SEEKFUNC_OK;
}

// Exceptions must not cross libcurl's C code: they wait in thrown_ for finish().
bool Exchange::header(std::string_view line) {
    try {
        header_bytes_ += line.size();
        if (header_bytes_ > max_header_bytes) throw_oversized_header(response_.url);
        if (int status = status_of(line)) {
            response_.status = status;
            response_.headers = {};
        } else if (size_t colon = line.find(':'); colon != std::string_view::npos) {
            response_.headers.add(line.substr(0, colon), trim(line.substr(colon + 1)));
        }
        return true;
    } catch (...) {
        thrown_ = std::current_exception();
        return false;
    }
}

bool Exchange::body(std::span<const std::byte> bytes) {
    try {
        pace_.moved(bytes.size(), response_.url);
        if (response_.ok()) {
            start_once();
            receiver_.write(bytes);
            pace_.ready();
            return true;
        }
        size_t room = max_error_body - response_.error_body.size();
        response_.error_body += as_text(bytes.first(std::min(room, bytes.size())));
        ignored_bytes_ += bytes.size();
        enough_ = ignored_bytes_ > max_ignored_body;
        return !enough_;
    } catch (...) {
        thrown_ = std::current_exception();
        return false;
    }
}

size_t Exchange::send(std::span<std::byte> buffer) {
    try {
        if (!request_.body) return 0;
        const RequestBody& body = *request_.body;
        auto run = buffer.first(std::min<uint64_t>(buffer.size(), body.size - sent_));
        if (run.empty()) return 0;
        body.content->read(body.offset + sent_, run);
        pace_.moved(run.size(), request_.url);
        sent_ += run.size();
        if (body.progress) body.progress(sent_);
        pace_.ready();
        return run.size();
    } catch (...) {
        thrown_ = std::current_exception();
        return CURL_READFUNC_ABORT;
    }
}

void Exchange::start_once() {
    if (std::exchange(started_, true)) return;
    receiver_.start(response_);
}

}  // namespace gbuild::registry
