// Every rule, with a file that it finds fault with and one that it does not.
#include <set>

#include "checking.h"
#include "gbuild/dockerfile/rule_names.h"
#include "support/catch.h"

using namespace gbuild;
using namespace gbuild::check;

namespace {

struct RuleCase {
    const char* id;
    const char* bad;
    const char* good;
    const char* marked;  // what the finding points at; "" for a whole line
};

// Lines after "FROM debian:12\n", unless they begin with a FROM or ARG of their own.
constexpr RuleCase cases[] = {
    {"add-instead-of-copy", "ADD f /f\n", "ADD f.tar.gz /\nADD https://host/x /x\nCOPY f /f\nADD $X /\n", "ADD"},
    {"apk-cache-kept", "RUN apk add git\n", "RUN apk add --no-cache git\n", "apk add"},
    {"apk-unpinned", "RUN apk add --no-cache git\n", "RUN apk add --no-cache -t build git=1 'make>4'\n", "git"},
    {"apt-instead-of-apt-get", "RUN apt install -y x\n", "RUN apt-get install -y x && apt-cache policy\n",
     "apt install"},
    {"apt-lists-kept", "RUN apt-get update && apt-get install -y x\n",
     "RUN apt-get update && apt-get install -y x && rm -rf /var/lib/apt/lists/*\n", "apt-get update"},
    {"apt-no-yes", "RUN apt-get update && apt-get install x\n",
     "RUN apt-get install -qy x && apt-get remove --yes x && apt-get update && apt-get purge -qq z\n",
     "apt-get install"},
    {"apt-recommends", "RUN apt-get install -y x\n", "RUN apt-get install -y --no-install-recommends x\n",
     "apt-get install"},
    {"apt-unpinned", "RUN apt-get install -y curl=1 git\n", "RUN apt-get install -y -t stable git=1.0 ./x.deb $MORE\n",
     "git"},
    {"apt-update-alone", "RUN apt-get update\nRUN apt-get install -y x\n",
     "RUN apt-get update && apt-get install -y x\n", "apt-get update"},
    {"apt-upgrade", "RUN apt-get -y dist-upgrade\n", "RUN apt-get update && apt-get install -y x\n", "apt-get"},
    {"broken-stage", "STOPSIGNAL NOSUCH\nFROM scratch\n", "STOPSIGNAL SIGTERM\nFROM scratch\n", "NOSUCH"},
    {"cd-instead-of-workdir", "RUN mkdir /x && cd /x\n", "WORKDIR /x\nRUN make -C /x\n", "cd"},
    {"command-without-use", "RUN service nginx start\n", "RUN echo service\n", "service"},
    {"content-masked", "COPY f /proc/f\n", "COPY f /processed\n", "/proc/f"},
    {"copy-ignored-file", "COPY a ./secret/key /dst/\n", "COPY secrets /dst/\nCOPY --from=x /secret /dst/\n",
     "./secret/key"},
    {"copy-relative-destination", "COPY f .\n", "COPY f /\nWORKDIR /x\nCOPY f .\n", "."},
    {"curl-and-wget", "RUN curl -O x\nRUN wget y\n", "RUN curl -O x\nFROM debian:12\nRUN wget y\n", "wget"},
    {"dnf-cache-kept", "RUN yum install -y x\n", "RUN dnf install -y x && dnf clean all\n", "yum install"},
    {"dnf-no-yes", "RUN dnf install x\n", "RUN dnf -y install x\n", "dnf install"},
    {"duplicate-stage-name", "FROM debian:12 AS a\nFROM debian:12 AS a\n", "FROM debian:12 AS a\nFROM debian:12 AS b\n",
     "a"},
    {"heredoc-crlf", "COPY <<EOF /f\r\na\r\nEOF\r\n", "COPY <<EOF /f\na\nEOF\n", "<<"},
    {"empty-continuation-line", "RUN a \\\n\n  b\n", "RUN a \\\n  # comment\n  b\n", ""},
    {"entrypoint-no-slash", "ENTRYPOINT [\"server\"]\n", "ENTRYPOINT [\"/bin/server\"]\n", "ENTRYPOINT"},
    {"entrypoint-not-run", "CMD [\"server\", \"-x\"]\n", "CMD [\"/bin/sh\"]\n", "CMD"},
    {"env-not-passed", "ENV PATH=/opt/bin:$PATH\n", "ENV DEBIAN_FRONTEND=noninteractive\n", "ENV"},
    {"env-self-reference", "ENV abc=bye def=$abc\n", "ENV abc=hello\nENV abc=bye def=$abc PATH=/x:$PATH\n", "$abc"},
    {"exec-form-invalid", "CMD ['a', 'b']\n", "CMD [\"a\", \"b\"]\n", "['a', 'b']"},
    {"expose-host-port", "EXPOSE 80:8080\n", "EXPOSE 8080\n", "80:8080"},
    {"expose-no-effect", "EXPOSE 80\n", "ENV PORT=80\n", "EXPOSE"},
    {"expose-proto-casing", "EXPOSE 80/TCP\n", "EXPOSE 80/tcp 53/udp\n", "80/TCP"},
    {"foreign-check", "# check=skip=DL3059\nFROM debian:12\n", "# check=skip=DL3008\nFROM debian:12\n", "DL3059"},
    {"from-as-casing", "FROM debian:12 as a\n", "FROM debian:12 AS a\n", "as"},
    {"from-platform-constant", "FROM --platform=linux/amd64 debian:12\n",
     "FROM --platform=$BUILDPLATFORM debian:12\nFROM --platform=linux/amd64 debian:12 AS build-amd64\n",
     "--platform=linux/amd64"},
    {"gem-unpinned", "RUN gem install rake\n", "RUN gem install rake:13.0 && gem install rake -v 13\n", "rake"},
    {"healthcheck-no-effect", "HEALTHCHECK CMD true\n", "FROM debian:12\nHEALTHCHECK CMD true\nFROM scratch\n",
     "HEALTHCHECK"},
    {"image-latest", "FROM debian:latest\n",
     "FROM debian:12\nFROM host:5000/debian@sha256:"
     "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n",
     "debian:latest"},
    {"image-untagged", "FROM localhost:5000/debian\n", "FROM debian:12 AS a\nFROM a\nFROM scratch\n",
     "localhost:5000/debian"},
    {"instruction-casing", "USER 1\nuser 2\n", "USER 1\nUSER 2\n", "user"},
    {"invalid-default-arg-in-from", "ARG TAG\nFROM debian:${TAG}\n", "ARG TAG=12\nFROM debian:${TAG}\n",
     "debian:${TAG}"},
    {"invalid-description", "# what it is for\nARG V=1\n", "# V is for victory\nARG V=1\n# alone\n\nARG W\n", "ARG"},
    {"json-args-recommended", "CMD server\n", "SHELL [\"/bin/bash\", \"-c\"]\nCMD server\nENTRYPOINT [\"/x\"]\n",
     "CMD"},
    {"last-user-root", "USER app\nUSER root\n", "USER app\n", "USER"},
    {"legacy-key-value", "ENV a b\n", "ENV a=b\n", "a"},
    {"maintainer-deprecated", "MAINTAINER me\n", "LABEL maintainer=me\n", "MAINTAINER"},
    {"misspelt-stage", "FROM debian:12 AS build\nFROM debian:12\nCOPY --from=buidl /a /b\n",
     "FROM debian:12 AS build\nFROM debian:12\nCOPY --from=build /a /b\nCOPY --from=x/buidl /a /b\n", "--from=buidl"},
    {"multiple-instructions", "CMD [\"a\"]\nCMD [\"b\"]\n", "CMD [\"a\"]\n", "CMD"},
    {"no-volume", "WORKDIR /golem\n", "VOLUME /golem/work\n", "FROM"},
    {"npm-unpinned", "RUN npm install -g @scope/tool\n", "RUN npm install -g @scope/tool@1 && npm ci && npm install\n",
     "@scope/tool"},
    {"onbuild-no-effect", "ONBUILD COPY . /x\n", "COPY . /x\n", "ONBUILD"},
    {"pip-cache-kept", "RUN pip install x==1\n",
     "RUN pip install --no-cache-dir x==1\nRUN --mount=type=cache,target=/root/.cache pip3 install y==1\n",
     "pip install"},
    {"pip-unpinned", "RUN python3 -m pip install flask\n",
     "RUN pip install -r requirements.txt && pip install flask==2.0 ./local git+https://host/x\n", "flask"},
    {"pipefail-missing", "RUN curl x | tar x\n",
     "RUN set -o pipefail && curl x | tar x\nRUN echo a | cat\nRUN true || false\nSHELL [\"/bin/bash\", \"-eo\", "
     "\"pipefail\", \"-c\"]\nRUN curl x | tar x\n",
     "curl"},
    {"platform-not-amd64", "FROM --platform=linux/arm64 debian:12\n",
     "FROM --platform=linux/arm64 debian:12\nFROM --platform=linux/amd64 debian:12\n", "--platform=linux/arm64"},
    {"redundant-target-platform", "FROM --platform=$TARGETPLATFORM debian:12\n",
     "FROM --platform=$BUILDPLATFORM debian:12\n", "--platform=$TARGETPLATFORM"},
    {"reserved-stage-name", "FROM debian:12 AS context\n", "FROM debian:12 AS contexts\n", "context"},
    {"secret-in-arg-or-env", "ARG API_TOKEN\n", "ARG API_HOST\n", "API_TOKEN"},
    {"secret-in-image", "COPY id_rsa /root/.ssh/\n", "COPY id_rsa.pub /root/.ssh/\n", "id_rsa"},
    {"shell-by-link", "RUN ln -sf /bin/bash /bin/sh\n", "RUN ln -s /bin/sh /bin/shell\n", "/bin/sh"},
    {"stage-name-casing", "FROM debian:12 AS Base\n", "FROM debian:12 AS base\n", "Base"},
    {"stop-signal-no-effect", "STOPSIGNAL SIGTERM\n", "USER 1\n", "STOPSIGNAL"},
    {"sudo", "RUN sudo -E apt-get install -y x=1\n", "RUN echo sudo\n", "sudo"},
    {"undefined-arg-in-from", "FROM debian:12$NOSUCH\n", "ARG SUCH=1\nFROM debian:12$SUCH\n", "debian:12$NOSUCH"},
    {"undefined-var", "ARG VERSION\nWORKDIR /$VERSOIN\n", "ARG VERSION\nWORKDIR /$VERSION\n", "$VERSOIN"},
    {"unknown-check", "# check=skip=NoSuchRule\nFROM debian:12\n", "# check=skip=DL3008,undefinedvar\nFROM debian:12\n",
     "NoSuchRule"},
    {"user-named", "USER app\n", "USER 1000:1000\n", "USER"},
    {"user-not-root", "USER 1000\n", "USER 0\n", "USER"},
    {"volume-content", "COPY f /data/f\nVOLUME /data\n", "COPY f /database\nVOLUME /data\n", "/data/f"},
    {"volume-masked", "VOLUME /dev/x\n", "VOLUME /tmp/x\n", "VOLUME"},
    {"volume-nested", "VOLUME /a /a/b\n", "VOLUME /a /ab /b/a\n", "VOLUME"},
    {"volume-system-directory", "VOLUME /usr\n", "VOLUME /usr/local/share/x\n", "VOLUME"},
    {"volumes-too-many", "VOLUME /a /b /c /d /e /f /g /h /i /j /k /l /m /n /o /p /q /r /s /t /u /v /w /x /y /z\n",
     "VOLUME /a /b /c /d /e /f /g /h /i /j /k /l /m /n /o /p /q /r /s /t /u /v /w /x /y /y/ //y\n", "VOLUME"},
    {"workdir-masked", "WORKDIR /proc/x\n", "WORKDIR /work\n", "WORKDIR"},
    {"workdir-relative", "WORKDIR work\n", "WORKDIR /work\nWORKDIR more\n", "work"},
    {"zypper-cache-kept", "RUN zypper -n install x\n", "RUN zypper -n install x && zypper clean\n", "zypper"},
    {"zypper-no-yes", "RUN zypper install x\n", "RUN zypper -n install x && zypper in -y z\n", "zypper install"},
};

std::string whole(const std::string& lines) {
    const bool complete = lines.starts_with("FROM") || lines.starts_with("# check") ||
                          (lines.find("\nFROM ") != std::string::npos && lines.starts_with("ARG"));
    return complete ? lines : "FROM debian:12\n" + lines;
}

const dockerfile::IgnoreRules& ignore_secret() {
    static const dockerfile::IgnoreRules rules = dockerfile::IgnoreRules::parse("secret\n", ".dockerignore");
    return rules;
}

}  // namespace

TEST_CASE("every rule finds what it is for, and nothing where there is nothing") {
    CheckRequest request;
    request.ignore = &ignore_secret();
    for (const RuleCase& rule : cases) {
        INFO(rule.id);
        const auto bad = findings_of_rule(rule.id, whole(rule.bad), request);
        REQUIRE(bad.size() == 1);
        CHECK(marked(bad[0]) == rule.marked);
        CHECK_FALSE(bad[0].warning.message.empty());
        CHECK_FALSE(bad[0].warning.hint.empty());
        CHECK(findings_of_rule(rule.id, whole(rule.good), request).empty());
    }
}

TEST_CASE("the table of cases has every rule, and every rule a name that directives may use") {
    std::set<std::string_view> tested{"ignored-build-arg", "unused-build-arg"};  // have a test of their own below
    for (const RuleCase& rule : cases) CHECK(tested.insert(rule.id).second);
    std::set<std::string_view> rules;
    for (const Rule& rule : all_rules()) {
        CHECK(rules.insert(rule.id).second);
        CHECK_FALSE(rule.meaning.empty());
        CHECK(dockerfile::find_rule_id(rule.id) == rule.id);
    }
    CHECK(tested == rules);
}

TEST_CASE("names of other programs and any case stand for a rule") {
    CHECK(dockerfile::find_rule_id("UndefinedVar") == "undefined-var");
    CHECK(dockerfile::find_rule_id("UNDEFINEDVAR") == "undefined-var");
    CHECK(dockerfile::find_rule_id("dl3040") == "dnf-cache-kept");
    CHECK(dockerfile::find_rule_id("No-Volume") == "no-volume");
    CHECK(dockerfile::find_rule_id("InvalidBaseImagePlatform") == "");
    CHECK_FALSE(dockerfile::find_rule_id(""));
    CHECK_FALSE(dockerfile::find_rule_id("DL"));
}

TEST_CASE("a build argument that has no effect") {
    CheckRequest request;
    request.build_args["BUILDKIT_SYNTAX"] = "x";
    CHECK(findings_of_rule("ignored-build-arg", "FROM debian:12\n", request).size() == 1);
}

TEST_CASE("a build argument that no ARG declares") {
    CheckRequest request;
    request.build_args["VERSOIN"] = "1";
    const auto findings = findings_of_rule("unused-build-arg", "FROM debian:12\nARG VERSION\n", request);
    REQUIRE(findings.size() == 1);
    CHECK(findings[0].warning.hint == "did you mean VERSION?");
}
