// The names of all checks, whichever part makes them: what "# check=skip=…" may say.
#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace gbuild::dockerfile {

struct RuleName {
    std::string_view id;        // ours; "" where gbuild has nothing to warn of
    std::string_view docker;    // BuildKit's; "" where it has no such check
    std::string_view hadolint;  // codes, separated by blanks
};

std::span<const RuleName> rule_names();

// The id for any of a rule's names, in any case; nullopt for an unknown one.
std::optional<std::string_view> find_rule_id(std::string_view name);

// Whether an unknown name looks like another program's code rather than a misspelt rule: DL3059, SC2086, CKV_DOCKER_2.
bool is_foreign_code(std::string_view name);

}  // namespace gbuild::dockerfile
