// Git's smart HTTP protocol (gitprotocol-http(5)).
#include <algorithm>

#include <fmt/format.h>

#include "gbuild/base/atomic_file.h"
#include "gbuild/base/error.h"
#include "gbuild/base/text.h"
#include "gbuild/registry/url.h"
#include "wire.h"

namespace gbuild::git {

namespace {

constexpr size_t max_advertisement = 256u << 20;
constexpr uint64_t max_pack = uint64_t{64} << 30;
constexpr std::string_view advertisement_path = "/info/refs";
constexpr std::string_view advertisement_query = "?service=git-upload-pack";

Error too_much(uint64_t cap) {
    return {ErrorKind::limit, fmt::format("the repository's answer is larger than {}", human_size(cap))};
}

class AdvertisementSink : public BlobSink {
  public:
    uint64_t received() const override { return text_.size(); }
    void append(std::span<const std::byte> bytes) override {
        if (bytes.size() > max_advertisement - text_.size()) throw too_much(max_advertisement);
        text_ += as_text(bytes);
    }
    void restart() override { text_.clear(); }
    std::string take() { return std::move(text_); }

  private:
    std::string text_;
};

// A pack waits on disk until libgit2 reads it.
class SpoolSink : public BlobSink {
  public:
    SpoolSink(int fd, const std::function<void(uint64_t)>& told) : fd_(fd), told_(told) {}
    uint64_t received() const override { return received_; }
    void append(std::span<const std::byte> bytes) override {
        if (bytes.size() > max_pack - received_) throw too_much(max_pack);
        pwrite_all(fd_, bytes, received_);
        received_ += bytes.size();
        if (told_) told_(received_);
    }
    void restart() override { received_ = 0; }

  private:
    int fd_;
    const std::function<void(uint64_t)>& told_;
    uint64_t received_ = 0;
};

class TextChannel : public Channel {
  public:
    explicit TextChannel(std::string text) : text_(std::move(text)) {}
    void write(std::string_view) override { throw Error(ErrorKind::internal, "nobody listens to this channel"); }
    size_t read(std::span<char> into) override {
        const size_t count = std::min(into.size(), text_.size() - at_);
        std::copy_n(text_.begin() + static_cast<ptrdiff_t>(at_), count, into.begin());
        at_ += count;
        return count;
    }

  private:
    std::string text_;
    size_t at_ = 0;
};

class PostChannel : public Channel {
  public:
    PostChannel(const Remote& remote, std::string url) : remote_(remote), url_(std::move(url)) {}

    void write(std::string_view bytes) override { request_ += bytes; }

    // The first one sends what was written.
    size_t read(std::span<char> into) override {
        if (!file_) post();
        const size_t wanted = static_cast<size_t>(std::min<uint64_t>(into.size(), size_ - at_));
        const size_t got = pread_full(file_.get(), std::as_writable_bytes(into.first(wanted)), at_);
        at_ += got;
        return got;
    }

  private:
    void post() {
        file_ = anonymous_file(remote_.spool);
        SpoolSink sink(file_.get(), remote_.received);
        remote_.web.fetch({url_ + "/git-upload-pack",
                           {"Content-Type: application/x-git-upload-pack-request",
                            "Accept: application/x-git-upload-pack-result", "Expect:"},
                           request_},
                          sink, remote_.stop);
        size_ = sink.received();
    }

    const Remote& remote_;
    std::string url_;
    std::string request_;
    UniqueFd file_;
    uint64_t size_ = 0;
    uint64_t at_ = 0;
};

class HttpWire : public Wire {
  public:
    explicit HttpWire(const Remote& remote) : remote_(remote), url_(remote.url) {
        while (url_.ends_with('/')) url_.pop_back();
    }

    Channel& list_references() override {
        AdvertisementSink sink;
        const std::string asked = url_ + std::string(advertisement_path) + std::string(advertisement_query);
        const registry::WebAnswer answer =
            remote_.web.fetch({asked, {"Accept: application/x-git-upload-pack-advertisement"}, {}}, sink, remote_.stop);
        if (!answer.content_type.starts_with("application/x-git-upload-pack-advertisement")) {
            throw Error(ErrorKind::network, fmt::format("there is no git repository at {}, or its server does not "
                                                        "speak git's smart protocol",
                                                        registry::without_user_info(url_)))
                .hint("check the URL");
        }
        follow(answer.url);
        listing_ = std::make_unique<TextChannel>(sink.take());
        return *listing_;
    }

    Channel& upload_pack() override {
        request_ = std::make_unique<PostChannel>(remote_, url_);
        return *request_;
    }

  private:
    // As git has it: a redirect of the first request moves the repository.
    void follow(const std::string& answered) {
        const auto here = registry::Url::parse(url_);
        const auto there = registry::Url::parse(answered);
        if (!here || !there || !there->path.ends_with(advertisement_path)) return;
        registry::Url moved = *there;
        moved.path.resize(moved.path.size() - advertisement_path.size());
        moved.query.clear();
        if (moved == *here) return;
        // User information goes nowhere else.
        const size_t start = url_.find("://") + 3;
        const size_t end = url_.find('/', start);
        const size_t at = url_.substr(0, end).rfind('@');
        const std::string user_info =
            at != std::string::npos && moved.same_origin(*here) ? url_.substr(start, at + 1 - start) : "";
        url_ = fmt::format("{}://{}{}{}", moved.scheme, user_info, moved.authority(), moved.path);
    }

    const Remote& remote_;
    std::string url_;
    std::unique_ptr<Channel> listing_, request_;
};

}  // namespace

std::unique_ptr<Wire> open_http_wire(const Remote& remote) { return std::make_unique<HttpWire>(remote); }

}  // namespace gbuild::git
