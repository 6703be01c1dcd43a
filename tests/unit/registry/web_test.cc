// Files from servers that are no registries.
#include "gbuild/registry/web.h"

#include "client_fixture.h"
#include "gbuild/registry/base64.h"
#include "support/fault_server.h"

using namespace gbuild;
using namespace gbuild::registry;
using test::Ending;
using test::FaultServer;
using test::HttpReply;
using test::HttpRequest;

namespace {

class WebFixture {
  public:
    WebFixture() {
        options_.first_delay = std::chrono::milliseconds(1);
        options_.max_attempts = 3;
    }
    WebAnswer get(const std::string& url, std::vector<std::string> headers = {}) {
        return WebClient(options_).fetch({url, std::move(headers), {}}, sink, {});
    }
    MemorySink sink;

  private:
    ClientOptions options_;
};

HttpReply redirect(const std::string& to) { return {302, {{"Location", to}}, "", Ending::proper, 0}; }

}  // namespace

TEST_CASE_METHOD(WebFixture, "a file comes with what identifies it") {
    FaultServer server([](const HttpRequest&) {
        return HttpReply{
            200,
            {{"ETag", "\"a\""}, {"Last-Modified", "Tue, 14 Nov 2023 22:13:20 GMT"}, {"Content-Type", "x/y"}},
            "bytes",
            Ending::proper,
            0};
    });
    const WebAnswer answer = get(server.url() + "/f?q=1");
    CHECK(sink.bytes() == "bytes");
    CHECK(answer.modified);
    CHECK(answer.etag == "\"a\"");
    CHECK(answer.content_type == "x/y");
    CHECK(parse_http_date(answer.last_modified) == 1'700'000'000);
    CHECK(answer.url == server.url() + "/f?q=1");
    CHECK_FALSE(parse_http_date("yesterday or so"));
}

TEST_CASE_METHOD(WebFixture, "what is as it was is not sent") {
    FaultServer server([](const HttpRequest& request) {
        return HttpReply{request.header("if-none-match") == "\"a\"" ? 304 : 500, {}, "", Ending::proper, 0};
    });
    sink.hold("kept");
    CHECK_FALSE(get(server.url() + "/f", {"If-None-Match: \"a\""}).modified);
    CHECK(sink.bytes() == "kept");
}

TEST_CASE_METHOD(WebFixture, "a body that is cut off is fetched again from its first byte") {
    int left = 2;
    FaultServer server([&](const HttpRequest&) {
        return HttpReply{200, {}, "all of it", --left > 0 ? Ending::close : Ending::proper, 4};
    });
    get(server.url() + "/f");
    CHECK(sink.bytes() == "all of it");
    CHECK(server.requests().size() == 2);
}

TEST_CASE_METHOD(WebFixture, "a body that is always cut off is an error") {
    FaultServer server([](const HttpRequest&) { return HttpReply{200, {}, "all of it", Ending::close, 4}; });
    CHECK(error_of([&] { get(server.url() + "/f"); }).kind() == ErrorKind::network);
    CHECK(server.requests().size() == 3);
}

TEST_CASE_METHOD(WebFixture, "statuses have their kinds, and messages no secrets") {
    for (auto [status, kind] : {std::pair(404, ErrorKind::not_found), std::pair(410, ErrorKind::not_found),
                                std::pair(401, ErrorKind::unauthorized), std::pair(403, ErrorKind::unauthorized),
                                std::pair(418, ErrorKind::network), std::pair(503, ErrorKind::network)}) {
        CAPTURE(status);
        const int answered = status;
        FaultServer server([answered](const HttpRequest&) { return HttpReply{answered, {}, "", Ending::proper, 0}; });
        const Error error = error_of([&] { get("http://u:secret@" + server.host() + "/f?token=secret"); });
        CHECK(error.kind() == kind);
        CHECK_THAT(error.message(), ContainsSubstring(server.url() + "/f cannot be fetched"));
        CHECK_THAT(error.message(), ContainsSubstring(std::to_string(answered)));
        CHECK(error.message().find("secret") == std::string::npos);
    }
}

TEST_CASE_METHOD(WebFixture, "user information is a login for the server it is for") {
    FaultServer other([](const HttpRequest&) { return HttpReply{}; });
    FaultServer server([&](const HttpRequest& request) {
        return request.path == "/there" ? redirect(other.url() + "/") : redirect("/there");
    });
    get("http://us%40er:p%3Aw@" + server.host() + "/f");
    for (const HttpRequest& request : server.requests()) {
        CHECK(request.header("authorization") == "Basic " + base64_encode("us@er:p:w"));
    }
    CHECK(other.requests().at(0).header("authorization").empty());
}

TEST_CASE_METHOD(WebFixture, "redirects in a circle end") {
    FaultServer server([](const HttpRequest&) { return redirect("/again"); });
    CHECK_THAT(error_of([&] { get(server.url() + "/f"); }).message(), ContainsSubstring("redirects more than"));
}

TEST_CASE_METHOD(WebFixture, "a POST has the bytes it was given") {
    FaultServer server([](const HttpRequest& request) { return HttpReply{200, {}, request.body, Ending::proper, 0}; });
    const std::string body("a\0b", 3);
    WebClient({}).fetch({server.url() + "/p", {"Content-Type: x/y"}, body}, sink, {});
    CHECK(sink.bytes() == body);
    CHECK(server.requests().at(0).header("content-type") == "x/y");
}

TEST_CASE_METHOD(WebFixture, "what is no URL is refused without its secrets") {
    const Error error = error_of([&] { get("https://u:secret@ /x"); });
    CHECK(error.kind() == ErrorKind::usage);
    CHECK(error.message().find("secret") == std::string::npos);
}

TEST_CASE_METHOD(WebFixture, "a single request gets any answer") {
    FaultServer server([](const HttpRequest& request) {
        return HttpReply{request.path == "/ok" ? 200 : 429,
                         {{"Retry-After", "7"}},
                         request.method + request.body,
                         Ending::proper,
                         0};
    });
    WebClient web({});
    ApiRequest request;
    request.url = server.url() + "/ok";
    CHECK(web.ask(request, {}).body == "GET");
    request.method = "POST";
    request.body = std::make_shared<TextContent>("abc");
    uint64_t sent = 0;
    request.progress = [&](uint64_t bytes) { sent = bytes; };
    CHECK(web.ask(request, {}).body == "POSTabc");
    CHECK(sent == 3);
    request.url = server.url() + "/busy";
    const ApiAnswer answer = web.ask(request, {});
    CHECK(answer.status == 429);
    CHECK(answer.retry_after == std::chrono::seconds(7));
    CHECK(server.requests().size() == 3);
    request.url = server.url() + "/ok";
    request.max_answer = 5;
    CHECK(error_of([&] { web.ask(request, {}); }).kind() == ErrorKind::limit);
}

TEST_CASE_METHOD(WebFixture, "a body follows no redirect") {
    FaultServer other([](const HttpRequest&) { return HttpReply{}; });
    FaultServer server([&](const HttpRequest&) {
        return HttpReply{307, {{"Location", other.url() + "/x"}}, "", Ending::proper, 0};
    });
    WebClient web({});
    ApiRequest request;
    request.url = server.url() + "/f";
    CHECK(web.ask(request, {}).status == 200);
    request.method = "POST";
    request.body = std::make_shared<TextContent>("secret");
    const ApiAnswer answer = web.ask(request, {});
    CHECK(answer.status == 307);
    CHECK(answer.location == other.url() + "/x");
    CHECK(other.requests().size() == 1);
}

TEST_CASE_METHOD(WebFixture, "a download of known size goes on where it broke") {
    const std::string bytes = noise(100'000);
    FaultServer server([&](const HttpRequest& request) {
        const std::string range = request.header("range");
        if (range.empty()) return HttpReply{200, {}, bytes, Ending::reset, 40'000};
        const size_t from = std::stoul(range.substr(6));
        return HttpReply{206,
                         {{"Content-Range", "bytes " + std::to_string(from) + "-99999/100000"}},
                         bytes.substr(from),
                         Ending::proper,
                         0};
    });
    ClientOptions options;
    options.first_delay = std::chrono::milliseconds(1);
    WebClient(options).download(server.url() + "/f", bytes.size(), "the file", sink, {});
    CHECK(sink.bytes() == bytes);
    sink.restart();
    CHECK(error_of([&] { WebClient(options).download(server.url() + "/f", 10, "the file", sink, {}); }).kind() ==
          ErrorKind::integrity);
}
