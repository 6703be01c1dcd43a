// What cannot be executed is refused before anything is fetched.
#include "gbuild/plan/plan.h"
#include "sizes.h"
#include "stage_graph.h"
#include "triggers.h"
#include "variables.h"

namespace gbuild::plan {

namespace {

// Follows ARG and ENV as far as they are known without the base image, to see how large they get.
class StageCheck {
  public:
    StageCheck(const dockerfile::Dockerfile& file, const StageGraph& graph, const PlanRequest& request) :
        file_(file), scope_(graph.globals(), request) {}

    void look_at(const dockerfile::Instruction& instruction) {
        try {
            follow(instruction);
        } catch (const Error&) {
            // An expansion that fails here may work when the base's environment is known; planning will tell.
        }
        if (instruction.name == "ENV") check_size(config_, instruction.span);
    }

  private:
    void follow(const dockerfile::Instruction& instruction) {
        Expansion expansion(file_, instruction, [this](std::string_view name) { return scope_.get(name, config_); });
        const auto& args = instruction.args;
        if (instruction.name == "ARG") {
            for (const std::string& arg : args) scope_.declare(arg, expansion);
        }
        if (instruction.name == "ENV") {
            std::vector<std::string> words;
            words.reserve(args.size());
            for (const std::string& arg : args) words.push_back(expansion.word(arg));
            for (size_t i = 0; i + 1 < words.size(); i += 2) config_.set_env(words[i], words[i + 1]);
        }
    }

    const dockerfile::Dockerfile& file_;
    StageScope scope_;
    oci::ContainerConfig config_;
};

}  // namespace

void require_executable(const dockerfile::Dockerfile& file, const PlanRequest& request) {
    StageGraph graph(file, request);
    for (int index : graph.needed()) {
        const SourceStage& stage = graph.stage(index);
        StageCheck check(file, graph, request);
        for (size_t i = stage.from + 1; i < stage.end; i++) {
            naming_trigger(file.instructions[i], [&] { check.look_at(file.instructions[i]); });
        }
    }
}

bool runs_commands(const dockerfile::Dockerfile& file, const PlanRequest& request) {
    StageGraph graph(file, request);
    for (int index : graph.needed()) {
        const SourceStage& stage = graph.stage(index);
        for (size_t i = stage.from + 1; i < stage.end; i++) {
            if (file.instructions[i].name == "RUN") return true;
        }
    }
    return false;
}

}  // namespace gbuild::plan
