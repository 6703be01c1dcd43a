#include "gbuild/cli/main.h"

#include <fstream>
#include <sstream>

#include "fake_console.h"
#include "gbuild/base/atomic_file.h"
#include "gbuild/cli/command.h"
#include "gbuild/cli/exit_codes.h"
#include "gbuild/cli/json_text.h"
#include "support/catch.h"

using namespace gbuild;
using namespace gbuild::cli;

namespace {

struct Run {
    FakeConsole fake;
    int code;
    explicit Run(const std::vector<std::string>& arguments) : code(cli::main(arguments, fake.console)) {}
    const std::string& out() const { return fake.out.text; }
    const std::string& err() const { return fake.err.text; }
};

std::string man_page() {
    std::ifstream file(std::string(GBUILD_TESTDATA) + "/../docs/gbuild.1");
    std::stringstream text;
    text << file.rdbuf();
    std::string page = text.str();
    // In a man page a hyphen that is a minus is written "\-".
    for (size_t at = 0; (at = page.find("\\-", at)) != std::string::npos;) page.erase(at, 1);
    return page;
}

}  // namespace

TEST_CASE("gbuild alone prints the help as an error") {
    Run run({});
    CHECK(run.code == 2);
    CHECK(run.out().empty());
    CHECK(run.err() == general_help());
}

TEST_CASE("help goes to standard output") {
    for (const char* word : {"help", "-h", "--help"}) {
        Run run({word});
        CHECK(run.code == 0);
        CHECK(run.out() == general_help());
    }
    CHECK(Run({"help", "ls"}).out() == command_help(*find_command("ls")));
    CHECK(Run({"ls", "--help"}).out() == command_help(*find_command("ls")));
    CHECK(Run({"-t", "x", "--help"}).out() == command_help(*find_command("build")));
}

TEST_CASE("a word that is neither command nor directory") {
    Run run({"imgaes"});
    CHECK(run.code == 2);
    CHECK(run.err() == "gbuild: error: \"imgaes\" is neither a command of gbuild nor a directory\n"
                       "hint: did you mean images?\n");
    CHECK(Run({"help", "frobnicate"}).code == 2);
}

TEST_CASE("a path as the first argument means build") {
    Run run({"./no-such-directory"});
    CHECK(run.code == exit_code(ErrorKind::not_found));
    CHECK(run.err() == "gbuild: error: the build context \"./no-such-directory\" does not exist\n");
}

TEST_CASE("an option as the first argument means build") {
    Run run({"--tga", "x", "."});
    CHECK(run.code == 2);
    CHECK(run.err() == "gbuild: error: unknown option \"--tga\"\nhint: did you mean --tag?\n");
}

TEST_CASE("with JSON progress a failure is a JSON line, too") {
    Run run({"--progress", "json", "./no-such-directory"});
    CHECK(run.code == exit_code(ErrorKind::not_found));
    CHECK(Json::parse(run.err())["kind"] == "not-found");
}

TEST_CASE("commands that read an image say what is wrong with it") {
    TempDir dir;
    std::string garbage = dir.path() / "garbage.gvmi";
    write_file_atomically(garbage, std::string(5000, 'x'));
    for (const char* command : {"inspect", "ls"}) {
        Run run({command, garbage, "--root", dir.path() / "store"});
        CHECK(run.code == exit_code(ErrorKind::integrity));
        CHECK(run.out().empty());
        CHECK(run.err().rfind("gbuild: error: ", 0) == 0);
    }
    CHECK(Run({"cat", dir.path() / "absent.gvmi", "/x", "--root", dir.path() / "store"}).code ==
          exit_code(ErrorKind::not_found));
    CHECK(!std::filesystem::exists(dir.path() / "store"));
}

TEST_CASE("parse prints JSON, errors have their place") {
    TempDir dir;
    std::string file = dir.path() / "Dockerfile";
    write_file_atomically(file, "FROM scratch\nVOLUME /data\n");
    Run good({"parse", file});
    CHECK(good.code == 0);
    CHECK(Json::parse(good.out())["instructions"][1]["instruction"] == "VOLUME");
    write_file_atomically(file, "FROM scratch\nWORKDRI /data\n");
    Run bad({"parse", file});
    CHECK(bad.code == exit_code(ErrorKind::dockerfile));
    CHECK(bad.err().rfind(file + ":2:1: error: ", 0) == 0);
    CHECK_THAT(bad.err(), ContainsSubstring("    2 | WORKDRI /data\n      | ^~~~~~~\n"));
}

TEST_CASE("images of a store that is not there are none, and make none") {
    TempDir dir;
    Run run({"images", "--format", "json", "--root", dir.path() / "store"});
    CHECK(run.code == 0);
    CHECK(run.out() == "[]\n");
    CHECK(!std::filesystem::exists(dir.path() / "store"));
}

TEST_CASE("version names the compressors") {
    CHECK_THAT(Run({"version"}).out(), StartsWith("gbuild " GBUILD_VERSION));
    CHECK_THAT(Run({"version"}).out(), ContainsSubstring("\ncompressors:\n  gbuild deflate"));
    CHECK(Json::parse(Run({"version", "--format", "json"}).out())["version"] == GBUILD_VERSION);
    CHECK(Run({"--version"}).code == 0);
}

TEST_CASE("a reader that goes away ends the command quietly") {
    struct Closed : StringOutput {
        void write(std::string_view) override { throw OutputClosed{}; }
    } out;
    StringOutput err;
    Console console{out, err, [](const std::string&) { return std::nullopt; }};
    CHECK(cli::main({"version"}, console) == 141);
    CHECK(err.text.empty());
}

TEST_CASE("the man page has every command, option and exit code") {
    std::string page = man_page();
    REQUIRE(!page.empty());
    for (const auto& info : all_commands()) {
        CHECK_THAT(page, ContainsSubstring("gbuild " + std::string(info.name)));
        OptionSet options("gbuild", "");
        auto command = info.create();
        command->declare(options);
        for (const auto& name : options.long_names()) CHECK_THAT(page, ContainsSubstring("--" + name));
    }
    for (const auto& entry : exit_codes) {
        CHECK_THAT(page, ContainsSubstring(".B " + std::to_string(entry.code) + "\n" + std::string(entry.meaning)));
    }
}
