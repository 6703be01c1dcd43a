#include "content_encoding.h"

#include <archive.h>
#include <archive_entry.h>

#include <array>
#include <memory>

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/text.h"

namespace gbuild::registry {

namespace {

struct ArchiveFree {
    void operator()(archive* handle) const { archive_read_free(handle); }
};

[[noreturn]] void fail_damaged(const Response& response, const std::string& what) {
    throw Error(ErrorKind::integrity, fmt::format("{} sent {} as {}, but it cannot be inflated",
                                                  response.url.authority(), what, content_encoding(response)));
}

std::string inflate(const Response& response, const std::string& body, size_t cap, const std::string& what) {
    std::unique_ptr<archive, ArchiveFree> reader(archive_read_new());
    if (!reader) throw std::bad_alloc();
    archive_read_support_filter_gzip(reader.get());
    archive_read_support_filter_zstd(reader.get());
    archive_read_support_format_raw(reader.get());
    archive_entry* entry = nullptr;
    if (archive_read_open_memory(reader.get(), body.data(), body.size()) != ARCHIVE_OK ||
        archive_read_next_header(reader.get(), &entry) != ARCHIVE_OK) {
        fail_damaged(response, what);
    }
    std::string text;
    std::array<char, size_t{64} * 1024> run;
    for (;;) {
        la_ssize_t got = archive_read_data(reader.get(), run.data(), run.size());
        if (got < 0) fail_damaged(response, what);
        if (got == 0) return text;
        if (static_cast<size_t>(got) > cap - text.size()) {
            throw Error(ErrorKind::limit, fmt::format("{} inflates to more than {}", what, human_size(cap)));
        }
        text.append(run.data(), static_cast<size_t>(got));
    }
}

}  // namespace

std::string content_encoding(const Response& response) {
    std::string coding = to_lower(trim(response.headers.find("content-encoding").value_or("")));
    return coding == "identity" ? "" : coding;
}

std::string decoded(const Response& response, std::string body, size_t cap, const std::string& what) {
    const std::string coding = content_encoding(response);
    // Storage that was told so once goes on saying it of whatever it holds.
    if (coding.empty() || trim(body).starts_with('{')) return body;
    if (coding == "gzip" || coding == "x-gzip" || coding == "zstd") return inflate(response, body, cap, what);
    throw_unasked_encoding(response, what);
}

void throw_unasked_encoding(const Response& response, const std::string& what) {
    throw Error(ErrorKind::network, fmt::format("{} sent {} with the content coding {}, which it was not asked for",
                                                response.url.authority(), what, quoted(content_encoding(response))))
        .hint("the server, or a proxy before it, must not compress what it passes on");
}

}  // namespace gbuild::registry
