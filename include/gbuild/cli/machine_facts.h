// What gbuild doctor tells of the machine, beside how RUN can be executed on it.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "gbuild/cli/json_text.h"

namespace gbuild::cli {

enum class FactState {
    fine,     // or of no consequence
    missing,  // something cannot be done
};

struct MachineFact {
    std::string name;   // "container", "kvm": stays
    std::string value;  // a phrase
    FactState state = FactState::fine;
    std::string matter;  // of what is missing: what cannot be done
    std::string remedy;  // and what to type
};

using EnvironmentLookup = std::function<std::optional<std::string>(const std::string&)>;

// Container, CI system, AppArmor, control groups, KVM, QEMU, /dev/fuse, disk and memory. `store` is the store's
// directory. Throws nothing: what cannot be found out is told as such.
std::vector<MachineFact> machine_facts(const std::filesystem::path& store, const EnvironmentLookup& environment);

// The CI system whose variables these are: "GitHub Actions"; "" for none.
std::string ci_system(const EnvironmentLookup& environment);

std::string machine_facts_text(const std::vector<MachineFact>& facts);
Json machine_facts_json(const std::vector<MachineFact>& facts);

}  // namespace gbuild::cli
