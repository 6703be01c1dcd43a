#include "checking.h"
#include "gbuild/base/error.h"
#include "support/catch.h"

using namespace gbuild;
using namespace gbuild::check;

TEST_CASE("the example has nothing worth a warning") {
    for (const Finding& finding :
         findings_of("FROM debian:latest\nVOLUME /golem/input /golem/output\nWORKDIR /golem/work\n"))
        CHECK(finding.severity == Severity::info);
}

TEST_CASE("findings are sorted by place, each once") {
    const auto findings =
        findings_of("FROM debian:12 AS A\nENV a b\nMAINTAINER me\nCMD x\nFROM a\nFROM a\nVOLUME /v\n");
    for (size_t i = 1; i < findings.size(); i++)
        CHECK(findings[i - 1].warning.span->line <= findings[i].warning.span->line);
    CHECK(ids_of("FROM debian:12\nVOLUME /v\nENV a b\nFROM debian:12\nVOLUME /v\n") == Strings{"legacy-key-value"});
}

TEST_CASE("the check directive leaves rules out, of all parts and by any name") {
    const std::string text = "FROM debian:12\nRUN sudo apt-get install x=1 --no-install-recommends\nENV a b\n";
    CHECK(ids_of(text) == Strings{"no-volume", "sudo", "apt-no-yes", "legacy-key-value"});
    CHECK(ids_of("# check=skip=DL3004,LEGACYKEYVALUEFORMAT,no-volume\n" + text) == Strings{"apt-no-yes"});
    CHECK(ids_of("# check=skip=ALL\n" + text).empty());
}

TEST_CASE("error=true makes warnings errors, and leaves hints what they are") {
    for (const Finding& finding : findings_of("# check=error=true\nFROM debian\nENV a b\n"))
        CHECK(finding.severity == (finding.warning.id == "image-untagged" ? Severity::info : Severity::error));
}

TEST_CASE("values that --build-arg has to give do not stop the check") {
    const auto findings = findings_of("ARG BASE\nARG P\nFROM --platform=$P $BASE\nENV a b\nVOLUME /v\n");
    CHECK(has_finding(findings, "invalid-default-arg-in-from"));
    CHECK(has_finding(findings, "legacy-key-value"));
    CHECK_FALSE(has_finding(findings, "unused-build-arg"));
    CheckRequest request;
    request.build_args = {{"BASE", "debian:12"}, {"P", "linux/amd64"}};
    CHECK(ids_of("ARG BASE\nARG P\nFROM --platform=$P $BASE\nVOLUME /v\n", request).empty());
}

TEST_CASE("what no build can do is an error as in a build") {
    CHECK_THROWS_AS(findings_of("FROM $NOSUCH\n"), Error);
    CHECK_THROWS_AS(findings_of("FROM debian:12\nSTOPSIGNAL NOSUCH\n"), Error);
    CheckRequest request;
    request.target = "nosuch";
    CHECK_THROWS_AS(findings_of("FROM debian:12\n", request), Error);
}

TEST_CASE("variables that only the base image can have set do not stop the check") {
    const auto findings = findings_of("FROM debian:12\nWORKDIR $APP\nVOLUME $DATA\nENV a b\n");
    CHECK(has_finding(findings, "legacy-key-value"));
    CHECK_THROWS_AS(findings_of("FROM scratch\nUSER $APP\n"), Error);
}

TEST_CASE("the target is what Golem's rules are about") {
    const std::string text = "FROM debian:12 AS one\nUSER 1000\nFROM scratch AS two\nVOLUME /v\n";
    CHECK(ids_of(text).empty());
    CheckRequest request;
    request.target = "one";
    CHECK(ids_of(text, request) == Strings{"no-volume", "user-not-root"});
    request.target = "0";
    CHECK(ids_of(text, request) == Strings{"no-volume", "user-not-root"});
}

TEST_CASE("variables that the base image may have weigh less") {
    auto severity = [](const std::string& text) {
        const auto findings = findings_of_rule("undefined-var", text);
        REQUIRE(findings.size() == 1);
        return findings[0].severity;
    };
    CHECK(severity("FROM debian:12\nWORKDIR /$JAVA_HOME\n") == Severity::info);
    CHECK(severity("FROM scratch\nWORKDIR /$JAVA_HOME\n") == Severity::warning);
    CHECK(severity("ARG V=1\nFROM debian:12\nWORKDIR /$V\n") == Severity::warning);
}

TEST_CASE("package lists may be removed by a later step, or be mounted, or stay in a stage that is left behind") {
    const std::string from = "FROM debian:12\nVOLUME /v\n";
    const std::string update = "RUN apt-get update && apt-get install -y --no-install-recommends x=1\n";
    CHECK(ids_of(from + update) == Strings{"apt-lists-kept"});
    CHECK(ids_of(from + update + "RUN rm -rf /var/lib/apt/lists/*\n").empty());
    CHECK(ids_of(from + "RUN rm -rf /var/lib/apt/lists/*\n" + update) == Strings{"apt-lists-kept"});
    CHECK(ids_of(from + "RUN --mount=type=cache,target=/var/lib/apt apt-get update && apt-get install -y "
                        "--no-install-recommends x=1\n")
              .empty());
    CHECK(ids_of("FROM debian:12 AS build\n" + update + "FROM debian:12\nVOLUME /v\n").empty());
    CHECK(ids_of("FROM debian:12 AS build\n" + update + "FROM build\nVOLUME /v\n") == Strings{"apt-lists-kept"});
}

TEST_CASE("files for a later RUN may go to /tmp") {
    const auto used = findings_of_rule("content-masked", "FROM debian:12\nCOPY r /tmp/\nRUN cat /tmp/r\n");
    REQUIRE(used.size() == 1);
    CHECK(used[0].severity == Severity::info);
    CHECK(findings_of_rule("content-masked", "FROM debian:12\nRUN x\nCOPY r /tmp/\n")[0].severity == Severity::warning);
}

TEST_CASE("heredocs are read as the scripts they are") {
    CHECK(has_finding(findings_of("FROM debian:12\nRUN <<EOF\nset -e\nsudo make\nEOF\n"), "sudo"));
    CHECK(has_finding(findings_of("FROM debian:12\nRUN bash <<EOF\nsudo make\nEOF\n"), "sudo"));
    CHECK_FALSE(has_finding(findings_of("FROM debian:12\nRUN python3 <<EOF\nsudo = 1\nsudo\nEOF\n"), "sudo"));
    CHECK_FALSE(has_finding(findings_of("FROM debian:12\nRUN <<EOF\n#!/usr/bin/env python3\nsudo\nEOF\n"), "sudo"));
    CHECK(has_finding(findings_of("FROM debian:12\nRUN <<EOF\n#!/usr/bin/env bash\nsudo x\nEOF\n"), "sudo"));
}

TEST_CASE("exceptions of .dockerignore make what COPY gets uncertain") {
    const auto rules = dockerfile::IgnoreRules::parse("*\n!src\n", ".dockerignore");
    CheckRequest request;
    request.ignore = &rules;
    CHECK_FALSE(has_finding(findings_of("FROM debian:12\nCOPY src /src\n", request), "copy-ignored-file"));
}

TEST_CASE("a file with endless faults has a limited number of findings") {
    std::string text = "FROM debian:12\n";
    for (int i = 0; i < 7000; i++) text += "RUN sudo x\n";
    CHECK(findings_of(text).size() == 5000);
}
