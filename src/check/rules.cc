// The table of rules. Those of the VM come from golem.
#include <algorithm>
#include <array>

#include "gbuild/base/error.h"
#include "gbuild/golem/contract_rules.h"
#include "report.h"

namespace gbuild::check {

namespace {

constexpr auto info = Severity::info;
constexpr auto warning = Severity::warning;
constexpr auto error = Severity::error;

constexpr auto own_rules = std::to_array<Rule>({
    {"add-instead-of-copy", warning, "ADD of a plain file, which COPY says more plainly"},
    {"apk-cache-kept", warning, "apk add without --no-cache leaves its index in the image"},
    {"apk-unpinned", info, "apk add without versions gives another image another day"},
    {"apt-instead-of-apt-get", warning, "apt is for people at a terminal; its options may change"},
    {"apt-lists-kept", warning, "apt's package lists stay in the image"},
    {"apt-no-yes", warning, "apt-get asks, and nobody answers"},
    {"apt-recommends", info, "apt-get install without --no-install-recommends takes more along"},
    {"apt-unpinned", info, "apt-get install without versions gives another image another day"},
    {"apt-update-alone", warning, "apt-get update in a RUN of its own goes stale in the cache"},
    {"apt-upgrade", info, "apt-get upgrade gives another image another day"},
    {"broken-stage", error, "a stage that the target does not need, and that cannot be built"},
    {"cd-instead-of-workdir", warning, "cd counts only in its own RUN"},
    {"command-without-use", info, "a command that does nothing useful while building"},
    {"copy-ignored-file", warning, "COPY or ADD of what .dockerignore leaves out"},
    {"copy-relative-destination", warning, "a relative destination without a WORKDIR"},
    {"curl-and-wget", info, "both curl and wget, where one would do"},
    {"dnf-cache-kept", warning, "the caches of dnf or yum stay in the image"},
    {"dnf-no-yes", warning, "dnf or yum asks, and nobody answers"},
    {"duplicate-stage-name", error, "two stages of one name"},
    {"empty-continuation-line", warning, "an empty line inside an instruction"},
    {"env-self-reference", warning, "a variable used in the ENV that sets it"},
    {"exec-form-invalid", warning, "an exec form that is no JSON, and taken as words"},
    {"expose-host-port", warning, "EXPOSE with an address or a host port"},
    {"expose-proto-casing", warning, "the protocol of EXPOSE in capitals"},
    {"foreign-check", info, "a check of another program, which changes nothing here"},
    {"from-as-casing", warning, "FROM and AS in different cases"},
    {"from-platform-constant", info, "FROM --platform with a fixed platform"},
    {"gem-unpinned", info, "gem install without versions gives another image another day"},
    {"heredoc-crlf", warning, "a heredoc whose lines end in CR LF"},
    {"ignored-build-arg", warning, "a --build-arg that docker heeds and that has no effect here"},
    {"image-latest", info, "a base image tagged latest changes under you"},
    {"image-untagged", info, "a base image without a tag changes under you"},
    {"instruction-casing", warning, "an instruction in another case than the others"},
    {"invalid-default-arg-in-from", warning, "FROM is no image unless --build-arg gives a value"},
    {"invalid-description", info, "a comment above FROM or ARG that does not begin with its name"},
    {"json-args-recommended", warning, "CMD or ENTRYPOINT through a shell, which takes the signals"},
    {"last-user-root", info, "the last USER is root"},
    {"legacy-key-value", warning, "ENV or LABEL without an equals sign"},
    {"maintainer-deprecated", warning, "MAINTAINER is deprecated"},
    {"misspelt-stage", warning, "an image's name that is almost a stage's"},
    {"multiple-instructions", warning, "a CMD, ENTRYPOINT or HEALTHCHECK that another one replaces"},
    {"npm-unpinned", info, "npm install of packages without versions gives another image another day"},
    {"pip-cache-kept", warning, "pip's cache stays in the image"},
    {"pip-unpinned", info, "pip install without versions gives another image another day"},
    {"pipefail-missing", warning, "a pipe whose first command may fail unnoticed"},
    {"platform-not-amd64", warning, "providers run linux/amd64"},
    {"redundant-target-platform", warning, "FROM --platform=$TARGETPLATFORM is the default"},
    {"reserved-stage-name", error, "a stage named scratch or context"},
    {"secret-in-arg-or-env", warning, "a secret in ARG or ENV is shown to everyone"},
    {"shell-by-link", warning, "/bin/sh replaced by a link, where SHELL would do"},
    {"stage-name-casing", warning, "a stage's name with capitals"},
    {"sudo", warning, "sudo, where RUN is root and USER changes that"},
    {"undefined-arg-in-from", warning, "FROM uses a variable that no ARG declares"},
    {"undefined-var", warning, "a variable that is not set"},
    {"unknown-check", warning, "the check directive names a check that does not exist"},
    {"unused-build-arg", warning, "no ARG declares a --build-arg"},
    {"user-named", info, "USER by name is looked up in the image when it is built"},
    {"workdir-relative", warning, "WORKDIR relative to what the base image chooses"},
    {"zypper-cache-kept", warning, "zypper's cache stays in the image"},
    {"zypper-no-yes", warning, "zypper asks, and nobody answers"},
});

Severity severity_of(golem::Weight weight) {
    switch (weight) {
    case golem::Weight::note: return info;
    case golem::Weight::warning: return warning;
    case golem::Weight::error: break;
    }
    return error;
}

std::vector<Rule> merged_rules() {
    std::vector<Rule> rules(own_rules.begin(), own_rules.end());
    for (const golem::ContractRule& rule : golem::contract_rules()) {
        if (rule.in_dockerfile) rules.push_back({rule.id, severity_of(rule.weight), rule.meaning});
    }
    std::sort(rules.begin(), rules.end(), [](const Rule& a, const Rule& b) { return a.id < b.id; });
    return rules;
}

}  // namespace

std::string_view severity_name(Severity severity) {
    switch (severity) {
    case Severity::info: return "info";
    case Severity::warning: return "warning";
    case Severity::error: break;
    }
    return "error";
}

std::span<const Rule> all_rules() {
    static const std::vector<Rule> rules = merged_rules();
    return rules;
}

const Rule& rule_of(std::string_view id) {
    const auto rules = all_rules();
    const auto found = std::lower_bound(rules.begin(), rules.end(), id,
                                        [](const Rule& rule, std::string_view wanted) { return rule.id < wanted; });
    if (found == rules.end() || found->id != id)
        throw Error(ErrorKind::internal, "no rule is named " + std::string(id));
    return *found;
}

}  // namespace gbuild::check
