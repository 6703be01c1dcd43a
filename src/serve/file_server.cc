#include "gbuild/serve/file_server.h"

#include <sys/stat.h>
#include <time.h>

#include <array>
#include <cstdarg>
#include <exception>

#include <fmt/format.h>
#include <microhttpd.h>

#include "body.h"
#include "gbuild/base/error.h"
#include "gbuild/base/text.h"
#include "listen_socket.h"

namespace gbuild::serve {

namespace {

struct StopDaemon {
    void operator()(MHD_Daemon* daemon) const { MHD_stop_daemon(daemon); }
};
struct DestroyResponse {
    void operator()(MHD_Response* response) const { MHD_destroy_response(response); }
};
using Response = std::unique_ptr<MHD_Response, DestroyResponse>;

std::string http_date(time_t time) {
    constexpr std::array<const char*, 7> days = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    constexpr std::array<const char*, 12> months = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                    "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    struct tm utc {};
    ::gmtime_r(&time, &utc);
    return fmt::format("{}, {:02} {} {} {:02}:{:02}:{:02} GMT", days.at(static_cast<size_t>(utc.tm_wday)), utc.tm_mday,
                       months.at(static_cast<size_t>(utc.tm_mon)), utc.tm_year + 1900, utc.tm_hour, utc.tm_min,
                       utc.tm_sec);
}

std::string_view header(MHD_Connection* connection, const char* name) {
    const char* value = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
    return value ? value : "";
}

void add_header(MHD_Response& response, const char* name, const std::string& value) {
    if (MHD_add_response_header(&response, name, value.c_str()) != MHD_YES)
        throw Error(ErrorKind::internal, fmt::format("libmicrohttpd refuses the header {}", name));
}

Response checked(MHD_Response* response) {
    if (!response) throw Error(ErrorKind::io, "cannot make a response");
    return Response(response);
}

Response text_response(std::string text) {
    return checked(MHD_create_response_from_buffer(text.size(), text.data(), MHD_RESPMEM_MUST_COPY));
}

// The library closes what it is given.
Response file_response(int file, const ByteRange& range) {
    UniqueFd copy = duplicate(file);
    Response response = checked(MHD_create_response_from_fd_at_offset64(range.size(), copy.get(), range.first));
    copy.release();
    return response;
}

ssize_t read_multipart(void* body, uint64_t position, char* buffer, size_t size) {
    try {
        const auto bytes = std::as_writable_bytes(std::span(buffer, size));
        const size_t count = static_cast<const MultipartBody*>(body)->read(position, bytes);
        return count == 0 ? MHD_CONTENT_READER_END_OF_STREAM : static_cast<ssize_t>(count);
    } catch (const std::exception&) {
        return MHD_CONTENT_READER_END_WITH_ERROR;
    }
}

void free_multipart(void* body) { delete static_cast<MultipartBody*>(body); }

Response multipart_response(std::unique_ptr<MultipartBody> body) {
    constexpr size_t block = 64u << 10;
    const std::string type = body->content_type();
    MHD_Response* made =
        MHD_create_response_from_callback(body->size(), block, read_multipart, body.get(), free_multipart);
    Response response = checked(made);
    static_cast<void>(body.release());
    add_header(*response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    return response;
}

}  // namespace

struct FileServer::State {
    ServedFile file;
    ListenAddress address;
    uint64_t size = 0;
    std::string last_modified;
    std::unique_ptr<MHD_Daemon, StopDaemon> daemon;  // last: its threads use the others

    std::string quoted_etag() const { return '"' + file.etag + '"'; }

    // For the part that a client has already.
    bool is_current(std::string_view if_range) const {
        return if_range.empty() || if_range == quoted_etag() || if_range == last_modified;
    }

    bool matches(std::string_view if_none_match) const {
        for (const std::string& one : split(if_none_match, ',')) {
            std::string_view tag = trim(one);
            if (tag.starts_with("W/")) tag.remove_prefix(2);
            if (tag == "*" || tag == quoted_etag()) return true;
        }
        return false;
    }

    static MHD_Result send(MHD_Connection* connection, unsigned status, const Response& response) {
        return MHD_queue_response(connection, status, response.get());
    }

    static MHD_Result refuse(MHD_Connection* connection, unsigned status, const std::string& why) {
        const Response response = text_response(why + "\n");
        add_header(*response, MHD_HTTP_HEADER_CONTENT_TYPE, "text/plain; charset=utf-8");
        if (status == MHD_HTTP_METHOD_NOT_ALLOWED) add_header(*response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
        return send(connection, status, response);
    }

    MHD_Result send_file(MHD_Connection* connection, unsigned status, const Response& response) const {
        add_header(*response, MHD_HTTP_HEADER_ACCEPT_RANGES, "bytes");
        add_header(*response, MHD_HTTP_HEADER_ETAG, quoted_etag());
        add_header(*response, MHD_HTTP_HEADER_LAST_MODIFIED, last_modified);
        return send(connection, status, response);
    }

    MHD_Result send_ranges(MHD_Connection* connection, const std::vector<ByteRange>& ranges) const {
        if (ranges.empty()) {
            const Response response = text_response("");
            add_header(*response, MHD_HTTP_HEADER_CONTENT_RANGE, fmt::format("bytes */{}", size));
            return send_file(connection, MHD_HTTP_RANGE_NOT_SATISFIABLE, response);
        }
        if (ranges.size() > 1) {
            auto body =
                std::make_unique<MultipartBody>(file.fd.get(), size, ranges, "gbuild-" + file.etag.substr(0, 32));
            return send_file(connection, MHD_HTTP_PARTIAL_CONTENT, multipart_response(std::move(body)));
        }
        const Response response = file_response(file.fd.get(), ranges[0]);
        add_header(*response, MHD_HTTP_HEADER_CONTENT_TYPE, "application/octet-stream");
        add_header(*response, MHD_HTTP_HEADER_CONTENT_RANGE,
                   fmt::format("bytes {}-{}/{}", ranges[0].first, ranges[0].last, size));
        return send_file(connection, MHD_HTTP_PARTIAL_CONTENT, response);
    }

    MHD_Result answer(MHD_Connection* connection, std::string_view path, std::string_view method) const {
        const bool is_get = method == MHD_HTTP_METHOD_GET;
        if (!is_get && method != MHD_HTTP_METHOD_HEAD)
            return refuse(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET and HEAD are served");
        if (path != '/' + file.name) return refuse(connection, MHD_HTTP_NOT_FOUND, "there is no such file");
        if (matches(header(connection, MHD_HTTP_HEADER_IF_NONE_MATCH)))
            return send_file(connection, MHD_HTTP_NOT_MODIFIED, text_response(""));
        // Ranges are for GET alone.
        const std::string_view range = is_get ? header(connection, MHD_HTTP_HEADER_RANGE) : "";
        if (!range.empty() && is_current(header(connection, MHD_HTTP_HEADER_IF_RANGE))) {
            if (const auto ranges = parse_ranges(range, size)) return send_ranges(connection, *ranges);
        }
        const Response response = file_response(file.fd.get(), {0, size - 1});
        add_header(*response, MHD_HTTP_HEADER_CONTENT_TYPE, "application/octet-stream");
        return send_file(connection, MHD_HTTP_OK, response);
    }

    // Called when the headers are there, for each piece of a body, and when all has come.
    static MHD_Result handle(void* self, MHD_Connection* connection, const char* path, const char* method, const char*,
                             const char*, size_t* body_size, void** request) {
        if (!*request) {
            *request = connection;  // seen
            return MHD_YES;
        }
        if (*body_size != 0) {
            *body_size = 0;
            return MHD_YES;
        }
        try {
            return static_cast<const State*>(self)->answer(connection, path, method);
        } catch (const std::exception&) {
            return MHD_NO;  // closes the connection
        }
    }

    void start(int listen_fd) {
        constexpr unsigned most_connections = 256, silence = 60, threads = 2;
        constexpr size_t memory = 32u << 10;  // of a connection: headers, and what is being sent
        daemon.reset(MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_EPOLL, 0, nullptr, nullptr, handle,
                                      this, MHD_OPTION_LISTEN_SOCKET, listen_fd, MHD_OPTION_CONNECTION_LIMIT,
                                      most_connections, MHD_OPTION_CONNECTION_TIMEOUT, silence,
                                      MHD_OPTION_CONNECTION_MEMORY_LIMIT, memory, MHD_OPTION_THREAD_POOL_SIZE, threads,
                                      MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END));
        if (!daemon) throw_errno("cannot start the server");
    }
};

FileServer::FileServer(ServedFile file, std::string_view listen) : state_(std::make_unique<State>()) {
    struct stat status {};
    if (::fstat(file.fd.get(), &status) != 0) throw_errno("cannot look at the file to serve");
    state_->file = std::move(file);
    state_->size = static_cast<uint64_t>(status.st_size);
    if (state_->size == 0) throw Error(ErrorKind::usage, "an empty file is not served");
    state_->last_modified = http_date(status.st_mtim.tv_sec);
    ListenSocket socket = listen_on(listen);
    state_->address = socket.address;
    state_->start(socket.fd.get());
    socket.fd.release();  // the library closes it
}

FileServer::~FileServer() = default;

const ListenAddress& FileServer::address() const { return state_->address; }

std::string library_version() { return MHD_get_version(); }

}  // namespace gbuild::serve
