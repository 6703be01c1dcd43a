#include "http_errors.h"

#include <openssl/sslerr.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "gbuild/base/text.h"
#include "gbuild/registry/retry.h"
#include "proxy.h"

namespace gbuild::registry {

namespace {

constexpr int proxy_wants_login = 407;

std::string error_member(const nlohmann::json& object, const char* name) {
    auto found = object.find(name);
    if (found == object.end() || !found->is_string()) return {};
    return printable(found->get<std::string>().substr(0, 200));
}

// The registry's own message, as ": text"; "" when there is none.
std::string said(const Response& response) {
    std::string message = registry_error(response).message;
    return message.empty() ? message : ": " + message;
}

std::string login_command(const std::string& registry) {
    return registry == "docker.io" ? "`docker login`" : fmt::format("`docker login {}`", registry);
}

[[noreturn]] void throw_rate_limited(const Response& response, const Subject& subject,
                                     std::optional<std::chrono::seconds> after) {
    TransientError error(
        ErrorKind::network,
        fmt::format("{} limits the number of requests (status 429{})", response.url.authority(), said(response)),
        after);
    const char* otherwise = subject.access == Access::pull ? ", or use a mirror with --registry-mirror" : "";
    error.hint(fmt::format("log in with {} for a higher limit{}", login_command(subject.registry), otherwise));
    throw error;
}

[[noreturn]] void throw_untrusted(const TransferFailure& failure, const Url& url) {
    // libcurl itself compares the names, when OpenSSL has found nothing wrong with the rest.
    bool is_name = failure.certificate == X509_V_OK || failure.certificate == X509_V_ERR_HOSTNAME_MISMATCH ||
                   failure.certificate == X509_V_ERR_IP_ADDRESS_MISMATCH;
    std::string why = is_name ? "it is for another name" : X509_verify_cert_error_string(failure.certificate);
    Error error(ErrorKind::network, fmt::format("cannot trust the certificate of {}: {}", url.authority(), why));
    if (is_name) throw std::move(error).hint("use the name that the certificate is for");
    if (failure.certificate == X509_V_ERR_CERT_HAS_EXPIRED || failure.certificate == X509_V_ERR_CERT_NOT_YET_VALID) {
        throw std::move(error).hint("renew the certificate, or set this machine's clock");
    }
    throw std::move(error).hint(fmt::format(
        "pass the registry's CA with --ca-file FILE, or put it at /etc/docker/certs.d/{}/ca.crt", url.authority()));
}

// What a plain-HTTP answer looks like to OpenSSL.
bool looks_like_plain_http(int reason) {
    switch (reason) {
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_PACKET_LENGTH_TOO_LONG:
    case SSL_R_UNEXPECTED_MESSAGE:
    case SSL_R_HTTP_REQUEST: return true;
    default: return false;
    }
}

[[noreturn]] void throw_tls_failure(const TransferFailure& failure, const Url& url) {
    if (looks_like_plain_http(failure.tls_reason)) {
        NoTls error(ErrorKind::network, fmt::format("{} does not speak TLS: {}", url.authority(), failure.explanation));
        error.hint(
            fmt::format("if it is a plain-HTTP registry that you trust, pass --insecure-registry {}", url.authority()));
        throw error;
    }
    throw TransientError(ErrorKind::network,
                         fmt::format("no TLS connection to {}: {}", url.authority(), failure.explanation));
}

[[noreturn]] void throw_unknown_host(const Url& url) {
    // A name server may have been restarting, but a name that does not exist is no passing fault.
    TransientError error(ErrorKind::network, fmt::format("unknown host {}", quoted(url.host)));
    error.worth_attempts(2).hint("check the name and the network; behind a proxy, set HTTPS_PROXY");
    throw error;
}

bool worth_another_try(CURLcode code) {
    switch (code) {
    case CURLE_COULDNT_CONNECT:
    case CURLE_PARTIAL_FILE:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR: return true;
    default: return false;
    }
}

[[noreturn]] void throw_proxy_login(const Proxy& proxy, const Url& url) {
    throw Error(ErrorKind::network,
                fmt::format("cannot reach {} through the proxy {}: it {} (status 407)", url.authority(), proxy.shown(),
                            proxy.has_login() ? "refuses the user name or password" : "wants a login"))
        .hint(fmt::format("set {} to http://USER:PASSWORD@HOST:PORT, with special characters as %XX", proxy.variable));
}

std::string proxy_hint(const Proxy& proxy) { return fmt::format("check {} and NO_PROXY", proxy.variable); }

[[noreturn]] void throw_proxy_failure(const TransferFailure& failure, const Proxy& proxy, const Url& url) {
    if (failure.tunnel == proxy_wants_login) throw_proxy_login(proxy, url);
    std::string message = fmt::format("cannot reach {} through the proxy {}", url.authority(), proxy.shown());
    if (proxy.is_misread()) {
        throw Error(ErrorKind::network, fmt::format("{}: {} is no URL", message, proxy.variable))
            .hint("write special characters of the user name and the password as %XX: / as %2F");
    }
    message += ": " + failure.explanation;
    if (!worth_another_try(failure.code)) throw Error(ErrorKind::network, message).hint(proxy_hint(proxy));
    TransientError error(ErrorKind::network, message);
    error.hint(proxy_hint(proxy));
    throw error;
}

// Whether it was the proxy that failed: by finding or connecting to it, or by its answer to CONNECT.
bool is_proxy_failure(const TransferFailure& failure) {
    switch (failure.code) {
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_PROXY:
    case CURLE_COULDNT_CONNECT: return true;
    default: return failure.tunnel != 0 && failure.tunnel / 100 != 2;
    }
}

[[noreturn]] void throw_push_refused(const Response& response, const Subject& subject) {
    std::string where = response.url.authority();
    if (response.status == 403) {
        throw Error(ErrorKind::unauthorized,
                    fmt::format("{} forbids pushing {}{}", where, subject.what, said(response)))
            .hint(fmt::format("log in as somebody who may, with {} or --authfile", login_command(subject.registry)));
    }
    Error error(ErrorKind::network,
                fmt::format("{} does not take {} (status {}{})", where, subject.what, response.status, said(response)));
    if (response.status == 404) error.hint("check the repository's name, and that the registry may be written to");
    throw error;
}

[[noreturn]] void throw_expired_redirect(const Response& response, const Subject& subject) {
    TransientError error(ErrorKind::network,
                         fmt::format("{}, where {} sends for {}, refuses it (status {})", response.url.authority(),
                                     subject.registry, subject.what, response.status));
    error.hint(
        "a signed address may have expired at once: check this machine's clock, and that no proxy keeps answers");
    throw error;
}

// CURLE_TOO_LARGE, which has a name since 8.6. A header line beyond libcurl's own cap; CURLE_OUT_OF_MEMORY before.
constexpr int too_large = 100;

}  // namespace

void throw_transfer_error(const TransferFailure& failure, const Url& url) {
    auto proxy = proxy_for(url);
    if (proxy && is_proxy_failure(failure)) throw_proxy_failure(failure, *proxy, url);
    const CURLcode code = failure.code;
    switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST: throw_unknown_host(url);
    case CURLE_PEER_FAILED_VERIFICATION: throw_untrusted(failure, url);
    case CURLE_SSL_CONNECT_ERROR: throw_tls_failure(failure, url);
    case CURLE_OUT_OF_MEMORY: throw_oversized_header(url);
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY:
        throw Error(ErrorKind::network, fmt::format("{} does not speak HTTP: {}", url.authority(), failure.explanation))
            .hint("check the registry's host and port");
    default: break;
    }
    if (code == too_large) throw_oversized_header(url);
    std::string message = fmt::format("{} {} failed: {}", code == CURLE_SEND_ERROR ? "sending to" : "transfer from",
                                      url.authority(), failure.explanation);
    if (code == CURLE_GOT_NOTHING || code == CURLE_RECV_ERROR || code == CURLE_SEND_ERROR) {
        throw ConnectionLost(ErrorKind::network, message);
    }
    if (!worth_another_try(code)) throw Error(ErrorKind::network, message);
    TransientError error(ErrorKind::network, message);
    // libcurl does not say whose silence it was.
    if (proxy && code == CURLE_OPERATION_TIMEDOUT) error.hint(proxy_hint(*proxy));
    throw error;
}

void throw_oversized_header(const Url& url) {
    throw Error(ErrorKind::network, fmt::format("{} answered with headers beyond all measure", url.authority()));
}

RegistryError registry_error(const Response& response) {
    auto document = nlohmann::json::parse(response.error_body, nullptr, false);
    if (!document.is_object()) return {};
    auto errors = document.find("errors");
    if (errors == document.end() || !errors->is_array() || errors->empty() || !errors->front().is_object()) return {};
    return {error_member(errors->front(), "code"), error_member(errors->front(), "message")};
}

bool is_expired_redirect(const Response& response) {
    if (!response.elsewhere) return false;
    return response.status == 400 || response.status == 401 || response.status == 403 || response.status == 410;
}

bool is_transient(int status) { return status == 408 || status == 429 || (status >= 500 && status <= 599); }

void throw_status(const Response& response, const Subject& subject) {
    std::string where = response.url.authority();
    if (is_transient(response.status)) {
        auto header = response.headers.find("retry-after");
        auto after = header ? parse_retry_after(*header, std::chrono::system_clock::now()) : std::nullopt;
        if (response.status == 429) throw_rate_limited(response, subject, after);
        throw TransientError(ErrorKind::network,
                             fmt::format("{} failed with status {}{}", where, response.status, said(response)), after);
    }
    if (response.status == proxy_wants_login) {
        if (auto proxy = proxy_for(response.url)) throw_proxy_login(*proxy, response.url);
    }
    if (subject.access == Access::push) throw_push_refused(response, subject);
    if (is_expired_redirect(response)) throw_expired_redirect(response, subject);
    if (response.status == 404) {
        throw Error(ErrorKind::not_found, fmt::format("{} has no {}", subject.registry, subject.what))
            .hint("check the name and the tag");
    }
    if (response.status == 403) {
        throw Error(ErrorKind::unauthorized,
                    fmt::format("{} forbids pulling {}{}", where, subject.what, said(response)))
            .hint(fmt::format("log in as somebody who may, with {} or --authfile", login_command(subject.registry)));
    }
    throw Error(ErrorKind::network, fmt::format("{} answered with status {}{} when asked for {}", where,
                                                response.status, said(response), subject.what));
}

Error login_needed(const Subject& subject, const std::string& trouble) {
    std::string message =
        subject.access == Access::push
            ? fmt::format("{} wants a login to push {}", subject.registry, subject.what)
            : fmt::format("{} does not exist, or {} wants a login for it", subject.what, subject.registry);
    if (!trouble.empty()) return Error(ErrorKind::unauthorized, message).hint(trouble);
    return Error(ErrorKind::unauthorized, message)
        .hint(fmt::format("{}log in with {} or --authfile", subject.access == Access::push ? "" : "check the name, or ",
                          login_command(subject.registry)));
}

Error login_refused(const std::string& registry, const std::string& username) {
    return Error(ErrorKind::unauthorized, username.empty() ? fmt::format("{} refuses the stored token", registry)
                                                           : fmt::format("{} refuses the user name or password of {}",
                                                                         registry, quoted(username)))
        .hint(fmt::format("check {} or --authfile", login_command(registry)));
}

Error access_refused(const Subject& subject, const std::string& username) {
    std::string who = username.empty() ? "the stored token" : quoted(username);
    if (subject.access == Access::push) {
        return Error(ErrorKind::unauthorized,
                     fmt::format("{} does not let {} push {}", subject.registry, who, subject.what))
            .hint(fmt::format("check the repository's name, or log in as somebody who may, with {} or --authfile",
                              login_command(subject.registry)));
    }
    return Error(ErrorKind::unauthorized,
                 fmt::format("{} does not exist, or {} does not let {} pull it", subject.what, subject.registry, who))
        .hint(fmt::format("check the name, or log in as somebody else with {} or --authfile",
                          login_command(subject.registry)));
}

}  // namespace gbuild::registry
