#include "gbuild/cli/options.h"

#include "gbuild/base/error.h"
#include "gbuild/base/text.h"
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

TEST_CASE("what is far from every option is not guessed at (U-2)") {
    for (const char* option : {"--push", "--pop", "--progressive-jpeg", "--quotas"}) {
        CAPTURE(option);
        CHECK_THAT(failure({option, "."}), ContainsSubstring("see gbuild sample --help"));
    }
    CHECK_THAT(failure({"--pll=never", "."}), ContainsSubstring("did you mean --pull?"));
    CHECK_THAT(failure({"--progerss", "plain", "."}), ContainsSubstring("did you mean --progress?"));
}

namespace {

constexpr ForeignOption habits[] = {
    {"--rm", ForeignValue::none, Treatment::ignored, "nothing is left"},
    {"--weight", ForeignValue::required, Treatment::ignored, "all weigh the same"},
    {"-w", ForeignValue::required, Treatment::ignored, "all weigh the same"},
    {"--proof", ForeignValue::optional, Treatment::ignored, "it is so", "ask for it", "true|yes"},
    {"--name", ForeignValue::required, Treatment::renamed, "--tag={} --target={}"},
    {"--dir", ForeignValue::required, Treatment::renamed, "{}"},
    {"--silent", ForeignValue::none, Treatment::renamed, "--quiet"},
    {"-v", ForeignValue::required, Treatment::refused, "there are no volumes", "leave it out"},
    {"--file", ForeignValue::none, Treatment::refused, "declared options go before", ""},
};

struct HabitSample : Sample {
    HabitSample() { options.foreign(habits, notices); }
    HabitSample& parse(const std::vector<std::string>& arguments) {
        Sample::parse(arguments);
        return *this;
    }
    std::vector<std::string> notices;
};

std::string habit_failure(const std::vector<std::string>& arguments) {
    try {
        HabitSample().parse(arguments);
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::usage);
        return error.message() + " | " + error.hint();
    }
    return "no error";
}

}  // namespace

TEST_CASE("options of other programs are ignored with one notice each (U-1)") {
    HabitSample sample;
    sample.parse({"--rm=true", "--weight", "-q", "-w3", "-w", "4", "--rm", ".", "--proof=yes"});
    CHECK(sample.context == ".");
    CHECK_FALSE(sample.quiet);
    CHECK(sample.notices ==
          std::vector<std::string>{"ignoring --rm=true: nothing is left", "ignoring --weight: all weigh the same",
                                   "ignoring -w: all weigh the same", "ignoring --proof=yes: it is so"});
    CHECK(habit_failure({"--proof=no", "."}) == "--proof=no: it is so | ask for it");
    CHECK(habit_failure({"--proof", "."}) == "no error");
}

TEST_CASE("options of other programs stand for gbuild's (U-1)") {
    HabitSample sample;
    sample.parse({"--name", "a b", "--silent", "--dir", "."});
    CHECK(sample.tags == std::vector<std::string>{"a b"});
    CHECK(sample.target == "a b");
    CHECK(sample.quiet);
    CHECK(sample.context == ".");
    CHECK_FALSE(HabitSample().parse({"--silent=false", "."}).quiet);
    CHECK(HabitSample().parse({"--name=--file", "."}).file.empty());
    CHECK(HabitSample().notices.empty());
}

TEST_CASE("options of other programs are refused with the reason, unless they are switched off (U-1)") {
    CHECK(habit_failure({"-v", "/a:/b", "."}) == "-v: there are no volumes | leave it out");
    CHECK(habit_failure({"-qv", "/a:/b", "."}) == "-v: there are no volumes | leave it out");
    CHECK(habit_failure({".", "--weight"}) == "--weight needs a value | see gbuild sample --help");
    CHECK(HabitSample().parse({"--file", "x", "."}).file == "x");
    CHECK(HabitSample().parse({"-f", "--rm", "."}).file == "--rm");
    CHECK(HabitSample().parse({"--", "--rm"}).context == "--rm");
}

TEST_CASE("switches may stand together, the last with its value") {
    Sample sample;
    sample.parse({"-qf", "x", "."});
    CHECK(sample.quiet);
    CHECK(sample.file == "x");
    CHECK(Sample().parse({"-qfx", "."}).file == "x");
    CHECK_THAT(failure({"-qz", "."}), ContainsSubstring("unknown option \"-z\""));
}

TEST_CASE("the help fits the terminal (U-7)") {
    for (size_t columns : {40u, 59u, 60u, 80u, 100u, 200u}) {
        CAPTURE(columns);
        Sample sample;
        sample.options.epilogue(
            "A paragraph with words enough for more than a line of a terminal with eighty columns, "
            "which are filled.\nIt goes on.\n\nExamples:\n"
            "  gbuild sample .        what it does is said here, at some length, behind the words\n");
        for (const std::string& line : split(sample.options.help(columns), '\n')) {
            CAPTURE(line);
            const bool one_word = line.find_first_of(' ', line.find_first_not_of(' ')) == std::string::npos;
            if (!one_word) CHECK(line.size() <= columns);
        }
    }
    CHECK_THAT(Sample().options.help(40), ContainsSubstring("  -f, --file PATH\n      a file\n"));
}

TEST_CASE("options tell how they were declared") {
    const auto declared = Sample().options.declared();
    REQUIRE(declared.size() == 6);
    CHECK(declared[2].text() == "-t, --tag NAME");
    CHECK(declared[2].repeatable);
    CHECK(declared[1].takes_word());
    CHECK_FALSE(declared[1].repeatable);
    CHECK_FALSE(declared[0].takes_word());
    CHECK(declared[4].words == std::vector<std::string>{"auto", "plain"});
    CHECK(declared[5].text() == "--pull[=missing|always|never]");
    CHECK_FALSE(declared[5].takes_word());
    CHECK(Sample().options.declared_arguments().at(1).name == "PATH");
}

TEST_CASE("help is asked for with -h and --help") {
    CHECK(Sample().parse({"-h"}).outcome == OptionSet::Outcome::help);
    CHECK(Sample().parse({".", "--help"}).outcome == OptionSet::Outcome::help);
}

TEST_CASE("the help groups options, tells defaults, and ends with the examples") {
    CHECK(Sample().options.help(80) == "usage: gbuild sample [OPTIONS] CONTEXT [PATH]\n"
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
