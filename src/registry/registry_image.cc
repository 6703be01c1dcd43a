#include "registry_image.h"

#include <algorithm>

#include <fmt/format.h>

#include "blob_download.h"
#include "content_encoding.h"
#include "gbuild/base/text.h"

namespace gbuild::registry {

namespace {

constexpr int mirror_attempts = 2;
// A mirror that wants more patience than this is left for the next endpoint.
constexpr std::chrono::seconds mirror_patience{1};

// Failures of ours, or of the local system, that another endpoint would not mend.
bool is_final(ErrorKind kind) {
    switch (kind) {
    case ErrorKind::not_found:
    case ErrorKind::unauthorized:
    case ErrorKind::network:
    case ErrorKind::integrity:
    case ErrorKind::limit: return false;
    default: return true;
    }
}

Digest digest_like(const Digest& model, std::string_view bytes) {
    if (model.algorithm() == HashAlgorithm::sha256) return Digest::of(bytes);
    Hasher hasher(HashAlgorithm::sha512);
    hasher.update(bytes);
    return *Digest::parse("sha512:" + hasher.finish_hex());
}

void check_digest(const Digest& expected, std::string_view bytes, const std::string& what, std::string_view who) {
    Digest found = digest_like(expected, bytes);
    if (found == expected) return;
    throw Error(ErrorKind::integrity,
                fmt::format("{} has digest {}, but {} says {}", what, found.text(), who, expected.text()));
}

}  // namespace

template <class Body>
auto RegistryImage::at_endpoints(const std::stop_token& stop, Body&& body) {
    RetryPolicy hasty = policy_;
    hasty.max_attempts = std::min(policy_.max_attempts, mirror_attempts);
    hasty.max_retry_after = std::min(policy_.max_retry_after, mirror_patience);
    for (size_t i = 0; i + 1 < endpoints_.size(); i++) {
        if (endpoints_[i]->is_down()) continue;
        try {
            Retrier retrier(hasty, stop);
            return body(*endpoints_[i], retrier);
        } catch (const Error& error) {
            if (is_final(error.kind())) throw;
            leave_mirror(*endpoints_[i], error);
        }
    }
    Retrier retrier(policy_, stop);
    return body(*endpoints_.back(), retrier);
}

void RegistryImage::leave_mirror(Endpoint& mirror, const Error& error) {
    if (error.kind() == ErrorKind::network) mirror.mark_down();
    if (policy_.notice)
        policy_.notice(fmt::format("mirror {}: {}; going on without it", mirror.name(), error.message()));
}

Place RegistryImage::place(Endpoint& endpoint, const std::string& what, const std::stop_token& stop) {
    return {endpoint.name(),
            endpoint.base(transport_, stop),
            endpoint.repository(reference_.repository()),
            {endpoint.name(), what}};
}

ManifestDocument RegistryImage::root_manifest(std::stop_token stop) {
    return get_manifest({reference_.identifier(), reference_.digest(), std::nullopt, "image " + reference_.text()},
                        stop);
}

ManifestDocument RegistryImage::manifest(const oci::Descriptor& descriptor, std::stop_token stop) {
    return get_manifest({descriptor.digest.text(), descriptor.digest, descriptor.size,
                         fmt::format("manifest {} of {}", descriptor.digest.text(), reference_.text())},
                        stop);
}

ManifestDocument RegistryImage::get_manifest(const Wanted& wanted, const std::stop_token& stop) {
    return at_endpoints(stop, [&](Endpoint& endpoint, Retrier& retrier) {
        return retrier.run([&] { return get_manifest_from(endpoint, wanted, stop); });
    });
}

ManifestDocument RegistryImage::get_manifest_from(Endpoint& endpoint, const Wanted& wanted,
                                                  const std::stop_token& stop) {
    Place where = place(endpoint, wanted.what, stop);
    TextReceiver body(oci::max_manifest_size, wanted.what);
    Response response =
        session_.get(where, "manifests/" + wanted.identifier, {"Accept: " + oci::manifest_accept()}, body, stop);
    if (response.status != 200) throw_status(response, where.subject);
    std::string text = decoded(response, body.take(), oci::max_manifest_size, wanted.what);
    if (!trim(text).starts_with('{')) {
        throw Error(ErrorKind::integrity,
                    fmt::format("{} answered with something that is no manifest when asked for {}",
                                response.url.authority(), wanted.what));
    }
    if (wanted.size && *wanted.size != text.size()) {
        throw Error(ErrorKind::integrity,
                    fmt::format("{} has {} bytes, but its index says {}", wanted.what, text.size(), *wanted.size));
    }
    if (wanted.digest) check_digest(*wanted.digest, text, wanted.what, wanted.size ? "its index" : "the reference");
    if (auto said = Digest::parse(response.headers.find("docker-content-digest").value_or(""))) {
        check_digest(*said, text, wanted.what, response.url.authority());
    }
    Digest digest = wanted.digest ? *wanted.digest : Digest::of(text);
    return {std::move(text), response.headers.find("content-type").value_or(""), std::move(digest)};
}

void RegistryImage::fetch_blob(const oci::Descriptor& descriptor, BlobSink& sink, std::stop_token stop) {
    HashingSink hashing(sink, descriptor.digest);
    // Whoever reads the sink checks the digest, but too late to ask another endpoint. Where there is no other, hashing
    // twice would be in vain.
    bool has_choice = endpoints_.size() > 1;
    try {
        at_endpoints(stop, [&](Endpoint& endpoint, Retrier& retrier) {
            if (has_choice) return fetch_checked_from(endpoint, descriptor, hashing, retrier, stop);
            fetch_from(endpoint, descriptor, sink, retrier, stop);
        });
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::not_found || descriptor.urls.empty()) throw;
        fetch_from_urls(descriptor, sink, stop);
    }
}

void RegistryImage::fetch_from(Endpoint& endpoint, const oci::Descriptor& descriptor, BlobSink& sink, Retrier& retrier,
                               const std::stop_token& stop) {
    std::string what = fmt::format("blob {} of {}", descriptor.digest.text(), reference_.text());
    BlobDownload download(descriptor, {endpoint.name(), what}, sink);
    download.run(
        [&](std::vector<std::string> headers, BodyReceiver& receiver) {
            Place where = place(endpoint, what, stop);
            return session_.get(where, "blobs/" + descriptor.digest.text(), std::move(headers), receiver, stop);
        },
        retrier);
}

void RegistryImage::fetch_checked_from(Endpoint& endpoint, const oci::Descriptor& descriptor, HashingSink& sink,
                                       Retrier& retrier, const std::stop_token& stop) {
    bool own_bytes_only = sink.received() == 0;
    fetch_from(endpoint, descriptor, sink, retrier, stop);
    if (!sink.is_wrong()) return;
    sink.restart();
    if (!own_bytes_only) return fetch_checked_from(endpoint, descriptor, sink, retrier, stop);
    throw Error(ErrorKind::integrity, fmt::format("{} sent bytes with another digest as blob {} of {}", endpoint.name(),
                                                  descriptor.digest.text(), reference_.text()))
        .hint("what sends it, or something in between, damages data");
}

void RegistryImage::fetch_from_urls(const oci::Descriptor& descriptor, BlobSink& sink, const std::stop_token& stop) {
    for (size_t i = 0; i < descriptor.urls.size(); i++) {
        try {
            Url url = checked_foreign_url(descriptor.urls[i]);
            BlobDownload download(descriptor, {url.authority(), "blob " + descriptor.digest.text()}, sink);
            Retrier retrier(policy_, stop);
            return download.run(
                [&](std::vector<std::string> headers, BodyReceiver& receiver) {
                    return transport_.send_following({url, std::move(headers), "", std::nullopt}, receiver, stop);
                },
                retrier);
        } catch (const Error& error) {
            if (is_final(error.kind()) || i + 1 == descriptor.urls.size()) throw;
        }
    }
}

// A manifest is a stranger's text: it must not send us to this machine's own services, nor onto the open network in
// the clear, unless that is where the image itself comes from.
Url RegistryImage::checked_foreign_url(const std::string& text) const {
    auto url = Url::parse(text);
    if (!url) {
        throw Error(ErrorKind::integrity,
                    fmt::format("the manifest of {} names a layer at {}, which is no http(s) URL", reference_.text(),
                                quoted(without_user_info(text).substr(0, 200))));
    }
    auto registry = Url::parse("https://" + reference_.registry());
    bool to_loopback = is_loopback(url->host) && !(registry && is_loopback(registry->host));
    bool in_the_clear = url->scheme == "http" && !transport_.hosts().may_speak_http(*url);
    if (to_loopback || in_the_clear) {
        throw Error(ErrorKind::network, fmt::format("the manifest of {} names a layer at {}, which gbuild does not ask",
                                                    reference_.text(), url->shown()))
            .hint("only https is used for foreign layers, and no service of this machine");
    }
    return *url;
}

}  // namespace gbuild::registry
