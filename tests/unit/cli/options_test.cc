#include "gbuild/cli/options.h"

#include "gbuild/base/error.h"
#include "support/catch.h"

using namespace gbuild;
using namespace gbuild::cli;

namespace {

struct Sample {
    bool quiet = false;
    std::string file, progress = "auto", pull = "missing", context, path;
    std::optional<std::string> target;
    std::vector<std::string> tags;
    OptionSet options{"gbuild sample", "does something"};

    Sample() {
        options.argument("CONTEXT", context, Presence::required, "a directory");
        options.argument("PATH", path, Presence::optional, "a path");
        options.group("First");
        options.flag("-q,--quiet", quiet, "be quiet");
        options.value("-f,--file", "PATH", file, "a file");
        options.list("-t,--tag", "NAME", tags, "a name");
        options.group("Second");
        options.value("--target", "STAGE", target, "a stage");
        options.choice("--progress", {"auto", "plain"}, progress, "progress");
        options.choice_or_flag("--pull", {"missing", "always", "never"}, "always", pull, "pull");
        options.epilogue("Examples:\n  gbuild sample .\n");
    }
    Sample& parse(const std::vector<std::string>& arguments) {
        outcome = options.parse(arguments);
        return *this;
    }
    OptionSet::Outcome outcome = OptionSet::Outcome::run;
};

std::string failure(const std::vector<std::string>& arguments) {
    try {
        Sample().parse(arguments);
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::usage);
        return error.message() + " | " + error.hint();
    }
    return "no error";
}

}  // namespace

TEST_CASE("options may stand before and after the argument") {
    Sample sample;
    sample.parse({"-q", ".", "--file", "x"});
    CHECK(sample.quiet);
    CHECK(sample.context == ".");
    CHECK(sample.file == "x");
}

TEST_CASE("a value may be joined to its option") {
    CHECK(Sample().parse({"--file=a=b", "."}).file == "a=b");
    CHECK(Sample().parse({"-fx", "."}).file == "x");
    CHECK(Sample().parse({"-f", "-", "."}).file == "-");
    CHECK(Sample().parse({"--target=", "."}).target == "");
    CHECK(Sample().parse({"--file", "-x", "."}).file == "-x");
}

TEST_CASE("a list takes one value at a time and leaves the argument alone") {
    Sample sample;
    sample.parse({"-t", "a", "-t", "b", "."});
    CHECK(sample.tags == std::vector<std::string>{"a", "b"});
    CHECK(sample.context == ".");
}

TEST_CASE("a list keeps commas and brackets") {
    CHECK(Sample().parse({"-t", "[a,b]", "."}).tags == std::vector<std::string>{"[a,b]"});
    CHECK(Sample().parse({"--tag=a,b", "."}).tags == std::vector<std::string>{"a,b"});
}

TEST_CASE("the last of several values counts") { CHECK(Sample().parse({"-f", "a", "-f", "b", "."}).file == "b"); }

TEST_CASE("an option with an implied value never takes the argument for its value") {
    Sample sample;
    sample.parse({"--pull", "never"});
    CHECK(sample.pull == "always");
    CHECK(sample.context == "never");
    CHECK(Sample().parse({"--pull=never", "."}).pull == "never");
    CHECK(Sample().parse({"."}).pull == "missing");
}

TEST_CASE("after -- everything is an argument") { CHECK(Sample().parse({"--", "-q"}).context == "-q"); }

TEST_CASE("an option not given keeps its default") {
    Sample sample;
    sample.parse({"."});
    CHECK(sample.progress == "auto");
    CHECK(!sample.target);
    CHECK(!sample.quiet);
}

TEST_CASE("unknown options are named, with the nearest known one") {
    CHECK(failure({"--tga", "x", "."}) == "unknown option \"--tga\" | did you mean --tag?");
    CHECK(failure({"--fille=x", "."}) == "unknown option \"--fille\" | did you mean --file?");
    CHECK(failure({"--xylophone"}) == "unknown option \"--xylophone\" | see gbuild sample --help");
    CHECK(failure({"-z", "."}) == "unknown option \"-z\" | see gbuild sample --help");
}

TEST_CASE("options cannot be abbreviated") {
    CHECK(failure({"--quie", "."}) == "unknown option \"--quie\" | did you mean --quiet?");
}

TEST_CASE("arguments are counted") {
    CHECK(failure({}) ==
          "CONTEXT is missing | usage: gbuild sample [OPTIONS] CONTEXT [PATH], see gbuild sample --help");
    CHECK(failure({"a", "b", "c"}) ==
          "unexpected argument \"c\" | usage: gbuild sample [OPTIONS] CONTEXT [PATH], see gbuild sample --help");
}

TEST_CASE("a missing value names its option") {
    CHECK_THAT(failure({".", "--file"}), ContainsSubstring("--file"));
    CHECK_THAT(failure({".", "-t"}), ContainsSubstring("--tag"));
}

TEST_CASE("a word that is no choice is refused with the choices") {
    CHECK(failure({"--progress", "fancy", "."}) ==
          "--progress: \"fancy\" is not one of auto, plain | see gbuild sample --help");
    CHECK(failure({"--pull=often", "."}) ==
          "--pull: \"often\" is not one of missing, always, never | see gbuild sample --help");
}

TEST_CASE("help is asked for with -h and --help") {
    CHECK(Sample().parse({"-h"}).outcome == OptionSet::Outcome::help);
    CHECK(Sample().parse({".", "--help"}).outcome == OptionSet::Outcome::help);
}

TEST_CASE("the help groups options, tells defaults, and ends with the examples") {
    CHECK(Sample().options.help() == "usage: gbuild sample [OPTIONS] CONTEXT [PATH]\n"
                                     "\n"
                                     "does something\n"
                                     "\n"
                                     "Arguments:\n"
                                     "  CONTEXT                     a directory\n"
                                     "  PATH                        a path\n"
                                     "\n"
                                     "First:\n"
                                     "  -q, --quiet                 be quiet\n"
                                     "  -f, --file PATH             a file\n"
                                     "  -t, --tag NAME              a name\n"
                                     "\n"
                                     "Second:\n"
                                     "      --target STAGE          a stage\n"
                                     "      --progress auto|plain   progress (default: auto)\n"
                                     "      --pull[=missing|always|never]\n"
                                     "                              pull (default: missing)\n"
                                     "\n"
                                     "Examples:\n"
                                     "  gbuild sample .\n");
}
