// Which value a variable has, and where.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gbuild/dockerfile/ast.h"
#include "gbuild/dockerfile/expand.h"
#include "gbuild/oci/image_config.h"
#include "gbuild/plan/plan.h"

namespace gbuild::plan {

// Expands text of one instruction: errors get their place, and unset names are collected.
class Expansion {
  public:
    Expansion(const dockerfile::Dockerfile& file, const dockerfile::Instruction& instruction,
              dockerfile::Lookup lookup) :
        file_(file), instruction_(instruction), expander_{std::move(lookup), file.escape, &unset_} {}
    Expansion(const Expansion&) = delete;
    Expansion& operator=(const Expansion&) = delete;

    std::string word(std::string_view text);
    std::vector<std::string> words(std::string_view text);
    std::string heredoc(std::string_view text);
    // Names that were used and not set, each once.
    std::vector<std::string> unset_names() const;

  private:
    template <class Body>
    auto placed(std::string_view text, Body&& body);
    std::string counted(std::string text);

    const dockerfile::Dockerfile& file_;
    const dockerfile::Instruction& instruction_;
    std::vector<std::string> unset_;
    size_t size_ = 0;  // of everything expanded so far
    dockerfile::Expander expander_;
};

// SOURCE_DATE_EPOCH: seconds since 1970. Throws usage, or dockerfile at the ARG, for what is no such number.
std::optional<int64_t> find_epoch(const dockerfile::Dockerfile& file, const PlanRequest& request,
                                  const class GlobalScope& globals);

// What FROM lines see: the platform variables and the ARGs before the first FROM.
class GlobalScope {
  public:
    GlobalScope(const dockerfile::Dockerfile& file, const PlanRequest& request);

    std::optional<std::string> get(std::string_view name) const;
    const std::map<std::string, std::string, std::less<>>& values() const { return values_; }

  private:
    std::map<std::string, std::string, std::less<>> values_;
};

// What the instructions of a stage see: its ARGs so far and the image's environment. Of two of one name the later line
// wins, as BuildKit has it; only ENV is stored.
class StageScope {
  public:
    StageScope(const GlobalScope& globals, const PlanRequest& request) : globals_(globals), request_(request) {}

    // As an ARG instruction does, one "NAME" or "NAME=default" at a time. The default is expanded only when it counts.
    void declare(const std::string& arg, Expansion& expansion);
    // An ENV has set the name: its value counts until the next ARG gives another one.
    void cover(std::string_view name);
    // A stage built on this one begins with the image's environment above all ARGs.
    void cover_all(const oci::ContainerConfig& config);
    std::optional<std::string> get(std::string_view name, const oci::ContainerConfig& config) const;
    bool declared(std::string_view name) const { return args_.find(name) != args_.end(); }
    // Declared ARGs that have a value and that no later ENV covers. They win over an ENV of their name.
    std::map<std::string, std::string> environment() const;
    // Of all values, in bytes.
    size_t size() const { return values_size_; }
    // For suggestions; none when there are too many to look through.
    std::vector<std::string> names(const oci::ContainerConfig& config) const;

  private:
    const GlobalScope& globals_;
    const PlanRequest& request_;
    std::map<std::string, std::optional<std::string>, std::less<>> args_;
    size_t values_size_ = 0;
};

}  // namespace gbuild::plan
