#include "gbuild/base/error.h"
#include "gbuild/steps/build_trace.h"
#include "support/catch.h"

using namespace gbuild;
using namespace gbuild::build;

namespace {

StepKey key_with(const std::map<std::string, std::string>& parts) {
    StepKey key;
    for (const auto& [name, value] : parts) key.add(name, value);
    return key;
}

struct TracedStep {
    plan::Stage stage;
    plan::Step step;
};

TracedStep copy_of_src() {
    TracedStep traced;
    traced.stage.name = "build";
    traced.step.text = "COPY src /src";
    return traced;
}

std::string reason_after(const std::map<std::string, std::string>& before,
                         const std::map<std::string, std::string>& now) {
    const TracedStep traced = copy_of_src();
    BuildTrace trace;
    trace.add(traced.stage, traced.step, key_with(before));
    return BuildTrace::decode(trace.encode()).reason(traced.stage, traced.step, key_with(now));
}

}  // namespace

TEST_CASE("equal parts make equal keys, in any order") {
    StepKey one, other;
    one.add("a", "1");
    one.add("b", "2");
    other.add("b", "2");
    other.add("a", "1");
    CHECK(one.digest() == other.digest());
}

TEST_CASE("every part counts, and so does its name") {
    const Digest key = key_with({{"a", "1"}, {"b", "2"}}).digest();
    CHECK(key_with({{"a", "1"}, {"b", "3"}}).digest() != key);
    CHECK(key_with({{"a", "1"}, {"c", "2"}}).digest() != key);
    CHECK(key_with({{"a", "1"}}).digest() != key);
    CHECK(key_with({{"a", "1"}, {"b", "2"}, {"c", ""}}).digest() != key);
    CHECK(key_with({{"a", "2"}, {"b", "1"}}).digest() != key);
}

TEST_CASE("a part cannot be there twice") {
    StepKey key = key_with({{"a", "1"}});
    CHECK_THROWS_AS(key.add("a", "1"), Error);
}

TEST_CASE("the reason names what changed, files first") {
    CHECK(reason_after({{"file src/main.py", "1"}, {"the timestamp", "0"}},
                       {{"file src/main.py", "2"}, {"the timestamp", "1"}}) == "src/main.py changed");
    CHECK(reason_after({{"file a", "1"}, {"file b", "1"}}, {{"file a", "2"}, {"file c", "1"}}) ==
          "a changed, and 2 more");
    CHECK(reason_after({{"file a", "1"}}, {{"file a", "1"}, {"file b", "1"}}) == "b is new");
    CHECK(reason_after({{"file a", "1"}, {"file b", "1"}}, {{"file b", "1"}}) == "a is gone");
    CHECK(reason_after({{"ARG V", "1"}, {"the steps before", "1"}}, {{"ARG V", "2"}, {"the steps before", "2"}}) ==
          "ARG V changed");
    CHECK(reason_after({{"the steps before", "1"}}, {{"the steps before", "2"}}) ==
          "a step before it has another result");
    CHECK(reason_after({{"file a", "1"}}, {{"file a", "1"}}) == "its result is not in the store");
}

TEST_CASE("a step that was not there has no other reason") {
    TracedStep traced = copy_of_src();
    CHECK(BuildTrace().reason(traced.stage, traced.step, key_with({})) ==
          "nothing was built from this Dockerfile and context yet");
    BuildTrace trace;
    trace.add(traced.stage, traced.step, key_with({{"a", "1"}}));
    traced.step.text = "COPY other /src";
    CHECK(trace.reason(traced.stage, traced.step, key_with({{"a", "1"}})) == "the step is new");
}

TEST_CASE("names in reasons are printable") {
    CHECK(reason_after({{"file a\x1b[31m", "1"}}, {{"file a\x1b[31m", "2"}}).find('\x1b') == std::string::npos);
}

TEST_CASE("a damaged trace is an empty one") {
    const TracedStep traced = copy_of_src();
    BuildTrace trace;
    trace.add(traced.stage, traced.step, key_with({{"a", "1"}}));
    const std::string good = trace.encode();
    for (size_t length = 0; length < good.size(); length++) {
        CHECK(BuildTrace::decode(good.substr(0, length)).empty());
    }
}

TEST_CASE("a trace is completed by what the plan still has") {
    const TracedStep traced = copy_of_src();
    TracedStep gone = copy_of_src();
    gone.step.text = "COPY gone /";
    BuildTrace older;
    older.add(traced.stage, traced.step, key_with({{"a", "1"}}));
    older.add(gone.stage, gone.step, key_with({{"a", "1"}}));
    plan::Plan plan;
    plan.stages.push_back(traced.stage);
    plan.stages.back().steps.push_back(traced.step);
    BuildTrace trace;
    trace.complete_from(older, plan);
    CHECK(trace.reason(traced.stage, traced.step, key_with({{"a", "2"}})) == "a changed");
    CHECK(trace.reason(gone.stage, gone.step, key_with({{"a", "2"}})) == "the step is new");
}
