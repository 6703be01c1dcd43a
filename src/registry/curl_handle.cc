#include "curl_handle.h"

#include <openssl/err.h>

#include <algorithm>
#include <charconv>
#include <new>

#include "gbuild/base/text.h"
#include "gbuild/registry/url.h"

namespace gbuild::registry {

namespace {

constexpr size_t max_idle = 16;
constexpr long kept_connections = 4;

// curl_global_init must come before anything else and is thread-safe only in newer versions.
class CurlLibrary {
  public:
    CurlLibrary() {
        if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
            throw Error(ErrorKind::internal, "libcurl cannot be initialised");
        }
    }
    CurlLibrary(const CurlLibrary&) = delete;
    CurlLibrary& operator=(const CurlLibrary&) = delete;
    ~CurlLibrary() { curl_global_cleanup(); }
};

void check(CURLMcode code) {
    if (code != CURLM_OK) throw Error(ErrorKind::internal, std::string("libcurl: ") + curl_multi_strerror(code));
}

// libcurl has OpenSSL's error code in its text only: "error:0A00010B:SSL routines::wrong version number".
int openssl_reason(std::string_view text) {
    constexpr std::string_view mark = "error:";
    size_t at = text.find(mark);
    if (at == std::string_view::npos) return 0;
    unsigned long code = 0;
    const char* start = text.data() + at + mark.size();
    auto [end, error] = std::from_chars(start, text.data() + text.size(), code, 16);
    return error == std::errc() && end != start ? ERR_GET_REASON(code) : 0;
}

class Attached {
  public:
    Attached(CURLM* multi, CURL* easy) : multi_(multi), easy_(easy) { check(curl_multi_add_handle(multi_, easy_)); }
    Attached(const Attached&) = delete;
    Attached& operator=(const Attached&) = delete;
    ~Attached() { curl_multi_remove_handle(multi_, easy_); }

  private:
    CURLM* multi_;
    CURL* easy_;
};

}  // namespace

void add_header(CurlHeaderList& list, const std::string& line) {
    curl_slist* longer = curl_slist_append(list.get(), line.c_str());
    if (!longer) throw std::bad_alloc();
    static_cast<void>(list.release());
    list.reset(longer);
}

CurlHandle::CurlHandle() {
    static const CurlLibrary library;
    multi_.reset(curl_multi_init());
    easy_.reset(curl_easy_init());
    if (!multi_ || !easy_) throw std::bad_alloc();
    check(curl_multi_setopt(multi_.get(), CURLMOPT_MAXCONNECTS, kept_connections));
}

void CurlHandle::reset() {
    curl_easy_reset(easy_.get());
    error_[0] = '\0';
    set(CURLOPT_ERRORBUFFER, error_.data());
}

CURLcode CurlHandle::run(const std::stop_token& stop) {
    Attached attached(multi_.get(), easy_.get());
    std::stop_callback wake(stop, [this] { curl_multi_wakeup(multi_.get()); });
    for (int running = 1;;) {
        if (stop.stop_requested()) {
            // Or removing the handle would wait for a name lookup to end.
            set(CURLOPT_QUICK_EXIT, 1L);
            throw Error(ErrorKind::interrupted, "interrupted");
        }
        check(curl_multi_perform(multi_.get(), &running));
        if (running == 0) break;
        check(curl_multi_poll(multi_.get(), nullptr, 0, 1000, nullptr));
    }
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi_.get(), &left)) {
        if (message->msg == CURLMSG_DONE) return message->data.result;
    }
    throw Error(ErrorKind::internal, "libcurl ended a transfer without a result");
}

long CurlHandle::fact(CURLINFO what) const {
    long value = 0;
    return curl_easy_getinfo(easy_.get(), what, &value) == CURLE_OK ? value : 0;
}

TransferFailure CurlHandle::failure(CURLcode code) const {
    std::string words = explanation(code);
    int reason = openssl_reason(words);
    return {code, fact(CURLINFO_SSL_VERIFYRESULT), fact(CURLINFO_HTTP_CONNECTCODE), reason, std::move(words)};
}

std::string CurlHandle::explanation(CURLcode code) const {
    std::string_view text = trim(error_.data());
    if (text.empty()) return curl_easy_strerror(code);
    // "Unsupported proxy syntax in 'http://user:password@…': …", cut off anywhere by the size of libcurl's buffer.
    if (text.starts_with("Unsupported proxy")) {
        size_t quote = text.find(" '");
        text = text.substr(0, quote);
        for (std::string_view end : {" in", " for"}) {
            if (quote != std::string_view::npos && text.ends_with(end)) text.remove_suffix(end.size());
        }
    }
    return printable(text.find("://") == std::string_view::npos ? std::string(text) : without_user_info(text));
}

HandlePool::Lease HandlePool::take(std::string_view origin) {
    {
        auto idle = idle_.lock();
        if (!idle->empty()) {
            auto same = std::find_if(idle->begin(), idle->end(), [&](const auto& h) { return h->origin == origin; });
            if (same == idle->end()) same = idle->begin();
            auto handle = std::move(*same);
            idle->erase(same);
            return Lease(*this, std::move(handle));
        }
    }
    return Lease(*this, std::make_unique<CurlHandle>());
}

void HandlePool::give_back(std::unique_ptr<CurlHandle> handle) {
    auto idle = idle_.lock();
    if (idle->size() < max_idle) idle->push_back(std::move(handle));
}

}  // namespace gbuild::registry
