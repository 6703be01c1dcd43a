// The stages of a Dockerfile, what each starts from and copies from, and which of them a target needs.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "gbuild/plan/plan.h"
#include "variables.h"

namespace gbuild::plan {

// A name that no stage has, taken for an image's, and the stage that was meant in all likelihood.
struct MisspeltStage {
    std::string name;
    SourceSpan span;
    std::string hint;  // "did you mean build?"
};

// What a RUN --mount=from=… names.
struct MountOrigin {
    size_t instruction = 0;
    size_t flag = 0;  // of the instruction
    CopySource source;
    SourceSpan span;
};

// A stage as written. Stage numbers are the Dockerfile's here.
struct SourceStage {
    int index = 0;
    std::string name;  // lower case; may be empty
    size_t from = 0;   // its FROM, in Dockerfile::instructions
    size_t end = 0;    // one past its last instruction
    Base base;
    oci::Platform platform;
    bool replaced = false;                 // by the named context `base`, with all that its lines would have made
    std::vector<std::string> unset;        // names that FROM uses and that are not set
    std::map<size_t, CopySource> sources;  // by instruction: what its --from names
    std::vector<MountOrigin> mounts;
    std::vector<MisspeltStage> misspelt;
    std::set<int> needs;  // stages, all with lower numbers
};

class StageGraph {
  public:
    // Throws dockerfile for what cannot be resolved and not_found for a target that is not there.
    StageGraph(const dockerfile::Dockerfile& file, const PlanRequest& request);

    const GlobalScope& globals() const { return globals_; }
    const SourceStage& stage(int index) const { return stages_[static_cast<size_t>(index)]; }
    int size() const { return static_cast<int>(stages_.size()); }
    // In Dockerfile order; the last one is the target.
    const std::vector<int>& needed() const { return needed_; }

  private:
    void add_stage(size_t from);
    Base base_of_context(const std::string& name, const oci::Platform& platform) const;
    Base resolve_base(const dockerfile::Instruction& from, SourceStage& stage);
    void resolve_platform(const dockerfile::Instruction& from, SourceStage& stage);
    void resolve_sources(size_t instruction, SourceStage& stage);
    CopySource resolve_source(const dockerfile::Instruction& instruction, const std::string& name,
                              const SourceSpan& span, SourceStage& stage);
    void note_misspelt(const std::string& name, const SourceSpan& span, SourceStage& stage) const;
    std::string unset_hint(const std::string& name) const;
    CopySource resolve_index(uint64_t index, const SourceSpan& span, SourceStage& stage) const;
    std::optional<std::string> named_context(const std::string& name) const;
    const SourceStage* find_stage(const std::string& name, int before) const;
    int find_target() const;
    void collect_needed();

    const dockerfile::Dockerfile& file_;
    const PlanRequest& request_;
    GlobalScope globals_;
    std::vector<size_t> froms_;  // instructions that begin a stage
    std::vector<SourceStage> stages_;
    std::vector<int> needed_;
};

}  // namespace gbuild::plan
