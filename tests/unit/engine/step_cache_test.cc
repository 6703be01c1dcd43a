// What of a build is taken from an earlier one, and what must not be.
#include <sys/stat.h>

#include <filesystem>
#include <functional>

#include "gbuild/store/store.h"
#include "support/catch.h"
#include "workshop.h"

using namespace gbuild;
using namespace gbuild::build::testing;
namespace fs = std::filesystem;

namespace {

// Builds with events of its own.
struct Outcome {
    std::vector<bool> cached;  // of the steps but FROM
    std::string bytes;
    build::BuildResult result;
};

Outcome build_with(const build::BuildOptions& options) {
    Recorder events;
    Outcome outcome;
    outcome.result = run_build(options, events);
    outcome.bytes = bytes_of(outcome.result.file);
    std::map<int, bool> cached;
    for (const StepStarted& step : events.all<StepStarted>()) {
        if (!step.text.starts_with("FROM")) cached.emplace(step.id, false);
    }
    for (const StepFinished& step : events.all<StepFinished>()) {
        if (auto found = cached.find(step.id); found != cached.end()) found->second = step.cached;
    }
    for (const auto& [id, was] : cached) outcome.cached.push_back(was);
    return outcome;
}

// The same build where nothing is known.
std::string clean_bytes(build::BuildOptions options, const fs::path& place) {
    options.store_root = place / "clean-store";
    options.output = place / "clean.gvmi";
    fs::remove_all(options.store_root);
    return build_with(options).bytes;
}

std::string outlook_of(const build::BuildOptions& options) {
    NullSink events;
    const build::PlannedBuild planned = plan_build(options, events);
    std::string text;
    for (const auto& stage : planned.outlook) {
        for (const build::StepOutlook& step : stage) {
            using Result = build::StepOutlook::Result;
            if (step.result == Result::known) text += "cached\n";
            if (step.result == Result::missing) text += "executed: " + step.reason + "\n";
            if (step.result == Result::unclear) text += "unclear\n";
        }
    }
    return text;
}

constexpr const char* three_stage_file = "FROM scratch AS files\n"
                                         "COPY src /src\n"
                                         "FROM scratch\n"
                                         "ARG V=1\n"
                                         "ENV NAME=value\n"
                                         "WORKDIR /job/$V\n"
                                         "COPY --from=files /src .\n"
                                         "COPY --chmod=600 top /$NAME\n";

void fill(const Workshop& shop) {
    shop.file("src/a", "aaa");
    shop.file("src/sub/b", "bbb");
    shop.file("top", "top");
    fs::create_symlink("a", shop.context() / "src" / "link");
}

}  // namespace

TEST_CASE("what is known is not executed again, and the image is not written again") {
    Workshop shop;
    fill(shop);
    const auto options = shop.options(three_stage_file);
    const Outcome first = build_with(options);
    CHECK(first.cached == std::vector<bool>{false, false, false, false, false, false});
    struct stat before, after;
    REQUIRE(::stat(shop.image().c_str(), &before) == 0);
    const Outcome second = build_with(options);
    CHECK(second.cached == std::vector<bool>{true, false, false, true, true, true});
    REQUIRE(::stat(shop.image().c_str(), &after) == 0);
    CHECK(before.st_ino == after.st_ino);
    CHECK(second.bytes == first.bytes);
    CHECK(second.result.sha3 == first.result.sha3);
    CHECK(second.result.image_id == first.result.image_id);
    CHECK(second.result.size == first.result.size);
    CHECK(second.result.inodes == first.result.inodes);
    CHECK(second.result.config == first.result.config);
}

TEST_CASE("an image that is gone, was touched or replaced is written again from what is known") {
    Workshop shop;
    fill(shop);
    const auto options = shop.options(three_stage_file);
    const Outcome first = build_with(options);
    const std::vector<std::function<void()>> harms = {[&] { fs::remove(shop.image()); },
                                                      [&] { fs::resize_file(shop.image(), 100); },
                                                      [&] { std::ofstream(shop.image()) << "other"; },
                                                      [&] {
                                                          fs::copy_file(shop.image(), shop.image().native() + "2");
                                                          fs::rename(shop.image().native() + "2", shop.image());
                                                      }};
    harms.at(GENERATE(range(0u, 4u)))();
    CHECK(build_with(options).bytes == first.bytes);
}

TEST_CASE("whatever changes, the image is the one that a build without a cache makes") {
    Workshop shop;
    fill(shop);
    auto options = shop.options(three_stage_file);
    const std::string first = build_with(options).bytes;
    struct Change {
        const char* name;
        std::function<void()> make;
        bool other_bytes;
    };
    const std::vector<Change> changes = {
        Change{"contents of the same size", [&] { shop.file("src/a", "aab"); }, true},
        Change{"mode", [&] { ::chmod((shop.context() / "src/a").c_str(), 0755); }, true},
        Change{"name", [&] { fs::rename(shop.context() / "src/a", shop.context() / "src/c"); }, true},
        Change{"swapped names",
               [&] {
                   fs::rename(shop.context() / "src/a", shop.context() / "src/x");
                   fs::rename(shop.context() / "src/sub/b", shop.context() / "src/a");
                   fs::rename(shop.context() / "src/x", shop.context() / "src/sub/b");
               },
               true},
        Change{"target of a link",
               [&] {
                   fs::remove(shop.context() / "src/link");
                   fs::create_symlink("b", shop.context() / "src/link");
               },
               true},
        Change{"a link becomes a file",
               [&] {
                   fs::remove(shop.context() / "src/link");
                   shop.file("src/link", "a");
               },
               true},
        Change{"a directory more", [&] { fs::create_directory(shop.context() / "src/empty"); }, true},
        Change{"a file less", [&] { fs::remove(shop.context() / "src/sub/b"); }, true},
        Change{"a file that is not copied", [&] { shop.file("unused", "x"); }, false},
        Change{"mtime", [&] { fs::last_write_time(shop.context() / "src/a", fs::file_time_type::min()); }, false},
        Change{"argument", [&] { options.build_args["V"] = "2"; }, true},
        Change{"environment",
               [&] {
                   std::string text = three_stage_file;
                   text.replace(text.find("=value"), 6, "=other");
                   options = shop.options(text);
               },
               true},
        Change{"--chmod",
               [&] {
                   std::string text = three_stage_file;
                   text.replace(text.find("600"), 3, "640");
                   options = shop.options(text);
               },
               true},
        Change{"timestamp", [&] { options.timestamp = 1'000'000'000; }, true},
        Change{"block size", [&] { options.packing.block_size = 4096; }, true},
        Change{"ignore rules", [&] { shop.file(".dockerignore", "src/sub\n"); }, true}};
    REQUIRE(changes.size() == 16);
    const Change& change = changes[GENERATE(range(0u, 16u))];
    INFO(change.name);
    change.make();
    const std::string now = build_with(options).bytes;
    CHECK(now == clean_bytes(options, shop.context().parent_path()));
    CHECK((now != first) == change.other_bytes);
    // And back: what was known still is.
    CHECK(build_with(options).bytes == now);
}

TEST_CASE("a step that gives the same result lets those after it be found") {
    Workshop shop;
    fill(shop);
    shop.file("ignored", "1");
    const char* text = "FROM scratch AS one\nCOPY ignored /\nCOPY src /all/\n"
                       "FROM scratch\nCOPY --from=one /all/a /\nWORKDIR /w\n";
    build_with(shop.options(text));
    shop.file("ignored", "2");
    const Outcome again = build_with(shop.options(text));
    // The first stage has another result, so its file is copied anew; but that changes nothing.
    CHECK(again.cached == std::vector<bool>{false, false, false, true});
}

TEST_CASE("--no-cache executes all steps, --no-cache-filter those of a stage") {
    Workshop shop;
    fill(shop);
    auto options = shop.options(three_stage_file);
    const Outcome first = build_with(options);
    options.no_cache_of_stages = {"Files"};
    const Outcome filtered = build_with(options);
    CHECK(filtered.cached == std::vector<bool>{false, false, false, true, true, true});
    CHECK(filtered.bytes == first.bytes);
    options.no_cache = true;
    const Outcome none = build_with(options);
    CHECK(none.cached == std::vector<bool>{false, false, false, false, false, false});
    CHECK(none.bytes == first.bytes);
    options.no_cache = false;
    options.no_cache_of_stages = {"nowhere"};
    CHECK_THROWS_WITH(build_with(options), Catch::Contains("there is no such stage"));
}

TEST_CASE("a result whose pack is gone or damaged is made anew") {
    Workshop shop;
    fill(shop);
    auto options = shop.options(three_stage_file);
    const Outcome first = build_with(options);
    const std::function<void(const fs::path&)> harm = GENERATE(
        as<std::function<void(const fs::path&)>>(), [](const fs::path& file) { fs::remove(file); },
        [](const fs::path& file) { fs::resize_file(file, 0); },
        [](const fs::path& file) { fs::resize_file(file, fs::file_size(file) - 1); },
        [](const fs::path& file) {
            std::fstream stream(file, std::ios::in | std::ios::out);
            stream.seekp(100);
            stream.put('#').put('#');
        });
    const char* folder = GENERATE("packs", "steps", "builds", "outputs");
    INFO(folder);
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(options.store_root / folder)) files.push_back(entry.path());
    REQUIRE(!files.empty());
    for (const fs::path& file : files) harm(file);
    fs::remove(shop.image());
    CHECK(build_with(options).bytes == first.bytes);
    CHECK(build_with(options).bytes == first.bytes);
}

TEST_CASE("the outlook says what is known and why something is not") {
    Workshop shop;
    fill(shop);
    const auto options = shop.options(three_stage_file);
    const std::string nothing_yet = "executed: nothing was built from this Dockerfile and context yet\n";
    CHECK(outlook_of(options) == nothing_yet + nothing_yet + "unclear\nunclear\n");
    build_with(options);
    CHECK(outlook_of(options) == "cached\ncached\ncached\ncached\n");
    shop.file("src/sub/b", "b2");
    CHECK(outlook_of(options) == "executed: src/sub/b changed\ncached\nunclear\nunclear\n");
    build_with(options);
    shop.file("top", "2");
    CHECK(outlook_of(options) == "cached\ncached\ncached\nexecuted: top changed\n");
    auto other = options;
    other.build_args["V"] = "7";
    CHECK(outlook_of(other) == "cached\nexecuted: the directory changed\nunclear\nunclear\n");
    other.no_cache = true;
    const std::string unused = "executed: the cache is not to be used\n";
    CHECK(outlook_of(other) == unused + unused + "unclear\nunclear\n");
}

TEST_CASE("warnings about an image that is there already are given again") {
    Workshop shop;
    const auto options = shop.options("FROM scratch\nWORKDIR /x\n");
    Recorder first, second;
    run_build(options, first);
    run_build(options, second);
    std::vector<std::string> ids, again;
    for (const Warning& warning : first.all<Warning>()) ids.push_back(warning.id + warning.message);
    for (const Warning& warning : second.all<Warning>()) again.push_back(warning.id + warning.message);
    REQUIRE(!ids.empty());
    CHECK(ids == again);
}

TEST_CASE("stages that do not wait for each other fail with the first error, and nothing is left") {
    Workshop shop;
    fill(shop);
    auto options = shop.options("FROM scratch AS a\nCOPY src /a\nCOPY --chown=nobody top /a\n"
                                "FROM scratch AS b\nCOPY src /b\n"
                                "FROM scratch\nCOPY --from=a / /\nCOPY --from=b / /\n");
    options.jobs = 4;
    CHECK_THROWS_WITH(build_with(options), Catch::Contains("nobody"));
    CHECK(!fs::exists(shop.image()));
}
