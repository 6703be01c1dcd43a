#include "gbuild/cli/side_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include "fake_console.h"
#include "gbuild/base/atomic_file.h"
#include "gbuild/base/error.h"
#include "gbuild/base/fd.h"
#include "support/catch.h"

using namespace gbuild;
using gbuild::cli::SideFile;
using gbuild::cli::StringOutput;
namespace fs = std::filesystem;

namespace {

std::string contents(const fs::path& path) { return read_text_file(path, 1000); }

ErrorKind failure(const fs::path& path) {
    try {
        SideFile("--iidfile", path);
    } catch (const Error& error) {
        CHECK_THAT(error.message(), ContainsSubstring("--iidfile"));
        return error.kind();
    }
    return ErrorKind::internal;
}

// As a build that succeeds does.
void write(SideFile& file, const std::string& text, StringOutput& out) { file.write(text, out); }
void write(SideFile&& file, const std::string& text, StringOutput& out) { write(file, text, out); }

}  // namespace

TEST_CASE("a side file of a build that fails later is as it was (E-2)") {
    TempDir dir;
    StringOutput out;
    SideFile file("--iidfile", dir.path() / "id");
    write(file, "before", out);
    {
        SideFile next("--iidfile", dir.path() / "id");
        next.write("after");
        next.pass_on(out);
    }
    CHECK(contents(dir.path() / "id") == "before");
    CHECK(out.text.empty());
}

TEST_CASE("a side file is replaced, one that is not there is made") {
    TempDir dir;
    SideFile file("--iidfile", dir.path() / "id");
    StringOutput out;
    write(file, "one", out);
    CHECK(contents(dir.path() / "id") == "one");
    write(file, "2", out);
    CHECK(contents(dir.path() / "id") == "2");
    CHECK(out.text.empty());
}

TEST_CASE("- is standard output, not a file of that name (U-9)") {
    StringOutput out;
    SideFile file("--metadata-file", "-");
    CHECK(file.is_standard_output());
    write(file, "{}", out);
    CHECK(out.text == "{}");
    CHECK_FALSE(fs::exists("-"));
    CHECK_FALSE(SideFile("--metadata-file", "./-").is_standard_output());
}

TEST_CASE("a side file that is a link stays one") {
    TempDir dir;
    fs::create_symlink("target", dir.path() / "link");
    StringOutput out;
    write(SideFile("--iidfile", dir.path() / "link"), "x", out);
    CHECK(fs::is_symlink(dir.path() / "link"));
    CHECK(contents(dir.path() / "target") == "x");
}

TEST_CASE("a side file that is a pipe is written to") {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    UniqueFd reader(ends[0]), writer(ends[1]);
    StringOutput out;
    write(SideFile("--iidfile", "/proc/self/fd/" + std::to_string(writer.get())), "through", out);
    char text[7];
    CHECK(::read(reader.get(), text, sizeof text) == 7);
    CHECK(std::string_view(text, 7) == "through");
}

TEST_CASE("a side file that cannot be written is told before the work") {
    TempDir dir;
    CHECK(failure(dir.path()) == ErrorKind::conflict);
    CHECK(failure(dir.path() / "no" / "id") == ErrorKind::not_found);
}
