#include "gbuild/publish/publisher.h"

#include <fcntl.h>

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/text.h"
#include "image_download.h"
#include "image_push.h"
#include "registry_api.h"

namespace gbuild::publish {

namespace fs = std::filesystem;

namespace {

constexpr int download_id = 0;

// Passes bytes on and tells how many there are.
class Counted : public BlobSink {
  public:
    Counted(BlobSink& inner, EventSink& events) : inner_(inner), events_(events) {}
    uint64_t received() const override { return inner_.received(); }
    void append(std::span<const std::byte> bytes) override {
        inner_.append(bytes);
        events_.emit(TransferProgress{download_id, inner_.received()});
    }
    void restart() override { inner_.restart(); }

  private:
    BlobSink& inner_;
    EventSink& events_;
};

bool is_that_image(const fs::path& path, const ResolvedImage& image, const std::stop_token& stop) {
    std::error_code error;
    if (!fs::is_regular_file(path, error) || fs::file_size(path, error) != *image.size) return false;
    const UniqueFd file = open_file(path, O_RDONLY);
    return golem::describe(file.get(), golem::usual_chunk_size(*image.size), {}, stop).hash() == image.hash;
}

}  // namespace

struct Publisher::State {
    State(RegistryPlace place, PublisherOptions given) :
        options(std::move(given)), web(options.http), api(std::move(place), web) {}

    ResolvedImage found(const std::string& query, const std::string& what, const std::stop_token& stop) {
        auto image = api.find(query, stop);
        if (!image) {
            throw Error(ErrorKind::not_found, fmt::format("{} knows no image {}", api.place().host(), quoted(what)))
                .hint("check the name and the tag");
        }
        return std::move(*image);
    }

    const PublisherOptions options;
    registry::WebClient web;
    RegistryApi api;
};

Publisher::Publisher(RegistryPlace place, PublisherOptions options) :
    state_(std::make_unique<State>(std::move(place), std::move(options))) {}
Publisher::~Publisher() = default;

const RegistryPlace& Publisher::place() const { return state_->api.place(); }

void Publisher::check_login(const Login& login, const std::stop_token& stop) { state_->api.check_login(login, stop); }

PushResult Publisher::push(const PushJob& job, EventSink& events, const std::stop_token& stop) {
    return with_context([&] { return fmt::format("pushing {}", quoted(job.file.native())); },
                        [&] { return ImagePush(state_->api, job, state_->options.patience, events).run(stop); });
}

ResolvedImage Publisher::resolve(const RegistryName& name, const std::stop_token& stop) {
    return state_->found("tag=" + name.text(), name.text(), stop);
}

ResolvedImage Publisher::resolve(const golem::ImageHash& hash, const std::stop_token& stop) {
    ResolvedImage image = state_->found("hash=" + hash.hex, hash.hex, stop);
    if (image.hash == hash) return image;
    throw Error(ErrorKind::integrity, fmt::format("{} was asked for the image {} and answers with {}", place().host(),
                                                  hash.hex, image.hash.hex));
}

bool Publisher::download(const ResolvedImage& image, const fs::path& target, EventSink& events,
                         const std::stop_token& stop) {
    // Either will do, since the hash decides; what is asked in the clear is fetched in the clear.
    const bool secure = place().url().starts_with("https:");
    const std::string& first = secure ? image.https : image.http;
    const std::string& url = first.empty() ? (secure ? image.http : image.https) : first;
    if (url.empty() || !image.size) {
        throw Error(ErrorKind::network, fmt::format("{} does not say {}", place().host(),
                                                    url.empty() ? "where the image is" : "how large the image is"));
    }
    events.emit(TransferStarted{download_id, 0, target.filename().native(), "pulling", *image.size});
    const bool there = is_that_image(target, image, stop);
    if (!there) {
        ImageDownload download(target, image.hash, *image.size);
        Counted counted(download, events);
        state_->web.download(url, *image.size, "the image", counted, stop);
        download.finish();
    }
    events.emit(TransferFinished{download_id, there});
    return !there;
}

}  // namespace gbuild::publish
