#include "gbuild/plan/plan.h"
#include "stage_graph.h"

namespace gbuild::plan {

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
