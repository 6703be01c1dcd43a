// gbuild's init, asked in the bytes of a provider's runtime.
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../../src/provider/init_program.h"
#include "gbuild/base/child.h"
#include "gbuild/base/error.h"
#include "gbuild/provider/guest.h"
#include "support/catch.h"

namespace gbuild::provider {

namespace {

// The init alone, which touches nothing of the machine; the test speaks to it.
class LoneInit {
  public:
    LoneInit() :
        program_(::memfd_create("init", 0)), pair_(make_stream_pair()), child_(start(program_, pair_.theirs.get())) {
        pair_.theirs.reset();
    }

    UniqueFd take_channel() { return std::move(pair_.ours); }
    void send(std::string_view bytes) { write_all(pair_.ours.get(), bytes); }
    std::string receive(size_t size) {
        std::string bytes(size, '\0');
        bytes.resize(read_full(pair_.ours.get(), std::as_writable_bytes(std::span(bytes))));
        return bytes;
    }
    int end() {
        pair_.ours.reset();
        return child_.wait();
    }

  private:
    static ChildOptions options(int channel) {
        ChildOptions options;
        options.in = channel;
        return options;
    }
    static std::vector<std::string> command(const UniqueFd& program) {
        write_all(program.get(), init_program());
        return {"/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(program.get()), "serve"};
    }
    static Child start(const UniqueFd& program, int channel) { return Child(command(program), options(channel)); }

    UniqueFd program_;
    StreamPair pair_;
    Child child_;
};

std::string number_bytes(uint64_t number, size_t size) {
    return std::string(reinterpret_cast<const char*>(&number), size);
}

std::string header_bytes(uint64_t id, wire::Answer type) {
    return number_bytes(id, 8) + number_bytes(static_cast<uint64_t>(type), 1);
}

StartRequest shell_request(const std::string& script) {
    StartRequest request;
    request.program = "/bin/sh";
    request.arguments = {"sh", "-c", script};
    request.uid = ::geteuid();
    request.gid = ::getegid();
    return request;
}

}  // namespace

TEST_CASE("init: a process as a provider has it, byte for byte") {
    if (::geteuid() != 0) return;  // only root can leave its groups
    LoneInit init;
    init.send(start_request(1, shell_request("read line; echo out; echo err >&2; exit 3")));
    CHECK(init.receive(17) == header_bytes(1, wire::Answer::number) + number_bytes(1, 8));
    // What it writes is told in the order in which it comes, the end last.
    std::string told = init.receive(21 + 21 + 19);
    const std::string out = header_bytes(0, wire::Answer::output) + number_bytes(1, 8) + number_bytes(1, 4);
    const std::string err = header_bytes(0, wire::Answer::output) + number_bytes(1, 8) + number_bytes(2, 4);
    const std::string end =
        header_bytes(0, wire::Answer::ended) + number_bytes(1, 8) + number_bytes(3, 1) + number_bytes(0, 1);
    for (const std::string& part : {out, err, end}) {
        const size_t at = told.find(part);
        REQUIRE(at != std::string::npos);
        told.erase(at, part.size());
    }
    init.send(output_request(2, 1, 1));
    CHECK(init.receive(17 + 4) == header_bytes(2, wire::Answer::bytes) + number_bytes(4, 8) + "out\n");
    init.send(output_request(3, 1, 2));
    CHECK(init.receive(17 + 4) == header_bytes(3, wire::Answer::bytes) + number_bytes(4, 8) + "err\n");
    init.send(output_request(4, 1, 2));
    CHECK(init.receive(13) == header_bytes(4, wire::Answer::error) + number_bytes(ESRCH, 4));
    init.send(quit_request(5));
    CHECK(init.receive(9) == header_bytes(5, wire::Answer::ok));
    CHECK(init.end() == 0);
}

TEST_CASE("init: what cannot be started, and unknown requests") {
    LoneInit init;
    StartRequest request = shell_request("");
    request.directory = "/nowhere/at/all";
    init.send(start_request(1, request));
    CHECK(init.receive(13) == header_bytes(1, wire::Answer::error) + number_bytes(ENOENT, 4));
    init.send(failure_request(2));
    CHECK(init.receive(17) == header_bytes(2, wire::Answer::number) + number_bytes(wire::failure_directory, 8));
    init.send(number_bytes(3, 8) + std::string("\x63\0", 2));
    CHECK(init.receive(13) == header_bytes(3, wire::Answer::error) + number_bytes(ENOSYS, 4));
    // Without anybody to ask, it ends.
    CHECK(init.end() == 0);
}

TEST_CASE("init: a ring keeps the latest, and nobody waits for it") {
    if (::geteuid() != 0) return;  // only root can leave its groups
    LoneInit init;
    Guest guest(init.take_channel(), Dialect::runtime, {});
    std::string got;
    const Started started =
        guest.start(shell_request("seq 1 200000; echo end"), [&](uint32_t, std::string_view bytes) { got += bytes; });
    REQUIRE(started.error_number == 0);
    CHECK(guest.wait(started.process, {}).exit_code() == 0);
    CHECK(got.ends_with("\n200000\nend\n"));
}

TEST_CASE("init: all that is written comes through a buffer that blocks") {
    if (::geteuid() != 0) return;  // only root can leave its groups
    LoneInit init;
    Guest guest(init.take_channel(), Dialect::own, {});
    size_t lines = 0;
    const Started started =
        guest.start(shell_request("seq 1 300000; kill -TERM $$"), [&](uint32_t, std::string_view bytes) {
            for (const char c : bytes) lines += c == '\n' ? 1 : 0;
        });
    REQUIRE(started.error_number == 0);
    const Ended ended = guest.wait(started.process, {});
    CHECK(ended.end == wire::End::killed);
    CHECK(ended.exit_code() == 128 + 15);
    CHECK(lines == 300000);
}

TEST_CASE("init: a machine that is gone is an error") {
    LoneInit init;
    Guest guest(init.take_channel(), Dialect::own, {});
    guest.quit();
    CHECK_THROWS_AS(guest.space(), Error);
    CHECK(guest.is_gone());
}

}  // namespace gbuild::provider
