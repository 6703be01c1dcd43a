#include "triggers.h"

#include <fmt/format.h>

namespace gbuild::plan {

namespace {

constexpr size_t max_triggers = 100'000;  // of all stages; as instructions of a Dockerfile

std::vector<std::string> onbuild_of(const dockerfile::Dockerfile& file, const SourceStage& stage) {
    std::vector<std::string> triggers;
    for (size_t i = stage.from + 1; i < stage.end; i++) {
        if (file.instructions[i].name == "ONBUILD") triggers.push_back(file.instructions[i].args[0]);
    }
    return triggers;
}

std::vector<std::string> triggers_for(const dockerfile::Dockerfile& file, const StageGraph& graph,
                                      const SourceStage& stage, const BaseConfig& base_config) {
    if (stage.replaced || std::holds_alternative<ScratchBase>(stage.base)) return {};
    const auto* below = std::get_if<StageBase>(&stage.base);
    if (!below) return config_of(file, stage, base_config).config.on_build;
    const SourceStage& parent = graph.stage(below->stage);
    return parent.replaced ? config_of(file, parent, base_config).config.on_build : onbuild_of(file, parent);
}

}  // namespace

bool has_triggers(const dockerfile::Dockerfile& file, const SourceStage& stage) {
    return stage.from + 1 < stage.end && file.instructions[stage.from + 1].is_trigger;
}

oci::ImageConfig config_of(const dockerfile::Dockerfile& file, const SourceStage& stage,
                           const BaseConfig& base_config) {
    try {
        return base_config(stage.base);
    } catch (Error& error) {
        const auto& from = file.instructions[stage.from];
        if (!error.span()) error.at(file.span_of(from, from.args[0]));
        throw;
    }
}

bool add_triggers(dockerfile::Dockerfile& file, const PlanRequest& request, const BaseConfig& base_config) {
    const StageGraph graph(file, request);
    std::map<size_t, std::vector<dockerfile::Instruction>> added;  // by the FROM they follow
    size_t count = 0;
    for (int index : graph.needed()) {
        const SourceStage& stage = graph.stage(index);
        if (has_triggers(file, stage)) continue;
        const auto& from = file.instructions[stage.from];
        const SourceSpan place = file.span_of(from, from.args[0]);
        for (const std::string& text : triggers_for(file, graph, stage, base_config)) {
            if (++count > max_triggers) {
                throw Error(ErrorKind::limit, fmt::format("the bases have more than {} triggers", max_triggers))
                    .at(place);
            }
            added[stage.from].push_back(dockerfile::parse_trigger(text, place));
        }
    }
    if (added.empty()) return false;
    std::vector<dockerfile::Instruction> all;
    all.reserve(file.instructions.size() + count);
    for (size_t i = 0; i < file.instructions.size(); i++) {
        all.push_back(std::move(file.instructions[i]));
        auto triggers = added.find(i);
        if (triggers == added.end()) continue;
        for (dockerfile::Instruction& trigger : triggers->second) all.push_back(std::move(trigger));
    }
    file.instructions = std::move(all);
    return true;
}

}  // namespace gbuild::plan
