#include "gbuild/base/process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

#include <thread>

#include "gbuild/base/atomic_file.h"
#include "gbuild/base/error.h"
#include "gbuild/base/fd.h"
#include "support/catch.h"

using namespace gbuild;

namespace {

// A FIFO: whoever reads from it waits for the test.
class Gate {
  public:
    Gate() { REQUIRE(::mkfifo(path().c_str(), 0600) == 0); }
    std::string path() const { return (directory_.path() / "gate").native(); }
    UniqueFd open(int how) const { return open_file(path(), how); }

  private:
    TempDir directory_;
};

}  // namespace

TEST_CASE("a command gets its input and gives output, errors and exit code") {
    CommandOptions options;
    options.input = std::string(300'000, 'x');
    auto result = run_command({"sh", "-c", "wc -c; echo oops >&2; exit 3"}, options);
    CHECK(result.out == "300000\n");
    CHECK(result.err == "oops\n");
    CHECK(result.exit_code == 3);
}

TEST_CASE("a command that reads nothing does not block its input") {
    CommandOptions options;
    options.input = std::string(300'000, 'x');
    CHECK(run_command({"true"}, options).exit_code == 0);
}

TEST_CASE("a command that is not there is not found") {
    REQUIRE_THROWS_WITH(run_command({"no-such-program-here"}),
                        ContainsSubstring("cannot run \"no-such-program-here\""));
}

TEST_CASE("a flood of output is refused") {
    CommandOptions options;
    options.output_cap = 1000;
    REQUIRE_THROWS_WITH(run_command({"yes"}, options), ContainsSubstring("printed more than 1.0 kB"));
}

TEST_CASE("a command that closes its outputs is waited for, until its time is up") {
    CHECK(run_command({"sh", "-c", "exec >&- 2>&-; exit 7"}).exit_code == 7);
    CommandOptions options;
    options.timeout = std::chrono::seconds(1);
    REQUIRE_THROWS_WITH(run_command({"sh", "-c", "exec >&- 2>&-; exec sleep 1000"}, options),
                        "\"sh\" did not finish in 1 s");
}

TEST_CASE("a command's own child that keeps the outputs open is not waited for") {
    Gate gate;
    UniqueFd held = gate.open(O_RDWR);
    auto result = run_command({"sh", "-c", "cat \"$0\" & echo done; echo oops >&2", gate.path()});
    CHECK(result.out == "done\n");
    CHECK(result.err == "oops\n");
}

TEST_CASE("stopping ends a command at once") {
    Gate gate;
    std::stop_source stop;
    std::jthread stopper([&] {
        UniqueFd started = gate.open(O_RDONLY);
        stop.request_stop();
    });
    CommandOptions options;
    options.stop = stop.get_token();
    auto run = [&] { return run_command({"sh", "-c", "exec 3>\"$0\"; exec sleep 1000", gate.path()}, options); };
    REQUIRE_THROWS_WITH(run(), "interrupted");
    REQUIRE_THROWS_WITH(run_command({"sleep", "1000"}, options), "interrupted");
}

TEST_CASE("a command can be ended by the signals that its caller blocks or ignores") {
    sigset_t blocked, before;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &blocked, &before);
    auto* pipe_before = ::signal(SIGPIPE, SIG_IGN);
    auto terminated = run_command({"sh", "-c", "kill -TERM $$; exit 0"});
    auto broken = run_command({"sh", "-c", "kill -PIPE $$; exit 0"});
    ::signal(SIGPIPE, pipe_before);
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    CHECK(terminated.exit_code == 128 + SIGTERM);
    CHECK(broken.exit_code == 128 + SIGPIPE);
}
