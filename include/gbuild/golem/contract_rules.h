// The rules of a provider's VM as data: what gbuild check, a build, gbuild inspect and docs/golem.md say of each.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "gbuild/base/events.h"

namespace gbuild::golem {

enum class Weight {
    note,     // nothing is wrong: said by whoever is asked, not by a build
    warning,  // it may surprise
    error,    // it cannot work
};

struct ContractRule {
    std::string_view id;  // as warnings have it
    Weight weight;
    bool in_dockerfile;         // whether a Dockerfile alone can show it
    std::string_view meaning;   // what is found, for lists
    std::string_view vm;        // what the VM or the provider does: goes on after "found something:"
    std::string_view runtimes;  // versions of ya-runtime-vm
    std::string_view remedy;    // what to do about it
};

// Sorted by id.
std::span<const ContractRule> contract_rules();
// Throws internal for an unknown id.
const ContractRule& contract_rule(std::string_view id);

// "FOUND: what the VM does", with the rule's remedy unless another is given.
Warning contract_warning(std::string_view id, const std::string& found, std::string remedy = {});

}  // namespace gbuild::golem
