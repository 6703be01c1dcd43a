#include "blob_upload.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "gbuild/base/text.h"

namespace gbuild::registry {

namespace {

// A larger piece in one go is a new upload as far as giving up is concerned.
constexpr uint64_t real_upload_progress = 1u << 20;
constexpr size_t hash_run = 1u << 20;

// "0-99", in uploads without a unit (distribution-spec); some write "bytes=0-99". The number of bytes that are there.
// distribution says "0-0" for none: one byte more or less is found out when it is sent.
std::optional<uint64_t> parse_uploaded(std::string_view value) {
    value = trim(value);
    if (value.starts_with("bytes=")) value.remove_prefix(6);
    if (!value.starts_with("0-")) return std::nullopt;
    auto last = parse_decimal(value.substr(2));
    if (!last || *last == UINT64_MAX) return std::nullopt;
    return *last == 0 ? 0 : *last + 1;
}

Digest digest_of(const BlobContent& content, HashAlgorithm algorithm) {
    Hasher hasher(algorithm);
    std::vector<std::byte> buffer(std::min<uint64_t>(hash_run, content.size()));
    for (uint64_t at = 0; at < content.size();) {
        auto run = std::span(buffer).first(std::min<uint64_t>(buffer.size(), content.size() - at));
        content.read(at, run);
        hasher.update(run);
        at += run.size();
    }
    return *Digest::parse((algorithm == HashAlgorithm::sha512 ? "sha512:" : "sha256:") + hasher.finish_hex());
}

// No URL that could be taken apart, but it may hold secrets like one.
std::string shown_location(std::string_view location) {
    return quoted(without_user_info(location.substr(0, location.find('?')).substr(0, 200)));
}

// A refusal that says nothing of why, but whose request may be put otherwise.
bool is_client_error(int status) { return status >= 400 && status < 500 && status != 403 && !is_transient(status); }

}  // namespace

BlobUpload::BlobUpload(const oci::Descriptor& blob, const BlobContent& content, Target target,
                       const UploadProgress& progress) :
    blob_(blob),
    content_(content),
    target_(std::move(target)),
    progress_(progress),
    chunk_size_(std::max<uint64_t>(target_.chunk, 1)),
    in_chunks_(blob.size > chunk_size_) {}

void BlobUpload::run(const Send& send, Retrier& retrier) {
    retrier.run([&] {
        try {
            attempt(send);
        } catch (const TransientError&) {
            if (offset_ >= farthest_ + real_upload_progress) {
                farthest_ = offset_;
                retrier.progressed();
            }
            throw;
        }
    });
}

void BlobUpload::attempt(const Send& send) {
    if (may_be_there_ && target_.has_it()) return;
    may_be_there_ = false;
    if (!in_step_) catch_up(send);
    for (;;) {
        if (!location_) begin(send);
        if (!in_chunks_ || send_chunks(send)) break;
        // Not every registry takes chunks; all take a blob in one piece.
        start_over();
        in_chunks_ = false;
    }
    commit(send);
}

void BlobUpload::begin(const Send& send) {
    Request request;
    request.url = target_.uploads;
    request.method = "POST";
    request.body = RequestBody{&content_, 0, 0, {}};
    Response response = send(std::move(request));
    if (!response.ok()) throw_status(response, target_.subject);
    take_location(response);
    if (!location_) {
        throw Error(ErrorKind::network,
                    fmt::format("{} does not say where to send {}", response.url.authority(), target_.subject.what));
    }
    // A hostile minimum beyond the blob only makes it one chunk.
    auto minimum = parse_decimal(response.headers.find("oci-chunk-min-length").value_or(""));
    if (minimum) chunk_size_ = std::max(chunk_size_, *minimum);
}

// Asks how much of it arrived before the connection broke. What cannot be gone on with is begun again.
void BlobUpload::catch_up(const Send& send) {
    if (!location_ || !in_chunks_) return start_over();
    Request request;
    request.url = *location_;
    Response response = send(std::move(request));
    if (is_transient(response.status)) throw_status(response, target_.subject);
    auto there = response.ok() ? parse_uploaded(response.headers.find("range").value_or("")) : std::nullopt;
    if (!there || *there > blob_.size) return start_over();
    take_location(response);
    offset_ = *there;
    in_step_ = true;
}

// False when the registry does not take chunks.
bool BlobUpload::send_chunks(const Send& send) {
    while (offset_ < blob_.size) {
        if (!send_chunk(send)) return false;
    }
    return true;
}

bool BlobUpload::send_chunk(const Send& send) {
    uint64_t size = std::min(chunk_size_, blob_.size - offset_);
    Request request = request_for("PATCH", size);
    request.headers.push_back(fmt::format("Content-Range: {}-{}", offset_, offset_ + size - 1));
    in_step_ = false;
    Response response = send(std::move(request));
    if (is_client_error(response.status)) return false;
    if (!response.ok()) throw_status(response, target_.subject);
    take_location(response);
    take_offset(response, offset_ + size);
    in_step_ = true;
    return true;
}

void BlobUpload::take_offset(const Response& response, uint64_t sent_to) {
    auto range = response.headers.find("range");
    uint64_t there = range ? parse_uploaded(*range).value_or(0) : sent_to;
    if (there <= offset_ || there > sent_to) {
        throw TransientError(ErrorKind::network,
                             fmt::format("{} lost count of {}: it has {} bytes after {} were sent",
                                         response.url.authority(), target_.subject.what, there, sent_to));
    }
    offset_ = there;
}

void BlobUpload::commit(const Send& send) {
    Request request = request_for("PUT", blob_.size - offset_);
    if (!request.url.query.empty()) request.url.query += '&';
    request.url.query += "digest=" + percent_encoded(blob_.digest.text());
    in_step_ = false;
    may_be_there_ = true;
    Response response = send(std::move(request));
    if (response.status == 404 || response.status == 416) throw_lost(response);
    if (registry_error(response).code == "DIGEST_INVALID") throw_wrong_digest(response);
    if (!response.ok()) throw_status(response, target_.subject);
    auto said = Digest::parse(trim(response.headers.find("docker-content-digest").value_or("")));
    // Some name everything by its sha256, too.
    if (said && said->algorithm() == blob_.digest.algorithm() && *said != blob_.digest) throw_wrong_digest(response);
}

Request BlobUpload::request_for(const char* method, uint64_t size) const {
    Request request;
    request.url = *location_;
    request.method = method;
    request.headers = {"Content-Type: application/octet-stream"};
    request.body = RequestBody{&content_, offset_, size, {}};
    if (progress_) {
        request.body->progress = [this, from = offset_](uint64_t sent) { progress_(from + sent); };
    }
    return request;
}

// Every answer may move the upload, to another host even.
void BlobUpload::take_location(const Response& response) {
    auto location = response.headers.find("location");
    if (!location) return;
    auto target = response.url.resolve(*location);
    if (!target) {
        throw Error(ErrorKind::network, fmt::format("{} wants {} sent to nowhere: {}", response.url.authority(),
                                                    target_.subject.what, shown_location(*location)));
    }
    if (response.url.scheme == "https" && target->scheme == "http") {
        throw Error(ErrorKind::network, fmt::format("{} wants {} sent in the clear, to {}", response.url.authority(),
                                                    target_.subject.what, target->shown()))
            .hint("a proxy before the registry has to tell it the protocol (X-Forwarded-Proto: https)");
    }
    location_ = std::move(target);
}

void BlobUpload::start_over() {
    location_.reset();
    offset_ = 0;
    in_step_ = true;
}

void BlobUpload::throw_lost(const Response& response) {
    start_over();
    std::string message = registry_error(response).message;
    throw TransientError(ErrorKind::network,
                         fmt::format("{} lost the upload of {} (status {}{}{})", response.url.authority(),
                                     target_.subject.what, response.status, message.empty() ? "" : ": ", message));
}

// Either what lies here is not what it should be, or it was damaged on its way.
void BlobUpload::throw_wrong_digest(const Response& response) {
    Digest here = digest_of(content_, blob_.digest.algorithm());
    if (here != blob_.digest) {
        throw Error(ErrorKind::integrity, fmt::format("{} has the digest {}: it is damaged on this machine",
                                                      target_.subject.what, here.text()));
    }
    start_over();
    in_chunks_ = false;
    may_be_there_ = false;
    throw TransientError(ErrorKind::integrity, fmt::format("{} got other bytes than were sent as {}",
                                                           response.url.authority(), target_.subject.what));
}

}  // namespace gbuild::registry
