#include <sys/stat.h>

#include <nlohmann/json.hpp>

#include "support/catch.h"
#include "workshop.h"

using namespace gbuild;
using namespace gbuild::build;
using namespace gbuild::build::testing;
using Form = ContainerOutput::Form;

namespace {

constexpr const char* dockerfile =
    "FROM scratch\nCOPY --chown=7:8 f /d/f\nENV A=b\nUSER 5\nVOLUME /v\nCMD [\"/d/f\"]\n";

struct Exporting {
    Exporting() { shop.file("f", "contents"); }
    BuildOptions options(ContainerOutput output) {
        BuildOptions options = shop.options(dockerfile);
        options.writes_gvmi = false;
        options.output.reset();
        options.timestamp = 1'700'000'000;
        options.container_outputs = {std::move(output)};
        return options;
    }
    ContainerOutput output(Form form, bool directory = false) const {
        ContainerOutput output;
        output.form = form;
        output.destination = place.path() / "out";
        output.directory = directory;
        output.names = {{"app", "1"}};
        return output;
    }
    nlohmann::json json(const Digest& blob) const {
        return nlohmann::json::parse(bytes_of(place.path() / "out/blobs/sha256" / blob.hex()));
    }
    fs::path out() const { return place.path() / "out"; }

    Workshop shop;
    TempDir place;
};

}  // namespace

TEST_CASE("an OCI layout holds what the configuration and manifest say") {
    Exporting world;
    BuildOptions options = world.options(world.output(Form::oci, true));
    options.annotations = {{"note", "x"}};
    options.descriptor_annotations = {{"about", "y"}};
    const BuildResult result = run_build(options, world.shop.events);
    CHECK(result.file.empty());
    const WrittenOutput& written = result.container_outputs.at(0);

    const auto config = world.json(written.config);
    CHECK(config["created"] == "2023-11-14T22:13:20Z");
    CHECK(config["config"]["User"] == "5");
    CHECK(config["config"]["Cmd"] == nlohmann::json({"/d/f"}));
    CHECK(config["history"][0]["created_by"] == "COPY --chown=7:8 f /d/f");
    CHECK(config["history"][0]["empty_layer"] == true);
    CHECK(config["history"].size() == 6);
    CHECK_FALSE(config["history"].back().contains("empty_layer"));
    CHECK(config["rootfs"]["diff_ids"].size() == 1);

    const auto manifest = world.json(written.manifest);
    CHECK(manifest["config"]["digest"] == written.config.text());
    CHECK(manifest["annotations"] == nlohmann::json({{"note", "x"}}));
    const auto index = nlohmann::json::parse(bytes_of(world.out() / "index.json"));
    CHECK(index["manifests"][0]["digest"] == written.manifest.text());
    CHECK(index["manifests"][0]["annotations"]["org.opencontainers.image.ref.name"] == "1");
    CHECK(index["manifests"][0]["annotations"]["io.containerd.image.name"] == "docker.io/library/app:1");
    CHECK(index["manifests"][0]["annotations"]["about"] == "y");
}

TEST_CASE("a further image in a layout leaves the others, but for its own name") {
    Exporting world;
    ContainerOutput output = world.output(Form::oci, true);
    run_build(world.options(output), world.shop.events);
    output.names = {{"other", "2"}};
    run_build(world.options(output), world.shop.events);
    run_build(world.options(output), world.shop.events);
    const auto index = nlohmann::json::parse(bytes_of(world.out() / "index.json"));
    CHECK(index["manifests"].size() == 2);
}

TEST_CASE("a layout is not mixed with something else") {
    Exporting world;
    fs::create_directory(world.out());
    std::ofstream(world.out() / "mine") << "x";
    CHECK_THROWS_WITH(run_build(world.options(world.output(Form::oci, true)), world.shop.events),
                      Catch::Contains("neither empty nor an OCI layout"));
    CHECK_FALSE(fs::exists(world.out() / "blobs"));
}

TEST_CASE("the same build gives the same archive, with a .gvmi beside it or not") {
    for (Form form : {Form::oci, Form::docker, Form::tar}) {
        Exporting world;
        run_build(world.options(world.output(form)), world.shop.events);
        const std::string first = bytes_of(world.out());
        BuildOptions options = world.options(world.output(form));
        options.writes_gvmi = true;
        options.output = world.shop.image();
        options.jobs = 3;
        const BuildResult result = run_build(options, world.shop.events);
        CHECK(bytes_of(world.out()) == first);
        CHECK(result.container_outputs.at(0).size == first.size());
        CHECK(world.shop.content("d/f") == "contents");
    }
}

TEST_CASE("files in a directory are the user's, over what is there") {
    Exporting world;
    fs::create_directories(world.out() / "d/sub");
    std::ofstream(world.out() / "d/f") << "something that was there";
    std::ofstream(world.out() / "mine") << "x";
    run_build(world.options(world.output(Form::local)), world.shop.events);
    CHECK(bytes_of(world.out() / "d/f") == "contents");
    CHECK(bytes_of(world.out() / "mine") == "x");
    CHECK(fs::is_directory(world.out() / "d/sub"));
    CHECK(fs::is_directory(world.out() / "v"));
    struct stat status {};
    REQUIRE(::lstat((world.out() / "d/f").c_str(), &status) == 0);
    CHECK(status.st_uid == ::geteuid());
    CHECK(status.st_mtim.tv_sec == 1'700'000'000);
}

TEST_CASE("nothing is written through a link or in the place of a directory") {
    Exporting world;
    TempDir elsewhere;
    fs::create_directory(world.out());
    SECTION("a link where a directory is to be") { fs::create_directory_symlink(elsewhere.path(), world.out() / "d"); }
    SECTION("a directory where a file is to be") { fs::create_directories(world.out() / "d/f/mine"); }
    CHECK_THROWS_WITH(run_build(world.options(world.output(Form::local)), world.shop.events),
                      Catch::Contains("a directory"));
    CHECK(fs::is_empty(elsewhere.path()));
    CHECK_FALSE(fs::exists(world.out() / "v"));
}

TEST_CASE("a link in the place of a file is replaced, not followed") {
    Exporting world;
    TempDir elsewhere;
    fs::create_directories(world.out() / "d");
    fs::create_symlink(elsewhere.path() / "victim", world.out() / "d/f");
    run_build(world.options(world.output(Form::local)), world.shop.events);
    CHECK(fs::is_empty(elsewhere.path()));
    CHECK(bytes_of(world.out() / "d/f") == "contents");
}

TEST_CASE("an output in the context is no part of it") {
    Exporting world;
    ContainerOutput output = world.output(Form::local);
    output.destination = world.shop.context() / "out";
    auto build = [&] {
        BuildOptions options = world.options(output);
        options.dockerfile_text = "FROM scratch\nCOPY . /all/\n";
        run_build(options, world.shop.events);
    };
    build();
    build();
    CHECK(bytes_of(world.shop.context() / "out/all/f") == "contents");
    CHECK_FALSE(fs::exists(world.shop.context() / "out/all/out"));
}

TEST_CASE("a failed build leaves archives as they were") {
    Exporting world;
    std::ofstream(world.out()) << "before";
    BuildOptions options = world.options(world.output(Form::oci));
    options.dockerfile_text = "FROM scratch\nCOPY nope /\n";
    CHECK_THROWS_AS(run_build(options, world.shop.events), Error);
    CHECK(bytes_of(world.out()) == "before");
}
