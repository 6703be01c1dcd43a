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
    CHECK(ids_of(text) == Strings{"no-volume", "sudo", "apt-no-yes", "env-not-passed", "legacy-key-value"});
    CHECK(ids_of("# check=skip=DL3004,LEGACYKEYVALUEFORMAT,no-volume,env-not-passed\n" + text) ==
          Strings{"apt-no-yes"});
    CHECK(ids_of("# check=skip=ALL\n" + text).empty());
}

TEST_CASE("error=true makes warnings errors, and leaves hints what they are") {
    for (const Finding& finding : findings_of("# check=error=true\nFROM debian\nENV a b\n"))
        CHECK((finding.severity == Severity::info) ==
              (finding.warning.id == "image-untagged" || finding.warning.id == "env-not-passed"));
}

TEST_CASE("values that --build-arg has to give do not stop the check") {
    const auto findings = findings_of("ARG BASE\nARG P\nFROM --platform=$P $BASE\nENV a b\nVOLUME /v\n");
    CHECK(has_finding(findings, "invalid-default-arg-in-from"));
    CHECK(has_finding(findings, "legacy-key-value"));
    CHECK_FALSE(has_finding(findings, "unused-build-arg"));
    CheckRequest request;
    request.build_args = {{"BASE", "debian:12"}, {"P", "linux/amd64"}};
    CHECK(ids_of("ARG BASE=debian:11\nARG P\nFROM --platform=$P $BASE\nVOLUME /v\n", request).empty());
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

namespace {

std::optional<Severity> severity_of(std::string_view id, const std::string& text, const CheckRequest& request = {}) {
    const auto findings = findings_of_rule(id, text, request);
    if (findings.empty()) return std::nullopt;
    return findings[0].severity;
}

CheckRequest knowing(const oci::ContainerConfig& config) {
    CheckRequest request;
    request.known_base = [config](const std::string&, const oci::Platform&) {
        oci::ImageConfig image;
        image.config = config;
        return image;
    };
    return request;
}

CheckRequest ignoring(const dockerfile::IgnoreRules& rules) {
    CheckRequest request;
    request.ignore = &rules;
    return request;
}

}  // namespace

TEST_CASE("misspelt variables are found on any base, and wherever they stand (C-4)") {
    const std::string top = "FROM debian:12\nARG SOURCE_DIR=src\nENV DATA_DIR=/d\n";
    for (const char* line : {"COPY $SOURCE_DRI .", "COPY a $DATA_DRI", "WORKDIR ${DATA_DIRR}", "VOLUME $DATA_DRI",
                             "USER $DATA_DRI", "LABEL a=$SOURCE_DRI", "EXPOSE $DATA_DRI", "ENV x=$SOURCE_DRI",
                             "COPY --chown=$DATA_DRI a /b", "COPY --from=x $SOURCE_DRI /b", "ADD ${SOURCE_DRI} /x"}) {
        INFO(line);
        const auto findings = findings_of_rule("undefined-var", top + line + "\n");
        REQUIRE(findings.size() == 1);
        CHECK(findings[0].severity == Severity::warning);
        CHECK(findings[0].warning.hint.starts_with("did you mean "));
        CHECK(findings[0].warning.span->line == 4);
    }
}

TEST_CASE("variables like no other may be the base image's (C-4)") {
    const std::string from = "FROM debian:12\nARG SOURCE_DIR=src\n";
    CHECK(severity_of("undefined-var", from + "COPY $GOPATH /x\n") == Severity::info);
    CHECK(severity_of("undefined-var", from + "ENV PATH=$GOPATH/bin:$PATH\n") == Severity::info);
    CHECK(severity_of("undefined-var", "FROM scratch\nENV A=$GOPATH\n") == Severity::warning);
    CHECK(severity_of("undefined-var", "ARG TAG=1\nFROM debian:$TAG\nCOPY $TAG /x\n") == Severity::warning);
    CHECK_FALSE(severity_of("undefined-var", from + "COPY ${TYPO:-a} ${TYPO:+b} '$TYPO' \\$TYPO /x/\n"));
    // A stage built on another sees what that one set.
    CHECK_FALSE(severity_of("undefined-var", "FROM debian:12 AS a\nENV V=1\nFROM a\nCOPY $V /x\n"));
}

TEST_CASE("misspelt names in FROM (C-4)") {
    auto hints = [](const std::string& text) {
        Strings found;
        for (const Finding& finding : gbuild::check::check(dockerfile::parse(text, "Dockerfile"), {}).findings) {
            if (finding.warning.id == "undefined-arg-in-from") found.push_back(finding.warning.hint);
        }
        return found;
    };
    CHECK(hints("FROM --platform=$BULIDPLATFORM debian:12\n") == Strings{"did you mean BUILDPLATFORM?"});
    CHECK(hints("ARG VERSION=12\nFROM debian:$VERSOIN\n") == Strings{"did you mean VERSION?"});
    CHECK(hints("FROM debian:12$FOO_BAR_BAZ\n") == Strings{"add ARG FOO_BAR_BAZ=DEFAULT there"});
    CHECK(
        gbuild::check::check(dockerfile::parse("FROM --platform=$BULIDPLATFORM debian:12\n", "D"), {}).error->hint() ==
        "did you mean BUILDPLATFORM?");
}

TEST_CASE("a default that is no image is one whatever --build-arg gives (C-5)") {
    CheckRequest request;
    request.build_args = {{"TAG", "12"}};
    CHECK(has_finding(findings_of("ARG TAG\nFROM debian:${TAG}\n", request), "invalid-default-arg-in-from"));
    CHECK(has_finding(findings_of("ARG TAG=\nFROM debian:$TAG\n", request), "invalid-default-arg-in-from"));
    CHECK_FALSE(has_finding(findings_of("ARG TAG=12\nFROM debian:$TAG\n", request), "invalid-default-arg-in-from"));
    CHECK_FALSE(has_finding(findings_of("ARG TAG\nFROM debian:${TAG:-12}\n"), "invalid-default-arg-in-from"));
    CHECK_FALSE(has_finding(findings_of("ARG S=one\nFROM debian:12 AS One\nFROM $S\n"), "invalid-default-arg-in-from"));
}

TEST_CASE("copies of what an ignore file leaves out (C-6)") {
    auto is_found = [](const char* patterns, const std::string& copy) {
        const auto rules = dockerfile::IgnoreRules::parse(patterns, ".dockerignore");
        return severity_of("copy-ignored-file", "FROM debian:12\n" + copy + "\n", ignoring(rules)).has_value();
    };
    for (const char* all : {"*", "**", "/*", "**/*", "?*"}) {
        for (const char* copy : {"COPY . /x", "COPY ./ /x", "COPY . .", "ADD . /x", "COPY * /x", "COPY ./* /x",
                                 "COPY src/ /x", "COPY f /x", "COPY /. /x"})
            CHECK(is_found(all, copy));
        CHECK_FALSE(is_found(all, "COPY --from=x . /y"));
        CHECK_FALSE(is_found(all, "COPY $SRC /y"));
    }
    CHECK_FALSE(is_found(".*", "COPY . /x"));
    CHECK_FALSE(is_found("*.md\na*\n", "COPY . /x"));
    CHECK(is_found("src/*", "COPY src /x"));
    CHECK_FALSE(is_found("*\n!src", "COPY . /x"));
    CHECK_FALSE(is_found("*\n!src", "COPY src /x"));
    CHECK_FALSE(is_found("*\n!src/a", "COPY src /x"));
    CHECK_FALSE(is_found("*\n!**/a", "COPY lib /x"));
    CHECK_FALSE(is_found("*\n!s?c/deep/a", "COPY src/deep /x"));
    // An exception for something else excuses nothing.
    CHECK(is_found("*\n!src", "COPY secret /x"));
    CHECK(is_found("*\n!src/a", "COPY src/b /x"));
    CHECK(is_found("*\n!src\nsrc/b", "COPY src/b /x"));
}

TEST_CASE("a stage named after its system may have a fixed platform (C-7)") {
    auto is_found = [](const std::string& name) {
        return severity_of("from-platform-constant",
                           "FROM --platform=windows/arm64 debian:12 AS " + name + "\nFROM debian:12\n")
            .has_value();
    };
    CHECK_FALSE(is_found("tools-windows"));
    CHECK_FALSE(is_found("for_arm64"));
    CHECK(is_found("tools"));
}

TEST_CASE("a description is asked for where its ARG or FROM stands (C-8)") {
    const auto findings = findings_of_rule("invalid-description", "FROM debian:12\n# what it is for\nARG V=1\n");
    REQUIRE(findings.size() == 1);
    CHECK(findings[0].warning.span->line == 3);
}

TEST_CASE("what is found stays found where no plan can be made (C-8)") {
    const CheckResult result =
        gbuild::check::check(dockerfile::parse("FROM debian:12\nRUN sudo x\nENV a b\nSTOPSIGNAL NOSUCH\n", "D"), {});
    REQUIRE(result.error);
    CHECK(has_finding(result.findings, "sudo"));
    CHECK(has_finding(result.findings, "legacy-key-value"));
    std::vector<Warning> before;
    CHECK_THROWS_AS(dockerfile::parse("FROM debian:12\nENV a b\nNOSUCH\n", "D", {}, before), Error);
    const auto weighed = weigh(before);
    REQUIRE(weighed.size() == 1);
    CHECK(weighed[0].severity == Severity::warning);
}

TEST_CASE("what a base image may have set weighs less until it is known (C-9)") {
    const std::string text = "FROM cuda:12\nENV LD_LIBRARY_PATH=/x:$LD_LIBRARY_PATH\n";
    CHECK(severity_of("undefined-var", text) == Severity::info);
    oci::ContainerConfig config;
    CHECK(severity_of("undefined-var", text, knowing(config)) == Severity::warning);
    config.set_env("LD_LIBRARY_PATH", "/lib");
    CHECK_FALSE(severity_of("undefined-var", text, knowing(config)));
    CHECK(severity_of("undefined-var", "FROM scratch\nENV A=$A\n") == Severity::warning);
    CHECK_FALSE(severity_of("undefined-var", "FROM cuda:12\nENV PATH=/x:$PATH\n"));
}

TEST_CASE("what a known base brings counts (C-9)") {
    oci::ContainerConfig config;
    config.volumes.insert("/data");
    config.user = "1000:1000";
    config.shell = {"/bin/bash", "-o", "pipefail", "-c"};
    config.on_build = {"RUN make"};
    const std::string text = "FROM base\nCOPY f /data/f\nRUN curl x | tar x\nCMD server\n";
    const auto findings = findings_of(text, knowing(config));
    CHECK_FALSE(has_finding(findings, "no-volume"));
    CHECK_FALSE(has_finding(findings, "pipefail-missing"));
    CHECK_FALSE(has_finding(findings, "json-args-recommended"));
    CHECK(has_finding(findings, "volume-content"));
    CHECK(has_finding(findings, "user-not-root"));
    CHECK(findings_of_rule("no-volume", "FROM base\n", knowing({}))[0].warning.hint ==
          "add a line such as VOLUME /golem/input /golem/output");
    // A stage that stands on another stands on its base.
    CHECK_FALSE(has_finding(findings_of("FROM base AS a\nFROM a\n", knowing(config)), "no-volume"));
}

TEST_CASE("how to fail in a pipe is said for the shell that the base has (C-10)") {
    auto hint = [](const std::string& top) {
        const auto findings = findings_of_rule("pipefail-missing", top + "\nRUN curl x | tar x\n");
        return findings.empty() ? "" : findings[0].warning.hint;
    };
    const std::string bash = "write SHELL [\"/bin/bash\", \"-o\", \"pipefail\", \"-c\"] above";
    for (const char* base : {"debian:12", "debian", "ubuntu:22.04", "python:3.12-slim", "docker.io/library/node:20",
                             "nvidia/cuda:12.4.0-devel-ubuntu22.04",
                             "registry.example:5000/x/debian@sha256:"
                             "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"})
        CHECK(hint(std::string("FROM ") + base) == bash + ": this base's sh does not know pipefail");
    for (const char* base :
         {"alpine:3.20", "python:3.12-alpine", "node:20-alpine3.19", "busybox", "frolvlad/alpine-glibc:x"})
        CHECK(hint(std::string("FROM ") + base).starts_with("begin with set -o pipefail, which this base's sh knows"));
    for (const char* base : {"fedora:40", "rockylinux:9", "amazonlinux:2023", "registry.access.redhat.com/ubi9/ubi"})
        CHECK(hint(std::string("FROM ") + base) == "begin with set -o pipefail: this base's sh is bash");
    CHECK(hint("FROM example/thing:1").find("if the base image has bash") != std::string::npos);
    CHECK(hint("FROM debian:12\nSHELL [\"/bin/bash\", \"-c\"]").starts_with("begin with set -o pipefail, which bash"));
    CHECK(hint("FROM debian:12\nSHELL [\"/bin/sh\", \"-ec\"]").starts_with(bash));
    CHECK(hint("FROM x\nSHELL [\"pwsh\", \"-c\"]").empty());
    CHECK(hint("FROM alpine:3 AS a\nFROM a").starts_with("begin with"));
    CHECK(hint("FROM debian:12 AS a\nSHELL [\"/bin/bash\", \"-o\", \"pipefail\", \"-c\"]\nFROM a").empty());
}

TEST_CASE("what may fail unseen weighs by what is lost (C-10)") {
    CHECK(severity_of("pipefail-missing", "FROM debian:12\nRUN find / | sort\n") == Severity::info);
    CHECK(severity_of("pipefail-missing", "FROM debian:12\nRUN find / | sort && wget -O- x | sh\n") ==
          Severity::warning);
}

TEST_CASE("an entrypoint is nothing to fail a check for (C-12)") {
    CHECK(severity_of("entrypoint-not-run", "FROM debian:12\nENTRYPOINT [\"/x\"]\n") == Severity::info);
    CHECK(severity_of("entrypoint-not-run", "FROM debian:12\nCMD [\"/x\", \"y\"]\n") == Severity::info);
}

TEST_CASE("checks of other programs are noticed once (C-13)") {
    const auto findings =
        findings_of_rule("foreign-check", "# check=skip=DL3059,SC2086;error=true\nFROM debian:12\nVOLUME /v\n"
                                          "# check=skip=dl3059,LegacyKeyValueFormat\nENV a b\n");
    REQUIRE(findings.size() == 1);
    CHECK(findings[0].warning.id == "foreign-check");
    CHECK(findings[0].severity == Severity::info);
    CHECK(findings[0].warning.message == "gbuild has no check like DL3059, SC2086");
    CHECK(findings_of("FROM debian:12\nVOLUME /v\n# hadolint ignore=DL3059,DL3004\nRUN sudo x\n").empty());
}

TEST_CASE("names that are almost a stage's (C-14)") {
    auto hints = [](const std::string& text) {
        Strings found;
        for (const Finding& finding : findings_of_rule("misspelt-stage", "FROM debian:12 AS build\n" + text))
            found.push_back(finding.warning.hint);
        return found;
    };
    const Strings meant{"did you mean build?"};
    CHECK(hints("FROM debian:12\nCOPY --from=buidl /a /b\n") == meant);
    CHECK(hints("FROM biuld\n") == meant);
    CHECK(hints("FROM debian:12\nRUN --mount=type=bind,from=bulid,target=/x ls\n") == meant);
    CHECK(hints("FROM debian:12\nCOPY --from=builds /a /b\nFROM scratch\n") == meant);
    CHECK(hints("FROM debian:12\nCOPY --from=golang /a /b\n").empty());
    CHECK(hints("FROM debian:12\nCOPY --from=buidl:1 /a /b\n").empty());
    CHECK(hints("FROM debian:12 AS nodes\nFROM debian:12\nCOPY --from=node /a /b\n").empty());
    CHECK(hints("FROM debian:12\nCOPY --from=build /a /b\n").empty());
}

TEST_CASE("what the VM leaves out of the environment weighs by whether PATH is part of it (G-4)") {
    CHECK(severity_of("env-not-passed", "FROM debian:12\nENV PATH=/opt/venv/bin:$PATH\n") == Severity::warning);
    CHECK(severity_of("env-not-passed", "FROM debian:12\nENV A=b\n") == Severity::info);
    CHECK_FALSE(severity_of("env-not-passed", "FROM debian:12 AS a\nENV A=b\nFROM debian:12\n"));
    CHECK(severity_of("env-not-passed", "FROM debian:12 AS a\nENV PATH=/x\nFROM a\nENV A=b\n") == Severity::warning);
}

TEST_CASE("a program that only CMD names weighs less (G-6)") {
    CHECK(severity_of("entrypoint-no-slash", "FROM debian:12\nCMD [\"probe\"]\n") == Severity::info);
    CHECK(severity_of("entrypoint-no-slash", "FROM debian:12\nENTRYPOINT [\"probe\"]\n") == Severity::warning);
}
