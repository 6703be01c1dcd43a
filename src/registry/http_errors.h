// Every way a request can fail, said so that the reader knows what to do.
#pragma once

#include <curl/curl.h>

#include <string>

#include "gbuild/base/error.h"
#include "gbuild/registry/retry.h"
#include "transport.h"

namespace gbuild::registry {

enum class Access { pull, push };

// What a request was about, for messages.
struct Subject {
    std::string registry;  // as references name it: "docker.io", "localhost:5000"
    std::string what;      // "image docker.io/library/debian:latest", "blob sha256:…"
    Access access = Access::pull;
};

// The server ended the connection unasked, as one that speaks TLS may do to plain HTTP.
class ConnectionLost : public TransientError {
    using TransientError::TransientError;
};
// What came back was no TLS.
class NoTls : public Error {
    using Error::Error;
};

// Below HTTP: names, connections, TLS.
[[noreturn]] void throw_transfer_error(const TransferFailure& failure, const Url& url);
[[noreturn]] void throw_oversized_header(const Url& url);

// An answer other than success, a 401 of the registry's own excepted: 404 is not_found (network for a push), 403
// unauthorized, 408, 429, 5xx and is_expired_redirect() TransientErrors, the rest network; 407 is blamed on the proxy.
[[noreturn]] void throw_status(const Response& response, const Subject& subject);

// The error code and message of a registry's error body (distribution-spec, "Error Codes"); "" where there is none.
struct RegistryError {
    std::string code;  // "DIGEST_INVALID"
    std::string message;
};
RegistryError registry_error(const Response& response);

// 408, 429 and 5xx.
bool is_transient(int status);
// A refusal by a host that the one asked redirected to, as storage answers a signed URL whose time is over (S3 and
// others with 403, Google with 400): who is asked once more gives a new one.
bool is_expired_redirect(const Response& response);

// `trouble` is why a login that may have been meant was not used; may be empty.
Error login_needed(const Subject& subject, const std::string& trouble);
Error login_refused(const std::string& registry, const std::string& username);
// The registry knows who we are, and still says no.
Error access_refused(const Subject& subject, const std::string& username);

}  // namespace gbuild::registry
