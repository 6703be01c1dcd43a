#include "gbuild/cli/main.h"

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "fake_console.h"
#include "gbuild/base/atomic_file.h"
#include "gbuild/base/text.h"
#include "gbuild/cli/command.h"
#include "gbuild/cli/display.h"
#include "gbuild/cli/exit_codes.h"
#include "gbuild/cli/foreign_words.h"
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

std::string man_source() {
    std::ifstream file(std::string(GBUILD_TESTDATA) + "/../docs/gbuild.1");
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

std::string without(std::string text, const std::string& part) {
    for (size_t at = 0; (at = text.find(part, at)) != std::string::npos;) text.erase(at, part.size());
    return text;
}

std::string man_page() {
    // In a man page a hyphen that is a minus is written "\\-".
    std::string page = man_source();
    for (size_t at = 0; (at = page.find("\\-", at)) != std::string::npos;) page.erase(at, 1);
    return page;
}

// The text of `.BR \-f ", " \-\-file " \fIPATH\fR"`: "-f, --file PATH".
std::string man_heading(std::string line) {
    for (const char* font : {"\\fI", "\\fR", "\\fB", "\\&"}) line = without(line, font);
    line = without(line, "\\");
    const std::string separator = line.starts_with(".B ") || line.starts_with(".I ") ? " " : "";
    std::string text, word;
    bool quoted = false;
    auto end_word = [&] {
        text += (text.empty() || word.empty() ? "" : separator) + word;
        word.clear();
    };
    for (char c : line.substr(line.find(' ') + 1)) {
        if (c == '"')
            quoted = !quoted;
        else if (c == ' ' && !quoted)
            end_word();
        else
            word += c;
    }
    end_word();
    return text;
}

// The options that the man page describes: names in the lines behind .TP that begin with a dash.
std::set<std::string> man_options() {
    std::set<std::string> found;
    bool heading = false;
    for (const std::string& line : split(man_source(), '\n')) {
        std::string text = heading && line.starts_with(".B") ? man_heading(line) : "";
        std::replace(text.begin(), text.end(), ',', ' ');
        for (const std::string& word : split(text.starts_with('-') ? text : "", ' ')) {
            if (word.starts_with('-') && word.size() > 1) found.insert(word.substr(0, word.find_first_of("=[")));
        }
        heading = line == ".TP";
    }
    return found;
}

}  // namespace

TEST_CASE("gbuild alone prints the help as an error") {
    Run run({});
    CHECK(run.code == 2);
    CHECK(run.out().empty());
    CHECK(run.err() == general_help(80));
}

TEST_CASE("help goes to standard output") {
    for (const char* word : {"help", "-h", "--help"}) {
        Run run({word});
        CHECK(run.code == 0);
        CHECK(run.out() == general_help(80));
    }
    CHECK(Run({"help", "ls"}).out() == command_help(*find_command("ls"), 80));
    CHECK(Run({"ls", "--help"}).out() == command_help(*find_command("ls"), 80));
    CHECK(Run({"-t", "x", "--help"}).out() == command_help(*find_command("build"), 80));
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
    std::vector<std::string> kinds;
    for (const std::string& line : split(run.err(), '\n')) {
        if (line.empty()) continue;
        const Json event = Json::parse(line);
        if (event["event"] == "error") kinds.push_back(event["kind"]);
    }
    CHECK(kinds == std::vector<std::string>{"not-found"});
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
    CHECK_THAT(Run({"version"}).out(), ContainsSubstring("gbuild " GBUILD_VERSION));
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

TEST_CASE("every command's help fits eighty columns (U-7)") {
    // A command line is shown as it is typed.
    auto check_lines = [](const std::string& help) {
        for (const std::string& line : split(help.substr(0, help.find("\nExamples:\n")), '\n')) {
            CAPTURE(line);
            CHECK(display_width(line) <= 80);
        }
    };
    check_lines(general_help(80));
    for (const auto& info : all_commands()) check_lines(command_help(info, 80));
}

TEST_CASE("commands of other programs are answered (U-2)") {
    using Words = std::vector<std::string>;
    auto hint = [](const Words& words) { return foreign_command_hint(words).value_or("none"); };
    CHECK(hint({"docker", "build", "."}) == "write gbuild build, without docker");
    CHECK(hint({"docker", "buildx", "build", "."}) == "write gbuild build, without buildx");
    CHECK(hint({"buildx", "build"}) == "write gbuild build, without buildx");
    CHECK(hint({"Docker", "image", "ls"}) == "write gbuild images");
    CHECK(hint({"image", "ls"}) == "write gbuild images");
    CHECK(hint({"image", "inspect", "x"}) == "write gbuild inspect");
    CHECK(hint({"builder", "prune", "-f"}) == "write gbuild prune");
    CHECK(hint({"system", "df"}) == "write gbuild cache ls");
    CHECK(hint({"bud", "."}) == "write gbuild build");
    CHECK(hint({"lint"}) == "write gbuild check");
    CHECK(hint({"save", "x"}) == "write gbuild build -o type=docker,dest=FILE");
    CHECK_THAT(hint({"ps"}), ContainsSubstring("no containers"));
    CHECK_THAT(hint({"docker"}), ContainsSubstring("gbuild build"));
    CHECK(hint({"frobnicate"}) == "none");
    CHECK(hint({}) == "none");
    for (const char* word :
         {"history", "push", "pull", "login", "run", "convert", "completion", "load", "export", "scan"}) {
        CAPTURE(word);
        if (find_command(word) == nullptr) CHECK(hint({word}) != "none");
    }
}

TEST_CASE("no guess beats a wrong one (U-2)") {
    for (const char* word : {"mages", "imagse", "inspct", "biuld"}) {
        CHECK_THAT(Run({word}).err(), ContainsSubstring("did you mean"));
    }
    for (const char* word : {"bike", "pear", "lt", "diary", "frobnicate"}) {
        CAPTURE(word);
        CHECK_THAT(Run({word}).err(), !ContainsSubstring("did you mean"));
    }
}

TEST_CASE("the man page has every command and exit code") {
    std::string page = man_page();
    REQUIRE(!page.empty());
    for (const auto& info : all_commands()) CHECK_THAT(page, ContainsSubstring("gbuild " + std::string(info.name)));
    for (const auto& entry : exit_codes) {
        CHECK_THAT(page, ContainsSubstring(".B " + std::to_string(entry.code) + "\n" + std::string(entry.meaning)));
    }
}

TEST_CASE("the man page has every option that --help has, and no other (U-19)") {
    const std::set<std::string> described = man_options();
    std::set<std::string> declared{"-h", "--help"};
    for (const auto& info : all_commands()) {
        OptionSet options("gbuild", "");
        auto command = info.create();
        command->declare(options);
        for (const DeclaredOption& option : options.declared()) {
            declared.insert(option.names.begin(), option.names.end());
        }
    }
    for (const std::string& option : declared) {
        INFO("the man page lacks " << option);
        CHECK(described.contains(option));
    }
    for (const std::string& option : described) {
        INFO("no command has " << option);
        CHECK(declared.contains(option));
    }
}
