#include "publish/registry_api.h"

#include <algorithm>
#include <span>

#include "failing.h"
#include "publish/multipart.h"
#include "support/fault_server.h"

namespace gbuild::publish {

namespace {

using test::Ending;
using test::FaultServer;
using test::HttpReply;

golem::Descriptor three_chunks() {
    golem::DescriptorBuilder builder(2);
    builder.update(as_bytes("abcde"));
    return builder.finish();
}

// What the registry's answer to a question about the upload is taken for.
UploadState state_of(const std::string& body, int status = 200) {
    FaultServer server([&](const auto&) { return HttpReply{status, {}, body, Ending::proper, 0}; });
    registry::ClientOptions options;
    options.max_attempts = 1;
    registry::WebClient web(options);
    RegistryApi api(RegistryPlace(server.url(), "REGISTRY_URL"), web);
    const golem::Descriptor descriptor = three_chunks();
    return api.upload_state(descriptor, descriptor.id(), {});
}

std::string read_all(const registry::BlobContent& content, size_t run) {
    std::string text(content.size(), '\0');
    for (size_t at = 0; at < text.size(); at += run) {
        const size_t count = std::min(run, text.size() - at);
        content.read(at, std::as_writable_bytes(std::span(text)).subspan(at, count));
    }
    return text;
}

}  // namespace

TEST_CASE("what the registry says of an upload") {
    CHECK_FALSE(state_of(R"({"descriptor":"not found"})").known);
    CHECK_FALSE(state_of(R"({"descriptor":"not found"})", 404).known);
    const UploadState partial = state_of(R"({"descriptor":"ok","status":"partial","chunks":[1,0,1]})");
    CHECK(partial.known);
    CHECK(partial.has_status);
    CHECK(partial.has_chunk == std::vector<bool>{true, false, true});
    CHECK_FALSE(partial.has_all());
    CHECK(state_of(R"({"descriptor":"ok","status":"full"})").full);
    CHECK_FALSE(state_of(R"({"descriptor":"no","status":"full"})").full);
    CHECK(state_of(R"({"descriptor":"ok","chunks":[1]})").has_chunk == std::vector<bool>{true, false, false});
    CHECK(state_of(R"({"descriptor":"ok","chunks":[1,1,1,1,1]})").has_all());
    CHECK(state_of(R"({"descriptor":"ok","chunks":null})").has_chunk.size() == 3);
    CHECK(state_of(R"({"descriptor":"ok","chunks":[2,-1,99999999999]})").has_chunk == std::vector<bool>(3, false));
}

TEST_CASE("nonsense about an upload is an error of the network with its first words") {
    for (const char* body :
         {"", "<p>Sign in</p>", "[]", "{}", R"({"descriptor":1})", R"({"descriptor":"ok","chunks":1})",
          R"({"descriptor":"ok","chunks":["1"]})", R"({"descriptor":"ok","chunks":[1.5]})"}) {
        CAPTURE(body);
        CHECK(failure_of([&] { state_of(body); }).kind() == ErrorKind::network);
    }
    CHECK_THAT(failure_of([&] { state_of("<p>Sign in</p>"); }).message(), ContainsSubstring("Sign in"));
    CHECK(failure_of([&] { state_of("gone", 410); }).message().find("410") != std::string::npos);
    CHECK(failure_of([&] { state_of("no", 403); }).kind() == ErrorKind::unauthorized);
    CHECK(failure_of([&] { state_of(std::string(1 << 20, '[')); }).kind() == ErrorKind::limit);
}

TEST_CASE("a server's reason is fit to be shown") {
    CHECK(shown_reason("plain\r\n\twords") == "plain words");
    CHECK(shown_reason(R"({"message":"m\u001b[31m"})") == "m\\x1b[31m");
    CHECK(shown_reason(R"({"error":"e","code":1})") == "e");
    CHECK(shown_reason(R"("text")") == "text");
    CHECK(shown_reason(R"({"other":1})") == R"({"other":1})");
    CHECK(shown_reason("<html><head><title>T</title><style>p{}</style></head><body>b<script>x</script></body>") ==
          "T b");
    CHECK(shown_reason("<p>text</p>\n") == "text");
    CHECK(shown_reason("<p>text</p> and more") == "text and more");
    CHECK(shown_reason("<SCRIPT>x</script>y") == "y");
    CHECK(shown_reason("<").empty());
    CHECK(shown_reason("<script>never closed").empty());
    CHECK(shown_reason("").empty());
    CHECK(shown_reason("bad token sesame, sesame", "sesame") == "bad token ***, ***");
    CHECK(shown_reason(R"({"message":"s\u0065same"})", "sesame") == "***");
    CHECK(shown_reason(std::string(1000, 'x')).size() < 310);
}

TEST_CASE("a form is read in pieces as it is read at once") {
    MultipartForm form;
    form.field("name", "value");
    const std::string boundary = form.header().substr(form.header().find("boundary=") + 9);
    const auto body = std::move(form).with_file(std::make_shared<registry::TextContent>("0123456789"), 3, 4);
    const std::string expected = "--" + boundary +
                                 "\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\nvalue\r\n--" + boundary +
                                 "\r\nContent-Disposition: form-data; name=\"file\"; filename=\"descriptor.txt\"\r\n"
                                 "Content-Type: application/octet-stream\r\n\r\n3456\r\n--" +
                                 boundary + "--\r\n";
    for (size_t run : {1, 7, 64, 1000}) CHECK(read_all(*body, run) == expected);
}

}  // namespace gbuild::publish
