// ADD of what is elsewhere, as the copy sees it once it is here.
#include "copy_step.h"
#include "support/tar_builder.h"

using namespace gbuild;
using namespace gbuild::test;

namespace {

using plan::RemoteSource;

// A step over `files`, of which ADD finds whatever is asked for in `remote`.
Copied add_remote(const TestContext& files, const plan::CopyStep& step,
                  const std::function<build::RemoteFiles(const RemoteSource&)>& remote, const tree::Tree& image = {}) {
    build::ContextDir context = files.open();
    build::CopyRequest request{step, &context, image, {}, test_epoch, remote};
    build::CopyResult result = build::copy_layer(request);
    Copied copied{image.clone(), std::move(result.ready), {}, result.content_key, result.to_pack != nullptr};
    if (result.to_pack) copied.packed = read_stream(*result.to_pack);
    copied.image.apply(copied.ready);
    copied.image.apply(copied.packed.entries);
    return copied;
}

build::RemoteFiles web_file(const TestContext& place, std::string name, std::optional<int64_t> modified = {}) {
    return {std::make_shared<build::ContextDir>(place.open()), "file", std::move(name), modified};
}
build::RemoteFiles repository(const TestContext& place) {
    return {std::make_shared<build::ContextDir>(place.open()), "", "", {}};
}

}  // namespace

TEST_CASE("a downloaded file is its owner's alone and has the server's time up to the epoch") {
    TestContext files, download;
    download.file("file", "bytes", 0644);
    for (auto [modified, mtime] : std::vector<std::pair<std::optional<int64_t>, int64_t>>{
             {500, 500}, {test_epoch + 1, test_epoch}, {std::nullopt, test_epoch}}) {
        const std::optional<int64_t> time = modified;
        auto added = add_remote(files, add_step({"https://x/y"}, "/d/"),
                                [&](const RemoteSource&) { return web_file(download, "y", time); });
        CHECK(added.text("d/y") == "bytes");
        CHECK(added.at("d/y")->mode == 0600);
        CHECK(added.at("d/y")->mtime == mtime);
        CHECK(added.at("d")->mode == 0755);
    }
}

TEST_CASE("a download takes --chmod and --chown, and is asked for as it was written") {
    TestContext files, download;
    download.file("file", "bytes");
    auto step = add_step({"https://x/y?z"}, "/to");
    step.chmod = "640";
    step.chown = "3:4";
    std::string asked;
    auto added = add_remote(files, step, [&](const RemoteSource& source) {
        asked = std::get<plan::WebSource>(source).url;
        return web_file(download, "y");
    });
    CHECK(asked == "https://x/y?z");
    CHECK(added.at("to")->mode == 0640);
    CHECK(added.owner("to") == tree::Owner{3, 4});
}

TEST_CASE("a downloaded archive is unpacked when asked to") {
    TestContext files, download;
    download.file("file", TarBuilder().file("inside", "x").finish());
    auto step = add_step({"https://x/y.tar"}, "/d/");
    auto remote = [&](const RemoteSource&) { return web_file(download, "y.tar"); };
    CHECK(add_remote(files, step, remote).at("d/y.tar"));
    step.unpack = true;
    auto unpacked = add_remote(files, step, remote);
    CHECK(unpacked.text("d/inside") == "x");
    CHECK_FALSE(unpacked.at("d/y.tar"));
}

TEST_CASE("a repository's files are copied as a directory's") {
    TestContext files, checkout;
    checkout.file("run", "x", 0755).file("sub/.hidden", "y").link("l", "run").file("skip.o", "z");
    auto step = add_step({"https://x/y.git"}, "/src");
    step.exclude = {"*.o"};
    auto added = add_remote(files, step, [&](const RemoteSource& source) {
        CHECK(std::get<plan::GitSource>(source).url == "https://x/y.git");
        return repository(checkout);
    });
    CHECK(added.at("src/run")->mode == 0755);
    CHECK(added.at("src/run")->mtime == test_epoch);
    CHECK(added.text("src/sub/.hidden") == "y");
    CHECK(added.at("src/l")->target == "run");
    CHECK_FALSE(added.at("src/skip.o"));
}

TEST_CASE("sources from here and from elsewhere lie side by side") {
    TestContext files, download, checkout;
    files.file("local", "l");
    download.file("file", "w");
    checkout.file("g", "g");
    auto added =
        add_remote(files, add_step({"local", "https://x/w", "git://x/y"}, "/d/"), [&](const RemoteSource& source) {
            return std::holds_alternative<plan::WebSource>(source) ? web_file(download, "w") : repository(checkout);
        });
    CHECK(added.text("d/local") == "l");
    CHECK(added.text("d/w") == "w");
    CHECK(added.text("d/g") == "g");
}

TEST_CASE("the key of a layer is its contents', wherever they come from") {
    TestContext files, download;
    files.file("y", "bytes", 0600);
    download.file("file", "bytes");
    auto local = copy(files, add_step({"y"}, "/y"));
    auto elsewhere = add_remote(files, add_step({"https://x/y"}, "/y"),
                                [&](const RemoteSource&) { return web_file(download, "y"); });
    CHECK(local.key == elsewhere.key);
}
