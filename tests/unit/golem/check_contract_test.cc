#include "gbuild/golem/vm_contract.h"
#include "layer_entries.h"
#include "support/catch.h"

using gbuild::Warning;
using gbuild::golem::check_contract;
using gbuild::golem::directory;
using gbuild::golem::file;
using gbuild::golem::link_at;
using gbuild::oci::ContainerConfig;
using gbuild::tree::LayerTree;
using gbuild::tree::Tree;

namespace {

constexpr uint64_t ram = 128u << 20;

std::vector<std::string> ids(const LayerTree& entries, const ContainerConfig& config) {
    Tree tree;
    tree.apply(entries);
    std::vector<std::string> result;
    for (const auto& warning : check_contract(tree, config)) result.push_back(warning.id);
    return result;
}

Warning only_warning(const LayerTree& entries, const ContainerConfig& config) {
    Tree tree;
    tree.apply(entries);
    std::vector<Warning> warnings = check_contract(tree, config);
    REQUIRE(warnings.size() == 1);
    return warnings[0];
}

// Nothing to warn about.
ContainerConfig good() {
    ContainerConfig config;
    config.volumes = {"/data"};
    return config;
}

gbuild::SourceSpan at_line(int line) {
    gbuild::SourceSpan span;
    span.line = line;
    return span;
}

using Ids = std::vector<std::string>;

}  // namespace

TEST_CASE("an image that keeps the contract gives no warning") {
    CHECK(ids({directory("data"), file("etc/passwd")}, good()).empty());
}

TEST_CASE("an image without a volume cannot transfer files") {
    Warning warning = only_warning({}, {});
    CHECK(warning.id == "no-volume");
    CHECK_THAT(warning.hint, ContainsSubstring("VOLUME"));
}

TEST_CASE("content under a volume is named") {
    Warning warning = only_warning({file("data/b"), link_at("data/a", "b"), directory("data/c/empty")}, good());
    CHECK(warning.id == "volume-content");
    CHECK(
        warning.message ==
        "the volume \"/data\" hides what the image has there, \"/data/a\", \"/data/b\", \"/data/c/empty\": a provider "
        "mounts an empty directory over each volume");
}

TEST_CASE("much content under a volume is counted") {
    LayerTree entries;
    for (char c = 'a'; c < 'a' + 12; c++) entries.push_back(file(std::string("data/") + c));
    CHECK_THAT(only_warning(entries, good()).message, ContainsSubstring("\"/data/e\" and 7 more"));
}

TEST_CASE("a volume behind a link hides what the link leads to") {
    ContainerConfig config;
    config.volumes = {"/link"};
    CHECK(only_warning({file("real/x"), link_at("link", "real")}, config).id == "volume-content");
}

TEST_CASE("a volume inside a volume is no content of the outer one") {
    ContainerConfig config;
    config.volumes = {"/data", "/data/in/side"};
    CHECK(ids({directory("data/in/side")}, config) == Ids{"volume-nested"});
    CHECK(ids({file("data/in/side/x")}, config) == Ids{"volume-nested", "volume-content"});
}

TEST_CASE("each volume with content has its own warning") {
    ContainerConfig config;
    config.volumes = {"/a", "/b", "/c"};
    CHECK(ids({file("a/x"), file("b/x"), directory("c")}, config) == Ids{"volume-content", "volume-content"});
}

TEST_CASE("an entrypoint is not run by default") {
    ContainerConfig config = good();
    config.entrypoint = {"/entry"};
    config.cmd = {"bash"};
    Warning warning = only_warning({}, config);
    CHECK(warning.id == "entrypoint-not-run");
    CHECK_THAT(warning.message, ContainsSubstring("ENTRYPOINT"));
}

TEST_CASE("a CMD that starts a program is not run by default") {
    ContainerConfig config = good();
    config.cmd = GENERATE(values<std::vector<std::string>>({{"/usr/bin/python3", "x.py"}, {"/srv/app"}}));
    Warning warning = only_warning({}, config);
    CHECK(warning.id == "entrypoint-not-run");
    CHECK_THAT(warning.message, ContainsSubstring("CMD"));
}

TEST_CASE("a base image's prompt is worth no warning") {
    ContainerConfig config = good();
    config.cmd = GENERATE(values<std::vector<std::string>>({{}, {"bash"}, {"python3"}, {"/bin/sh"}, {"/bin/bash"}}));
    CHECK(ids({}, config).empty());
}

TEST_CASE("an empty entrypoint is none") {
    ContainerConfig config = good();
    config.entrypoint = std::vector<std::string>();
    CHECK(ids({}, config).empty());
}

TEST_CASE("an entrypoint without a slash cannot start, and its path is looked up in the image") {
    ContainerConfig config = good();
    config.entrypoint = {"python3"};
    config.env = {"PATH=relative:/none:/opt/bin:/usr/bin"};
    LayerTree entries = {file("usr/bin/python3.11"), link_at("usr/bin/python3", "python3.11"),
                         link_at("opt/bin/python3", "python3"), directory("none/python3")};
    Tree tree;
    tree.apply(entries);
    auto warnings = check_contract(tree, config);
    REQUIRE(warnings.size() == 2);
    CHECK(warnings[1].id == "entrypoint-no-slash");
    CHECK(warnings[1].hint == "write \"/usr/bin/python3\"");
}

TEST_CASE("an entrypoint that is nowhere gets general advice") {
    ContainerConfig config = good();
    config.entrypoint = {"nothing"};
    CHECK(ids({}, config) == Ids{"entrypoint-not-run", "entrypoint-no-slash"});
    CHECK(check_contract(Tree(), config)[1].hint == "write the program's full path");
}

TEST_CASE("a user other than root is pointed out") {
    ContainerConfig config = good();
    config.user = GENERATE(as<std::string>(), "1000:0", "1000", "app", "65534:65534");
    CHECK(only_warning({}, config).id == "user-not-root");
}

TEST_CASE("root by any name is no surprise") {
    ContainerConfig config = good();
    config.user = GENERATE(as<std::string>(), "", "0", "0:0", "root", "0:100", "00");
    CHECK(ids({}, config).empty());
}

TEST_CASE("a file in the working directory that is larger than the RAM root is named") {
    ContainerConfig config = good();
    config.working_dir = "/app";
    Warning warning =
        only_warning({file("app/small", ram), file("app/m/large", ram + 1), file("app/m/larger", 2 * ram)}, config);
    CHECK(warning.id == "image-large");
    CHECK_THAT(warning.message, ContainsSubstring("\"/app/m/larger\" (268.4 MB)"));
}

TEST_CASE("large files elsewhere do no harm") {
    ContainerConfig config = good();
    config.working_dir = GENERATE(as<std::string>(), "", "/", "/app", "/absent");
    CHECK(ids({file("usr/lib/large", 2 * ram), file("app/small", ram)}, config).empty());
}

TEST_CASE("large files that a volume covers are that warning's matter") {
    ContainerConfig config;
    config.working_dir = "/app/job";
    config.volumes = {"/app"};
    CHECK(ids({file("app/job/large", 2 * ram)}, config) == Ids{"volume-content"});
    config.volumes = {"/app/job/data"};
    CHECK(ids({file("app/job/data/large", 2 * ram)}, config) == Ids{"volume-content"});
}

TEST_CASE("a CMD of one word counts where this Dockerfile has it") {
    ContainerConfig config = good();
    config.cmd = {"/sbin/nginx"};
    auto here = [](std::string_view instruction, const std::string&) {
        return instruction == "CMD" ? std::optional(at_line(7)) : std::nullopt;
    };
    auto warnings = check_contract(Tree(), config, here);
    REQUIRE(warnings.size() == 1);
    CHECK(warnings[0].id == "entrypoint-not-run");
    CHECK(warnings[0].span.value().line == 7);
    config.cmd = {"bash"};
    CHECK(check_contract(Tree(), config, here).empty());
}

TEST_CASE("a warning about a volume has the place that names it") {
    ContainerConfig config;
    config.volumes = {"/a", "/b"};
    Tree tree;
    tree.apply({file("a/x"), file("b/y")});
    auto warnings = check_contract(tree, config, [](std::string_view instruction, const std::string& volume) {
        CHECK(instruction == "VOLUME");
        return std::optional(at_line(volume == "/a" ? 2 : 3));
    });
    REQUIRE(warnings.size() == 2);
    CHECK(warnings[0].span.value().line == 2);
    CHECK(warnings[1].span.value().line == 3);
}

TEST_CASE("files that the VM mounts over are named") {
    Warning warning =
        only_warning({file("tmp/build/x"), file("dev/shm/y"), directory("proc"), link_at("dev/fd", "/proc")}, good());
    CHECK(warning.id == "content-masked");
    CHECK(warning.message == "the VM cannot see \"/dev/shm/y\", \"/tmp/build/x\": the VM mounts its own /dev, /proc, "
                             "/sys and /tmp over them");
    ContainerConfig config = good();
    config.volumes = {"/tmp/build"};
    CHECK(ids({directory("tmp/build")}, config).empty());
}

TEST_CASE("a working directory that the VM mounts over is no place to start in") {
    ContainerConfig config = good();
    config.working_dir = GENERATE("/tmp/build", "/link/x", "/dev/shm/x");
    CHECK(ids({link_at("link", "proc")}, config) == Ids{"workdir-masked"});
    config.working_dir = "/tmp";
    CHECK(ids({}, config).empty());
    config.working_dir = "/tmpfiles";
    CHECK(ids({}, config).empty());
}

TEST_CASE("a volume where the VM mounts something of its own") {
    ContainerConfig config;
    config.volumes = {GENERATE("/proc", "/sys/x", "/dev/pts")};
    CHECK(ids({directory("dev/pts")}, config) == Ids{"volume-masked"});
    config.volumes = {GENERATE("/tmp", "/device")};
    CHECK(ids({}, config).empty());
}

TEST_CASE("an image in the image is most likely an accident") {
    Warning warning = only_warning({file("app/old-latest.gvmi"), directory("x.gvmi")}, good());
    CHECK(warning.id == "image-in-image");
    CHECK_THAT(warning.message, ContainsSubstring("the image holds another image, \"/app/old-latest.gvmi\": "));
}

TEST_CASE("CMD alone is what is started, too (G-6)") {
    ContainerConfig config = good();
    config.cmd = {"probe", "-x"};
    CHECK(ids({}, config) == Ids{"entrypoint-not-run", "entrypoint-no-slash"});
    config.working_dir = "/app";
    CHECK(ids({file("app/probe")}, config) == Ids{"entrypoint-not-run"});
    CHECK(ids({file("app/probe", 5, 0644)}, config) == Ids{"entrypoint-not-run", "entrypoint-no-slash"});
    config.entrypoint = {"/init"};
    CHECK(ids({}, config) == Ids{"entrypoint-not-run"});
    config.entrypoint = {"probe"};
    CHECK(ids({file("app/probe")}, config) == Ids{"entrypoint-not-run"});
}

TEST_CASE("variables that the Dockerfile sets are not passed by some runtimes (G-4)") {
    ContainerConfig config = good();
    config.env = {"A=1", "PATH=/opt/bin:/bin", "OF_BASE=1", "DEBIAN_FRONTEND=noninteractive"};
    auto set_here = [](std::string_view instruction, const std::string& name) -> std::optional<gbuild::SourceSpan> {
        if (instruction != "ENV" || name == "OF_BASE") return std::nullopt;
        return at_line(name == "PATH" ? 4 : 3);
    };
    const auto warnings = check_contract(Tree(), config, set_here);
    REQUIRE(warnings.size() == 1);
    CHECK(warnings[0].id == "env-not-passed");
    CHECK_THAT(warnings[0].message,
               ContainsSubstring("programs may have to do without A, PATH: the runtimes 0.5.0 to 0.5.2"));
    CHECK(warnings[0].span.value().line == 4);
    CHECK(check_contract(Tree(), config).empty());
    config.env = {"DEBIAN_FRONTEND=noninteractive", "OF_BASE=1"};
    CHECK(check_contract(Tree(), config, set_here).empty());
}

TEST_CASE("volumes inside each other, however they are written (G-5)") {
    ContainerConfig config;
    config.volumes = {"/a", "/a/b/c", "/ab", "/x//y/", "/x/y/./z"};
    CHECK(ids({}, config) == Ids{"volume-nested", "volume-nested"});
    config.volumes = {"/a/", "/a", "/a/../b", "/b"};
    CHECK(ids({}, config).empty());
}
