// libcurl's handles, owned; and the transfers of one thread at a time.
#pragma once

#include <curl/curl.h>

#include <array>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "gbuild/base/error.h"
#include "gbuild/base/synchronized.h"

namespace gbuild::registry {

struct CurlSlistFree {
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using CurlHeaderList = std::unique_ptr<curl_slist, CurlSlistFree>;
// Appends one "Name: value" line.
void add_header(CurlHeaderList& list, const std::string& line);

struct TransferFailure {
    CURLcode code;
    long certificate;         // OpenSSL's verdict on the server's, X509_V_OK or another X509_V_…
    long tunnel;              // the status of a proxy's answer to CONNECT; 0 when there was none
    int tls_reason;           // OpenSSL's SSL_R_…; 0 when it gave none
    std::string explanation;  // in libcurl's words, for messages, without the secrets that it quotes
};

// One transfer at a time, over connections that it keeps alive in between.
class CurlHandle {
  public:
    CurlHandle();

    // Forgets all options, keeps the connections.
    void reset();
    template <class T>
    void set(CURLoption option, T value) {
        if (curl_easy_setopt(easy_.get(), option, value) != CURLE_OK) {
            throw Error(ErrorKind::internal, "libcurl refuses option " + std::to_string(option));
        }
    }
    // Runs the transfer that was set up. `stop` ends it at once with an interrupted error, from whichever thread.
    CURLcode run(const std::stop_token& stop);
    // What went wrong in the last run.
    TransferFailure failure(CURLcode code) const;

    std::string origin;  // of the last transfer

  private:
    std::string explanation(CURLcode code) const;
    long fact(CURLINFO what) const;

    struct EasyCleanup {
        void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
    };
    struct MultiCleanup {
        void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
    };
    // Destroyed in reverse: libcurl wants easy handles gone before their multi handle.
    std::unique_ptr<CURLM, MultiCleanup> multi_;
    std::unique_ptr<CURL, EasyCleanup> easy_;
    std::array<char, CURL_ERROR_SIZE> error_{};
};

// Handles that nobody uses at the moment, so that their connections are used again.
class HandlePool {
  public:
    // Sole use of a handle. It goes back to the pool only after keep(): what a failed transfer leaves behind in a
    // handle is libcurl's secret.
    class Lease {
      public:
        Lease(HandlePool& pool, std::unique_ptr<CurlHandle> handle) : pool_(pool), handle_(std::move(handle)) {}
        Lease(const Lease&) = delete;
        Lease& operator=(const Lease&) = delete;
        CurlHandle& operator*() const { return *handle_; }
        CurlHandle* operator->() const { return handle_.get(); }
        // The transfer ended well; the lease ends with it.
        void keep() && { pool_.give_back(std::move(handle_)); }

      private:
        HandlePool& pool_;
        std::unique_ptr<CurlHandle> handle_;
    };

    // One that talked to `origin` last when there is one.
    Lease take(std::string_view origin);

  private:
    void give_back(std::unique_ptr<CurlHandle> handle);

    Synchronized<std::vector<std::unique_ptr<CurlHandle>>> idle_;
};

}  // namespace gbuild::registry
