// Several steps in one sandbox at the same time.
#include <fcntl.h>

#include <array>
#include <latch>
#include <thread>

#include "gbuild/base/atomic_file.h"
#include "place.h"

using namespace gbuild;
using namespace gbuild::sandbox;
using namespace gbuild::test;
namespace fs = std::filesystem;

namespace {

// What a step prints as soon as it runs.
constexpr std::string_view sign_of_life = "here\n";

// Runs a step until it is told to stop. "" when it was never started.
std::string run_until_stopped(
    Sandbox& sandbox, const Step& step, const std::stop_token& stop, const std::function<void()>& on_start = [] {}) {
    std::string output;
    try {
        sandbox.run(
            step,
            [&](std::string_view text) {
                output += text;
                if (output == sign_of_life) on_start();
            },
            stop);
    } catch (const Error& error) {
        return output + error.message();
    }
    return output + "ended";
}

}  // namespace

TEST_CASE("as many steps run side by side as were asked for") {
    for_each_isolation([](const Probe& probe, bool overlay) {
        constexpr size_t count = 3;
        const std::array<Place, count> places;
        const std::string answer = in_child([&] {
            Sandbox sandbox(probe, count);
            std::array<std::string, count> outputs;
            {
                // Each goes on once all of them are there.
                std::latch all_there(count);
                std::vector<std::jthread> threads;
                for (size_t i = 0; i < count; i++) {
                    threads.emplace_back([&, i] {
                        const std::string script = fmt::format("echo here; echo {} > /tmp/f; exit {}", i, i);
                        const StepResult result = sandbox.run(places[i].step(script, overlay),
                                                              [&](std::string_view text) {
                                                                  outputs[i] += text;
                                                                  if (text == sign_of_life) all_there.arrive_and_wait();
                                                              },
                                                              {});
                        outputs[i] += fmt::format("{}", result.code);
                    });
                }
            }
            return fmt::format("{} {} {}", outputs[0], outputs[1], outputs[2]);
        });
        CHECK(answer == "here\n0 here\n1 here\n2");
        for (size_t i = 0; i < count; i++) {
            const fs::path made = places[i].dir.path() / (overlay ? "upper" : "base") / "tmp/f";
            CHECK(read_text(open_file(made, O_RDONLY).get(), 100, made.native()) == fmt::format("{}\n", i));
        }
    });
}

TEST_CASE("a stop ends the wait for other steps, and leaves those alone") {
    for_each_isolation([](const Probe& probe, bool overlay) {
        const Place first, second;
        const std::string answer = in_child([&] {
            Sandbox sandbox(probe);
            const char* script = "echo here; exec /bin/busybox sleep 1000";
            std::latch runs(1);
            std::string running, waiting;
            std::jthread runner([&](const std::stop_token& stop) {
                running = run_until_stopped(sandbox, first.step(script, overlay), stop, [&] { runs.count_down(); });
            });
            runs.wait();
            std::jthread waiter([&](const std::stop_token& stop) {
                waiting = run_until_stopped(sandbox, second.step(script, overlay), stop);
            });
            waiter.request_stop();
            waiter.join();
            runner.request_stop();
            runner.join();
            return fmt::format("{}, {}", waiting, running);
        });
        CHECK(answer == "interrupted, here\ninterrupted");
    });
}

TEST_CASE("a step whose output nobody can take has ended when that is known") {
    for_each_isolation([](const Probe& probe, bool overlay) {
        const Place first, second;
        const std::string answer = in_child([&] {
            Sandbox sandbox(probe);
            std::string output;
            auto take = [&](std::string_view text) {
                output += text;
                if (text == sign_of_life) throw Error(ErrorKind::io, "no room");
            };
            try {
                sandbox.run(first.step("echo here; exec /bin/busybox sleep 1000", overlay), take, {});
            } catch (const Error& error) {
                output += error.message() + "\n";
            }
            const StepResult result = sandbox.run(second.step("echo next", overlay), take, {});
            return output + fmt::format("{}", result.code);
        });
        CHECK(answer == "here\nno room\nnext\n0");
    });
}
