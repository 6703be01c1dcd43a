#include "registry_destination.h"

#include <fmt/format.h>

#include "blob_upload.h"
#include "file_set.h"
#include "gbuild/base/text.h"

namespace gbuild::registry {

namespace {

constexpr size_t max_push_answer = 64u << 10;

}  // namespace

bool RegistryDestination::has_blob(const oci::Descriptor& blob, std::stop_token stop) {
    Retrier retrier(policy_, stop);
    return retrier.run([&] { return ask_for_blob(blob, stop); });
}

// A wrong no costs an upload, a wrong yes the image: only a plain yes counts.
bool RegistryDestination::ask_for_blob(const oci::Descriptor& blob, const std::stop_token& stop) {
    Place where = place(blob_name(blob), stop);
    Request request;
    request.url = api_url(where, "blobs/" + blob.digest.text());
    request.method = "HEAD";
    Response response = send(where, std::move(request), stop);
    if (response.status == 200) {
        auto length = response.headers.find("content-length");
        return !length || parse_decimal(*length) == blob.size;
    }
    if (is_transient(response.status)) throw_status(response, where.subject);
    // A storage service behind the registry may forbid what it was not signed for.
    if (response.status == 403 && response.url.same_origin(where.base)) throw_status(response, where.subject);
    return false;
}

void RegistryDestination::put_blob(const oci::Descriptor& blob, const BlobContent& content, std::stop_token stop,
                                   const UploadProgress& progress) {
    if (content.size() != blob.size) {
        throw Error(ErrorKind::integrity,
                    fmt::format("{} has {} bytes, but should have {}", blob_name(blob), content.size(), blob.size));
    }
    Retrier retrier(policy_, stop);
    // Finding out the registry's protocol may fail like anything else.
    Place where = retrier.run([&] { return place(blob_name(blob), stop); });
    BlobUpload upload(
        blob, content,
        {api_url(where, "blobs/uploads/"), [&] { return ask_for_blob(blob, stop); }, where.subject, chunk_}, progress);
    upload.run([&](Request request) { return send(where, std::move(request), stop); }, retrier);
}

void RegistryDestination::put_manifest(std::string_view json, const std::string& media_type, std::stop_token stop) {
    std::string what = "manifest " + reference_.text();
    if (reference_.digest()) verify_text(json, *reference_.digest(), json.size(), what);
    Digest digest = Digest::of(json);
    TextContent content{std::string(json)};
    Retrier(policy_, stop).run([&] {
        Place where = place(what, stop);
        Request request;
        request.url = api_url(where, "manifests/" + reference_.identifier());
        request.method = "PUT";
        request.headers = {"Content-Type: " + media_type};
        request.body = RequestBody{&content, 0, content.size(), {}};
        Response response = send(where, std::move(request), stop);
        if (!response.ok()) throw_status(response, where.subject);
        auto said = Digest::parse(trim(response.headers.find("docker-content-digest").value_or("")));
        if (said && said->algorithm() == HashAlgorithm::sha256 && *said != digest) {
            throw Error(ErrorKind::integrity, fmt::format("{} stored {} with digest {}, but {} was sent",
                                                          response.url.authority(), what, said->text(), digest.text()));
        }
    });
}

Response RegistryDestination::send(const Place& place, Request request, const std::stop_token& stop) {
    TextReceiver ignored(max_push_answer, fmt::format("the answer of {}", place.base.authority()));
    return session_.send(place, std::move(request), ignored, stop);
}

Place RegistryDestination::place(const std::string& what, const std::stop_token& stop) {
    return {endpoint_->name(),
            endpoint_->base(transport_, stop),
            endpoint_->repository(reference_.repository()),
            {endpoint_->name(), what, Access::push}};
}

std::string RegistryDestination::blob_name(const oci::Descriptor& blob) const {
    return fmt::format("blob {} of {}", blob.digest.text(), reference_.text());
}

}  // namespace gbuild::registry
