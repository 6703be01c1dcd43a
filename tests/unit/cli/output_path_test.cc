#include "gbuild/cli/output_path.h"

#include <fstream>

#include "gbuild/base/atomic_file.h"
#include "gbuild/base/error.h"
#include "support/catch.h"

using namespace gbuild;
using namespace gbuild::cli;
namespace fs = std::filesystem;

namespace {

const std::vector<oci::ImageName> tags{{"golem/app", "1.0"}, {"other", "latest"}};

ErrorKind failure(const std::string& output) {
    try {
        output_path(output, tags, ".");
    } catch (const Error& error) {
        return error.kind();
    }
    return ErrorKind::internal;
}

}  // namespace

TEST_CASE("an image's file name is one component") {
    CHECK(image_file_name({"golem-example", "latest"}) == "golem-example-latest.gvmi");
    CHECK(image_file_name({"localhost:5000/golem/app", "1.0"}) == "localhost-5000-golem-app-1.0.gvmi");
}

TEST_CASE("without -o the file is in the current directory, named by the first tag") {
    CHECK(output_path("", tags, "/") == "golem-app-1.0.gvmi");
}

TEST_CASE("without a tag the context directory names the file") {
    TempDir dir;
    fs::create_directory(dir.path() / "my-project");
    CHECK(output_path("", {}, dir.path() / "my-project") == "my-project.gvmi");
    CHECK(output_path("", {}, dir.path() / "my-project" / ".") == "my-project.gvmi");
    CHECK(output_path("", {}, "/") == "image.gvmi");
}

TEST_CASE("-o with a directory takes the image's own name") {
    TempDir dir;
    CHECK(output_path(dir.path(), tags, ".") == dir.path() / "golem-app-1.0.gvmi");
    CHECK(output_path(dir.path().string() + "/", tags, ".") == dir.path() / "golem-app-1.0.gvmi");
}

TEST_CASE("-o with a file is that file, there or not") {
    TempDir dir;
    CHECK(output_path(dir.path() / "x.gvmi", tags, ".") == dir.path() / "x.gvmi");
    std::ofstream(dir.path() / "x.gvmi") << "old";
    CHECK(output_path(dir.path() / "x.gvmi", tags, ".") == dir.path() / "x.gvmi");
}

TEST_CASE("an output directory that is not there is told before the build") {
    CHECK(failure("/no/such/directory/x.gvmi") == ErrorKind::not_found);
}

TEST_CASE("-o with a slash at its end makes the directory") {
    TempDir dir;
    CHECK(output_path(dir.path().string() + "/a/b/", tags, ".") == dir.path() / "a" / "b" / "golem-app-1.0.gvmi");
    CHECK(fs::is_directory(dir.path() / "a" / "b"));
    CHECK(failure("/dev/null/") == ErrorKind::io);
}

TEST_CASE("-o with a symbolic link is the file it leads to") {
    TempDir dir;
    fs::create_directory(dir.path() / "real");
    fs::create_symlink("real/x.gvmi", dir.path() / "link");
    CHECK(output_path(dir.path() / "link", tags, ".") == dir.path() / "real/x.gvmi");
    fs::create_symlink("loop", dir.path() / "loop");
    CHECK(failure(dir.path() / "loop") == ErrorKind::io);
    fs::create_symlink("gone/x.gvmi", dir.path() / "nowhere");
    CHECK(failure(dir.path() / "nowhere") == ErrorKind::not_found);
}

TEST_CASE("an output that is not a regular file is left alone") { CHECK(failure("/dev/null") == ErrorKind::conflict); }

TEST_CASE("docker's other outputs are refused") {
    CHECK(failure("-") == ErrorKind::usage);
    CHECK(failure("type=local,dest=x") == ErrorKind::usage);
}
