#include "gbuild/cli/completion.h"

#include <algorithm>
#include <filesystem>

#include "gbuild/base/atomic_file.h"
#include "gbuild/base/error.h"
#include "support/catch.h"

using namespace gbuild;
using namespace gbuild::cli;

namespace {

using Offered = std::vector<std::string>;

Completion completion_of(const std::vector<std::string>& words) { return complete(words); }

Offered offered(const std::vector<std::string>& words) {
    Offered values;
    for (const Candidate& candidate : complete(words).candidates) values.push_back(candidate.value);
    return values;
}

bool offers(const std::vector<std::string>& words, const std::string& value) {
    const Offered values = offered(words);
    return std::find(values.begin(), values.end(), value) != values.end();
}

// A context whose Dockerfile has stages and arguments.
struct CompletedContext {
    CompletedContext() {
        write_file_atomically(dir.path() / "Dockerfile",
                              "ARG BASE=scratch\n# tools what compiles\nFROM $BASE AS tools\nARG VERSION=1 VARIANT\n"
                              "FROM scratch AS out\n");
        std::filesystem::create_directory(dir.path() / "sub");
        write_file_atomically(dir.path() / "image.tar", "x");
    }
    std::string path(const std::string& name = "") const { return (dir.path() / name).native(); }
    TempDir dir;
};

}  // namespace

TEST_CASE("the first word is a command, a directory or an option of build (U-19)") {
    CHECK(offers({""}, "build"));
    CHECK(offers({"im"}, "images"));
    CHECK(offers({"he"}, "help"));
    CHECK_FALSE(offers({"im"}, "inspect"));
    CHECK(completion_of({"x"}).directories);
    CHECK(offers({"--tar"}, "--target"));
    CHECK(offered({"help", "ins"}) == Offered{"inspect"});
    CHECK(offered({"help", "inspect", ""}).empty());
    CHECK(offered({"completion", ""}) == Offered{"bash", "fish", "zsh"});
    CHECK(offered({"cache", ""}) == Offered{"ls"});
}

TEST_CASE("options are offered by their long names, with what help says") {
    const Completion completion = completion_of({"prune", "--o"});
    REQUIRE(completion.candidates.size() == 1);
    CHECK(completion.candidates[0].value == "--older-than");
    CHECK_THAT(completion.candidates[0].help, ContainsSubstring("not used for so long"));
    CHECK(offers({"build", "--"}, "--help"));
    CHECK_FALSE(offers({"build", "-"}, "-f"));
    CHECK(offered({"build", "--", "--t"}).empty());
    CHECK(completion_lines(completion).starts_with("--older-than\tonly what was not used"));
}

TEST_CASE("values that are words") {
    CHECK(offered({"build", "--progress", "p"}) == Offered{"plain"});
    CHECK(offered({"build", "--progress=p"}) == Offered{"--progress=plain"});
    CHECK(offered({"--pull=n"}) == Offered{"--pull=never"});
    CHECK_FALSE(offers({"--pull", "n"}, "never"));
    CHECK(offered({"build", "--compression", "l"}) == Offered{"lzo", "lz4"});
    CHECK(offers({"build", "--platform", ""}, "linux/amd64"));
    CHECK(offers({"images", "--format", ""}, "json"));
    CHECK_FALSE(offers({"images", "--format", ""}, "TEMPLATE"));
    CHECK(offered({"prune", "--kind", "pa"}) == Offered{"pack"});
    CHECK(offers({"check", "--skip", "a,no"}, "a,no-volume"));
}

TEST_CASE("stages and arguments come from the Dockerfile") {
    const CompletedContext context;
    CHECK(offered({"build", context.path(), "--target", ""}) == Offered{"tools", "out"});
    CHECK(completion_of({"build", context.path(), "--target", "t"}).candidates.at(0).help == "what compiles");
    CHECK(offered({"build", "-f", context.path("Dockerfile"), "--target=o"}) == Offered{"--target=out"});
    CHECK(offered({context.path(), "--no-cache-filter", "t"}) == Offered{"tools"});
    const Completion args = completion_of({"build", context.path(), "--build-arg", "V"});
    CHECK(args.goes_on);
    CHECK(offered({"build", context.path(), "--build-arg", "V"}) == Offered{"VARIANT=", "VERSION="});
    CHECK(offered({"build", context.path("nowhere"), "--target", ""}).empty());
}

TEST_CASE("outputs and caches are taken apart") {
    const CompletedContext context;
    CHECK(offered({"build", "-o", "type=o"}) == Offered{"type=oci,"});
    CHECK(completion_of({"build", "-o", ""}).files);
    CHECK(offered({"build", "-o", "type=oci,t"}) == Offered{"type=oci,tar=false"});
    CHECK(offered({"build", "--output=type=tar,"}) == Offered{"--output=type=tar,dest="});
    CHECK(offered({"build", "-o", "type=oci,dest=" + context.path("im")}) ==
          Offered{"type=oci,dest=" + context.path("image.tar")});
    CHECK(offered({"build", "--cache-to", "type=l"}) == Offered{"type=local,dest="});
    CHECK(offered({"build", "--cache-from", "type=local,src=" + context.path("s")}) ==
          Offered{"type=local,src=" + context.path("sub/")});
    CHECK(offered({"build", "--secret", "id=x,s"}) == Offered{"id=x,src="});
}

TEST_CASE("paths are the shell's, but behind an equals sign") {
    const CompletedContext context;
    CHECK(completion_of({"build", "--file", ""}).files);
    CHECK(completion_of({"build", "--root", ""}).directories);
    CHECK(completion_of({"build", "."}).directories);
    CHECK(offered({"build", "--file=" + context.path("Do")}) == Offered{"--file=" + context.path("Dockerfile")});
    CHECK(offered({"build", "--root=" + context.path()}).size() == 1);
    CHECK(completion_of({"parse", ""}).files);
    CHECK(completion_of({"inspect", "--root", context.path("sub"), ""}).files);
}

TEST_CASE("what cannot be read offers nothing") {
    CHECK(offered({"ls", "/no/such/image.gvmi", "/"}).empty());
    CHECK(offered({"cat", "nosuch", ""}).empty());
    CHECK(offered({"nosuch", "nosuch", ""}).empty());
    CHECK_FALSE(complete({}).candidates.empty());
}

TEST_CASE("scripts are there for three shells") {
    for (const char* shell : {"bash", "zsh", "fish"})
        CHECK_THAT(completion_script(shell), ContainsSubstring("__complete"));
    CHECK_THROWS_AS(completion_script("powershell"), Error);
}
