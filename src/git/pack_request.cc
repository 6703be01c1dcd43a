#include "pack_request.h"

#include <git2/odb_backend.h>
#include <git2/sys/odb_backend.h>

#include <fmt/format.h>

#include "gbuild/base/text.h"

namespace gbuild::git {

namespace {

constexpr uint64_t largest_pack = uint64_t{64} << 30;
constexpr char band_of_pack = 1, band_of_progress = 2, band_of_errors = 3;

// Takes a pack as it comes, into the repository's objects once it is whole.
class PackSink {
  public:
    explicit PackSink(git_repository* repository) {
        git_odb* odb = nullptr;
        check(git_repository_odb(&odb, repository), ErrorKind::io, "cannot open the repository's objects");
        odb_.reset(odb);
        succeed(git_odb_write_pack(&writer_, odb, nullptr, nullptr));
    }
    PackSink(const PackSink&) = delete;
    PackSink& operator=(const PackSink&) = delete;
    ~PackSink() {
        if (writer_) writer_->free(writer_);
    }

    void append(std::span<const char> bytes) {
        size_ += bytes.size();
        if (size_ > largest_pack) {
            throw Error(ErrorKind::limit, fmt::format("the repository is larger than {}", human_size(largest_pack)));
        }
        succeed(writer_->append(writer_, bytes.data(), bytes.size(), &progress_));
    }
    void commit() {
        if (size_ == 0) throw Error(ErrorKind::network, "the server does not send what was asked for");
        succeed(writer_->commit(writer_, &progress_));
    }

  private:
    static void succeed(int code) {
        const git_error* error = code < 0 ? git_error_last() : nullptr;
        const bool is_local = error && error->klass == GIT_ERROR_OS;
        if (is_local) check(code, ErrorKind::io, "cannot store what the server sends");
        // It builds on what is here, which may be what is damaged.
        check_local(code, "cannot store what the server sends");
    }

    OdbHandle odb_;
    git_odb_writepack* writer_ = nullptr;
    git_indexer_progress progress_{};
    uint64_t size_ = 0;
};

std::string request_text(const PackRequest& request, const Advertisement& offered, bool is_shallow) {
    std::string words;
    for (const char* capability : {"side-band-64k", "ofs-delta", "no-progress"}) {
        if (offered.can(capability)) words += fmt::format(" {}", capability);
    }
    std::string text;
    for (const std::string& id : request.wanted) {
        text += packet(fmt::format("want {}{}\n", id, text.empty() ? words : ""));
    }
    if (is_shallow) {
        for (const std::string& id : request.present) text += packet(fmt::format("shallow {}", id));
        text += packet("deepen 1");
    }
    text += flush_packet;
    if (is_shallow) {
        for (const std::string& id : request.present) text += packet(fmt::format("have {}\n", id));
    }
    return text + packet("done\n");
}

// What the server makes of history, and of what is here: nothing that we would not know.
void skip_negotiation(PacketReader& from, bool is_shallow) {
    while (is_shallow && from.next()) continue;
}

bool is_acknowledgement(std::string_view line) { return line.starts_with("NAK") || line.starts_with("ACK "); }

// The packets of a pack, between which are messages.
void take_bands(PacketReader& from, std::optional<std::string_view> packet, PackSink& sink,
                const std::stop_token& stop) {
    for (; packet; packet = from.next()) {
        if (stop.stop_requested()) throw Error(ErrorKind::interrupted, "interrupted");
        if (packet->empty()) continue;
        const std::string_view bytes = packet->substr(1);
        switch (packet->front()) {
        case band_of_pack: sink.append(bytes); break;
        case band_of_progress: break;
        case band_of_errors:
            throw Error(ErrorKind::network, fmt::format("the server says: {}", printable(trim(bytes))));
        default: throw Error(ErrorKind::network, "the server's answer is not git's protocol");
        }
    }
}

}  // namespace

void receive_pack(git_repository* repository, Wire& wire, const Advertisement& offered, const PackRequest& request,
                  const std::stop_token& stop) {
    const bool is_shallow = request.history == History::none && offered.can("shallow");
    Channel& channel = wire.upload_pack();
    channel.write(request_text(request, offered, is_shallow));
    PacketReader from(channel);
    skip_negotiation(from, is_shallow);
    PackSink sink(repository);
    while (!from.is_at_pack()) {
        const auto packet = from.next();
        if (packet && is_acknowledgement(*packet)) continue;
        take_bands(from, packet, sink, stop);
        return sink.commit();
    }
    // Without bands it comes as it is, up to the end.
    for (auto bytes = from.next_bytes(); !bytes.empty(); bytes = from.next_bytes()) {
        if (stop.stop_requested()) throw Error(ErrorKind::interrupted, "interrupted");
        sink.append(bytes);
    }
    sink.commit();
}

}  // namespace gbuild::git
