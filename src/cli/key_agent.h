// An ssh agent of our own, for the keys that --ssh ID=FILE names.
#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include "gbuild/base/atomic_file.h"
#include "gbuild/base/child.h"
#include "gbuild/base/fd.h"

namespace gbuild::cli {

// The user's ssh-agent program, which lives as long as this, or as our process where that dies: keys stay in its
// memory, its socket is where only the user gets.
class KeyAgent {
  public:
    // Loads the keys. Throws not_found for a missing program, unsupported for what ssh-add does not take without asking
    // for a passphrase, io.
    explicit KeyAgent(const std::vector<std::filesystem::path>& keys);
    ~KeyAgent();
    KeyAgent(const KeyAgent&) = delete;
    KeyAgent& operator=(const KeyAgent&) = delete;

    std::filesystem::path socket() const { return place_.path() / "agent"; }

  private:
    void add(const std::filesystem::path& key) const;

    TempDir place_;
    UniqueFd life_;  // the agent ends when this is closed
    std::optional<Child> agent_;
};

}  // namespace gbuild::cli
