#include "gbuild/dockerfile/rule_names.h"

#include <algorithm>
#include <array>

#include "gbuild/base/text.h"

namespace gbuild::dockerfile {

namespace {

constexpr auto names = std::to_array<RuleName>({
    {"add-instead-of-copy", "", "DL3020"},
    {"apk-cache-kept", "", "DL3019"},
    {"apk-unpinned", "", "DL3018"},
    {"apt-instead-of-apt-get", "", "DL3027"},
    {"apt-lists-kept", "", "DL3009"},
    {"apt-no-yes", "", "DL3014"},
    {"apt-recommends", "", "DL3015"},
    {"apt-unpinned", "", "DL3008"},
    {"apt-update-alone", "", ""},
    {"apt-upgrade", "", "DL3005"},
    {"broken-stage", "", ""},
    {"cd-instead-of-workdir", "", "DL3003"},
    {"command-without-use", "", "DL3001"},
    {"content-masked", "", ""},
    {"copy-ignored-file", "CopyIgnoredFile", ""},
    {"copy-relative-destination", "", "DL3045"},
    {"curl-and-wget", "", "DL4001"},
    {"dnf-cache-kept", "", "DL3032 DL3040"},
    {"dnf-no-yes", "", "DL3030 DL3038"},
    {"duplicate-stage-name", "DuplicateStageName", "DL3024"},
    {"empty-continuation-line", "NoEmptyContinuation", ""},
    {"entrypoint-no-slash", "", ""},
    {"entrypoint-not-run", "", ""},
    {"env-not-passed", "", ""},
    {"env-self-reference", "", "DL3044"},
    {"exec-form-invalid", "", ""},
    {"expose-host-port", "ExposeInvalidFormat", ""},
    {"expose-no-effect", "", ""},
    {"expose-proto-casing", "ExposeProtoCasing", ""},
    {"foreign-check", "", ""},
    {"from-as-casing", "FromAsCasing", ""},
    {"from-platform-constant", "FromPlatformFlagConstDisallowed", "DL3029"},
    {"gem-unpinned", "", "DL3028"},
    {"healthcheck-no-effect", "", ""},
    {"heredoc-crlf", "", ""},
    {"ignored-build-arg", "", ""},
    {"image-in-image", "", ""},
    {"image-large", "", ""},
    {"image-latest", "", "DL3007"},
    {"image-size", "", ""},
    {"image-untagged", "", "DL3006"},
    {"instruction-casing", "ConsistentInstructionCasing", ""},
    {"invalid-default-arg-in-from", "InvalidDefaultArgInFrom", ""},
    {"invalid-description", "InvalidDefinitionDescription", ""},
    {"json-args-recommended", "JSONArgsRecommended", "DL3025"},
    {"last-user-root", "", "DL3002"},
    {"legacy-key-value", "LegacyKeyValueFormat", ""},
    {"maintainer-deprecated", "MaintainerDeprecated", "DL4000"},
    {"misspelt-stage", "", ""},
    {"multiple-instructions", "MultipleInstructionsDisallowed", "DL3012 DL4003 DL4004"},
    {"no-volume", "", ""},
    {"npm-unpinned", "", "DL3016"},
    {"onbuild-no-effect", "", ""},
    {"pip-cache-kept", "", "DL3042"},
    {"pip-unpinned", "", "DL3013"},
    {"pipefail-missing", "", "DL4006"},
    {"platform-not-amd64", "", ""},
    {"redundant-target-platform", "RedundantTargetPlatform", ""},
    {"reserved-stage-name", "ReservedStageName", ""},
    {"secret-in-arg-or-env", "SecretsUsedInArgOrEnv", ""},
    {"secret-in-image", "", ""},
    {"shell-by-link", "", "DL4005"},
    {"stage-name-casing", "StageNameCasing", ""},
    {"stop-signal-no-effect", "", ""},
    {"sudo", "", "DL3004"},
    {"undefined-arg-in-from", "UndefinedArgInFrom", ""},
    {"undefined-var", "UndefinedVar", ""},
    {"unknown-check", "", ""},
    {"unused-build-arg", "", ""},
    {"user-named", "", ""},
    {"user-not-root", "", ""},
    {"volume-content", "", ""},
    {"volume-masked", "", ""},
    {"volume-nested", "", ""},
    {"volume-system-directory", "", ""},
    {"volumes-too-many", "", ""},
    {"workdir-masked", "", ""},
    {"workdir-relative", "WorkdirRelativePath", "DL3000"},
    {"xattr-dropped", "", ""},
    {"zypper-cache-kept", "", "DL3036"},
    {"zypper-no-yes", "", "DL3034"},
    {"", "InvalidBaseImagePlatform", ""},
});

bool has_code(std::string_view codes, std::string_view name) {
    if (name.empty()) return false;
    const auto all = split(codes, ' ');
    return std::any_of(all.begin(), all.end(), [&](const auto& code) { return equal_ignoring_case(code, name); });
}

}  // namespace

std::span<const RuleName> rule_names() { return names; }

std::optional<std::string_view> find_rule_id(std::string_view name) {
    for (const RuleName& rule : names) {
        const bool same = (!rule.id.empty() && equal_ignoring_case(name, rule.id)) ||
                          (!rule.docker.empty() && equal_ignoring_case(name, rule.docker)) ||
                          has_code(rule.hadolint, name);
        if (same) return rule.id;
    }
    return std::nullopt;
}

bool is_foreign_code(std::string_view name) {
    const size_t digits = name.size() - (name.find_last_not_of("0123456789") + 1);
    const std::string_view letters = name.substr(0, name.size() - digits);
    if (digits == 0 || letters.size() < 2) return false;
    if (equal_ignoring_case(letters, "DL") || equal_ignoring_case(letters, "SC")) return digits == 4;
    return letters.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ_-") == std::string_view::npos;
}

}  // namespace gbuild::dockerfile
