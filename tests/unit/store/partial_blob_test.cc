#include "gbuild/store/partial_blob.h"

#include <signal.h>
#include <sys/resource.h>

#include <fstream>
#include <future>
#include <thread>

#include "gbuild/base/atomic_file.h"
#include "gbuild/base/error.h"
#include "support/catch.h"

namespace fs = std::filesystem;
using namespace gbuild;
using gbuild::store::PartialBlob;

namespace {

// A directory with the two places a download has.
struct Download {
    explicit Download(std::string contents) : text(std::move(contents)) {}

    std::unique_ptr<PartialBlob> open(const std::stop_token& stop = {}) const {
        return std::make_unique<PartialBlob>(partial, target, Digest::of(text), text.size(), stop);
    }
    void leave_partial(std::string_view bytes) const { std::ofstream(partial, std::ios::binary) << bytes; }

    TempDir dir;
    fs::path partial = dir.path() / "x.partial";
    fs::path target = dir.path() / "x";
    std::string text;
};

std::string read_all(ByteSource& source) {
    std::string text;
    for (auto run = source.next(); !run.empty(); run = source.next()) text += as_text(run);
    return text;
}

std::string long_text(size_t size) {
    std::string text(size, '\0');
    uint32_t state = 1;
    for (char& c : text) c = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
    return text;
}

ErrorKind kind_of(const std::function<void()>& body) {
    try {
        body();
    } catch (const Error& error) {
        return error.kind();
    }
    FAIL("no exception");
    return ErrorKind::internal;
}

}  // namespace

TEST_CASE("a complete download moves to its place") {
    Download download("hello world");
    auto blob = download.open();
    CHECK(blob->received() == 0);
    blob->append(as_bytes("hello "));
    CHECK(blob->received() == 6);
    CHECK_FALSE(fs::exists(download.target));
    blob->append(as_bytes("world"));
    blob->finish();
    CHECK(read_text_file(download.target, 100) == "hello world");
    CHECK_FALSE(fs::exists(download.partial));
}

TEST_CASE("an empty blob is complete at once") {
    Download download("");
    auto blob = download.open();
    auto reader = blob->reader();
    blob->finish();
    CHECK(reader->next().empty());
    CHECK(fs::exists(download.target));
}

TEST_CASE("an interrupted download goes on where it stopped") {
    Download download("hello world");
    {
        auto blob = download.open();
        blob->append(as_bytes("hello "));
    }
    auto blob = download.open();
    CHECK(blob->received() == 6);
    auto reader = blob->reader();
    blob->append(as_bytes("world"));
    blob->finish();
    CHECK(read_all(*reader) == "hello world");
    CHECK(read_text_file(download.target, 100) == "hello world");
}

TEST_CASE("a download that was complete but not finished needs no more bytes") {
    Download download(long_text(600000));
    download.leave_partial(download.text);
    auto blob = download.open();
    CHECK(blob->received() == 600000);
    blob->finish();
    CHECK(fs::exists(download.target));
}

TEST_CASE("a left-over longer than the blob is thrown away") {
    Download download("hello");
    download.leave_partial("hello world");
    auto blob = download.open();
    CHECK(blob->received() == 0);
    blob->append(as_bytes("hello"));
    blob->finish();
    CHECK(read_text_file(download.target, 100) == "hello");
}

TEST_CASE("a corrupt left-over is found out, removed, and not resumed again") {
    Download download("hello world");
    download.leave_partial("HELLO ");
    {
        auto blob = download.open();
        auto reader = blob->reader();
        blob->append(as_bytes("world"));
        CHECK(kind_of([&] { blob->finish(); }) == ErrorKind::integrity);
        CHECK(kind_of([&] { read_all(*reader); }) == ErrorKind::integrity);
    }
    CHECK_FALSE(fs::exists(download.target));
    CHECK_FALSE(fs::exists(download.partial));
    CHECK(download.open()->received() == 0);
}

TEST_CASE("a download that is discarded is not gone on with") {
    Download download("hello world");
    {
        auto blob = download.open();
        blob->append(as_bytes("hello "));
        blob->discard();
    }
    CHECK(download.open()->received() == 0);
}

TEST_CASE("discarding a finished download changes nothing") {
    Download download("hello");
    auto blob = download.open();
    blob->append(as_bytes("hello"));
    blob->finish();
    blob->discard();
    CHECK(read_text_file(download.target, 100) == "hello");
}

TEST_CASE("a digest mismatch tells both digests") {
    Download download("hello");
    auto blob = download.open();
    blob->append(as_bytes("HELLO"));
    CHECK_THROWS_WITH(blob->finish(), "the 5 bytes sent as " + Digest::of("hello").text() + " have the digest " +
                                          std::string(Digest::of("HELLO").hex()));
}

TEST_CASE("a short download is refused by finish") {
    Download download("hello");
    auto blob = download.open();
    blob->append(as_bytes("hel"));
    CHECK_THROWS_WITH(blob->finish(), Digest::of("hello").text() + " has 3 bytes instead of 5");
    CHECK_FALSE(fs::exists(download.target));
}

TEST_CASE("more bytes than the blob has are refused and not written") {
    Download download("hello");
    auto blob = download.open();
    blob->append(as_bytes("hel"));
    CHECK(kind_of([&] { blob->append(as_bytes("lo!")); }) == ErrorKind::integrity);
    CHECK(blob->received() == 3);
    blob->append(as_bytes("lo"));
    blob->finish();
    CHECK(read_text_file(download.target, 100) == "hello");
}

TEST_CASE("a restart forgets what was there") {
    Download download("hello");
    auto blob = download.open();
    blob->append(as_bytes("XXXX"));
    blob->restart();
    CHECK(blob->received() == 0);
    CHECK(fs::file_size(download.partial) == 0);
    blob->append(as_bytes("hello"));
    blob->finish();
    CHECK(read_text_file(download.target, 100) == "hello");
}

TEST_CASE("a reader that has read nothing survives a restart") {
    Download download("hello");
    auto blob = download.open();
    auto reader = blob->reader();
    blob->append(as_bytes("XXXX"));
    blob->restart();
    blob->append(as_bytes("hello"));
    blob->finish();
    CHECK(read_all(*reader) == "hello");
}

TEST_CASE("a reader that has read something fails after a restart") {
    Download download("hello");
    auto blob = download.open();
    auto reader = blob->reader();
    blob->append(as_bytes("XX"));
    CHECK(as_text(reader->next()) == "XX");
    blob->restart();
    blob->append(as_bytes("hello"));
    CHECK(kind_of([&] { reader->next(); }) == ErrorKind::integrity);
}

TEST_CASE("a reader gets the failure of the download") {
    Download download("hello");
    auto blob = download.open();
    auto reader = blob->reader();
    std::thread follower([&] { CHECK(kind_of([&] { read_all(*reader); }) == ErrorKind::network); });
    blob->append(as_bytes("he"));
    blob->fail(std::make_exception_ptr(Error(ErrorKind::network, "gone")));
    follower.join();
}

TEST_CASE("a failed download keeps its bytes for a later run") {
    Download download("hello");
    {
        auto blob = download.open();
        blob->append(as_bytes("he"));
        blob->fail(std::make_exception_ptr(Error(ErrorKind::network, "gone")));
    }
    CHECK(download.open()->received() == 2);
}

TEST_CASE("a failure after finish does not reach readers") {
    Download download("hello");
    auto blob = download.open();
    auto reader = blob->reader();
    blob->append(as_bytes("hello"));
    blob->finish();
    blob->fail(std::make_exception_ptr(Error(ErrorKind::network, "gone")));
    CHECK(read_all(*reader) == "hello");
}

TEST_CASE("many readers follow one writer") {
    Download download(long_text(3'000'017));
    auto blob = download.open();
    std::vector<std::string> seen(4);
    std::vector<std::thread> followers;
    for (std::string& text : seen) {
        followers.emplace_back(
            [&text, reader = std::shared_ptr<ByteSource>(blob->reader())] { text = read_all(*reader); });
    }
    std::string_view rest = download.text;
    for (size_t run = 1; !rest.empty(); run = run * 7 % 40009 + 1) {
        auto part = rest.substr(0, run);
        blob->append(as_bytes(part));
        rest.remove_prefix(part.size());
    }
    blob->finish();
    for (auto& follower : followers) follower.join();
    for (const std::string& text : seen) CHECK(text == download.text);
}

TEST_CASE("a restart in the middle never lets a reader mix bytes") {
    Download download(long_text(2'000'000));
    std::string wrong(1'500'000, 'w');
    auto blob = download.open();
    auto reader = blob->reader();
    std::string seen;
    bool failed = false;
    std::thread follower([&] {
        try {
            seen = read_all(*reader);
        } catch (const Error& error) {
            failed = error.kind() == ErrorKind::integrity;
        }
    });
    for (size_t i = 0; i < wrong.size(); i += 10'000) blob->append(as_bytes(std::string_view(wrong).substr(i, 10'000)));
    blob->restart();
    for (size_t i = 0; i < download.text.size(); i += 10'000) {
        blob->append(as_bytes(std::string_view(download.text).substr(i, 10'000)));
    }
    blob->finish();
    follower.join();
    CHECK((failed || seen == download.text));
}

TEST_CASE("two downloads of one blob wait for each other (E-5)") {
    Download download("hello");
    auto first = download.open();
    auto second = std::async(std::launch::async, [&] { return download.open(); });
    std::stop_source stopped;
    stopped.request_stop();
    CHECK(kind_of([&] { download.open(stopped.get_token()); }) == ErrorKind::interrupted);
    first->append(as_bytes(std::string_view("he")));
    first.reset();
    CHECK(second.get()->received() == 2);
    first.reset();
    CHECK_NOTHROW(download.open());
}

TEST_CASE("a write that fails leaves a download that can go on") {
    Download download(long_text(100'000));
    auto blob = download.open();
    struct rlimit old;
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &old) == 0);
    auto handler = ::signal(SIGXFSZ, SIG_IGN);
    struct rlimit small = {60'000, old.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
    bool threw = false;
    try {
        blob->append(as_bytes(download.text));
    } catch (const Error&) {
        threw = true;
    }
    ::setrlimit(RLIMIT_FSIZE, &old);
    ::signal(SIGXFSZ, handler);
    CHECK(threw);
    CHECK(blob->received() == 0);
    blob->append(as_bytes(download.text));
    blob->finish();
    CHECK(read_text_file(download.target, 200'000) == download.text);
}
