#include "gbuild/cli/build_record.h"

#include "fake_console.h"
#include "gbuild/cli/history_text.h"
#include "gbuild/cli/report_page.h"
#include "support/catch.h"

using namespace gbuild;
using namespace gbuild::cli;
using std::chrono::milliseconds;

namespace {

struct RecordedEvents {
    NullSink nobody;
    FakeClock clock;
    BuildRecorder recorder{nobody, clock.clock()};
    void operator()(const Event& event, int ms = 0) {
        recorder.emit(event);
        clock.advance(milliseconds(ms));
    }
};

BuildRecord recorded_example() {
    RecordedEvents of;
    of(StepsPlanned{{{1, 1, 2, "", "FROM debian", 1}, {2, 2, 2, "b", "RUN make </script>", 2}}});
    of(ActivityStarted{{0, "resolving", "debian"}}, 100);
    of(ActivityFinished{{0, "resolving", "debian"}});
    of(StepStarted{1, 1, 2, "", "FROM debian", 1});
    of(TransferStarted{1, 1, "sha256:01", "pulling", 500}, 200);
    of(TransferFinished{1, false});
    of(StepFinished{1, false, milliseconds(0), ""});
    of(StepStarted{2, 2, 2, "b", "RUN make </script>", 2}, 1000);
    of(StepFinished{2, true, milliseconds(1000), ""});
    of(Warning{"id", "told\xff", SourceSpan{"Dockerfile", 3, 1, 2, "x"}, "hint"});
    build::BuildResult result;
    result.provenance.steps = {{1, 10, 1000, 9, 900}, {2, 1, 50, 1, 50}};
    result.provenance.lost = {{"a/b", 100, 1, 2}};
    result.provenance.runs = {{1, 9}, {2, 1}};
    return of.recorder.record(result);
}

}  // namespace

TEST_CASE("a recorder keeps steps, transfers and activities with their times") {
    const BuildRecord record = recorded_example();
    REQUIRE(record.steps.size() == 2);
    CHECK(record.took == 1300);
    CHECK(record.steps[1].began == 300);
    CHECK(record.steps[1].took == 1000);
    CHECK(record.steps[1].cached);
    REQUIRE(record.work.size() == 2);
    CHECK(record.work[0].name == "debian");
    CHECK(record.work[0].took == 100);
    CHECK(record.work[1].bytes == 500);
    CHECK(record.work[1].step == 1);
    CHECK(record.warnings.size() == 1);
}

TEST_CASE("a record keeps no query of a URL") {
    RecordedEvents of;
    of(StepStarted{1, 1, 2, "", "ADD $U/f?token=hidden \"http://h/g?a=hidden\" /f", 1});
    of(StepStarted{2, 2, 2, "", "RUN ls a? && x=1", 2});
    const BuildRecord record = of.recorder.record({});
    REQUIRE(record.steps.size() == 2);
    CHECK(record.steps[0].step.text == "ADD $U/f?*** \"http://h/g?***\" /f");
    CHECK(record.steps[1].step.text == "RUN ls a? && x=1");
}

TEST_CASE("a record survives being written, and nothing else is taken for one") {
    const std::string text = json_line(record_json(recorded_example()));
    const auto again = parse_record(text);
    REQUIRE(again);
    CHECK(json_line(record_json(*again)) == text);
    for (const char* bad : {"", "null", "[]", "{}", "{\"format\":1}", "{\"format\":2}", "\xff"})
        CHECK_FALSE(parse_record(bad));
    for (size_t i = 0; i < text.size(); i += 7) CHECK_FALSE(parse_record(text.substr(0, i)));
}

TEST_CASE("history: a table for people") {
    CHECK(history_text(recorded_example(), Instructions::short_) ==
          "STEP   TIME    FILES  WRITTEN  IN THE IMAGE  INSTRUCTION\n"
          "1/2    0.0 s   10     1.0 kB   900 B         FROM debian\n"
          "b 2/2  cached  1      50 B     50 B          RUN make </script>\n"
          "built in 1.3 s; 950 B of files in the image\n");
}

TEST_CASE("report: no data ends the element that it is in, whatever it is") {
    const Json data{{"name", "</script><img src=x onerror=alert(1)>"},
                    {"other", "<!--<script>&amp;\xe2\x80\xa8\xe2\x80\xa9 @SCRIPT@"}};
    const std::string page = report_page(data);
    const size_t begin = page.find("id=\"data\">") + 10, end = page.find("</script>", begin);
    const std::string inside = page.substr(begin, end - begin);
    CHECK(inside.find_first_of("<>&") == std::string::npos);
    CHECK(inside.find("\xe2\x80\xa8") == std::string::npos);
    CHECK(Json::parse(inside) == data);
    CHECK(page.find("<img") == std::string::npos);
    // Its own script is still in its place, and once.
    CHECK(page.find("\"use strict\"") != std::string::npos);
    CHECK(page.find("\"use strict\"") == page.rfind("\"use strict\""));
    CHECK(page.find("script-src 'sha256-") != std::string::npos);
}
