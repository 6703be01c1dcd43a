#include "outline.h"

#include <algorithm>

#include "gbuild/base/text.h"
#include "gbuild/dockerfile/expand.h"
#include "gbuild/oci/platform.h"

namespace gbuild::check {

GlobalArgs::GlobalArgs(const Dockerfile& file, const std::map<std::string, std::string>& build_args) :
    escape_(file.escape) {
    values_ = {{"TARGETPLATFORM", "linux/amd64"},
               {"TARGETOS", "linux"},
               {"TARGETARCH", "amd64"},
               {"TARGETVARIANT", ""},
               {"TARGETSTAGE", "default"},
               {"BUILDOS", "linux"},
               {"BUILDPLATFORM", "linux/amd64"},
               {"BUILDARCH", "amd64"},
               {"BUILDVARIANT", ""}};
    for (const Instruction& instruction : file.instructions) {
        if (instruction.name != "ARG") break;
        for (const std::string& arg : instruction.args) {
            const size_t equals = arg.find('=');
            const std::string name = arg.substr(0, equals);
            if (auto given = build_args.find(name); given != build_args.end())
                values_[name] = given->second;
            else if (equals != std::string::npos)
                values_[name] = expand(arg.substr(equals + 1)).text;
            else
                values_.try_emplace(name);
        }
    }
}

std::vector<std::string> GlobalArgs::names() const {
    constexpr size_t most = 500;
    std::vector<std::string> names;
    if (values_.size() > most) return names;
    for (const auto& [name, value] : values_) names.push_back(name);
    return names;
}

ExpandedText GlobalArgs::expand(const std::string& text) const {
    ExpandedText result;
    std::vector<std::string> unset;
    dockerfile::Expander expander;
    expander.escape = escape_;
    expander.unset = &unset;
    expander.lookup = [&](std::string_view name) -> std::optional<std::string> {
        result.used.emplace(name);
        const auto found = values_.find(std::string(name));
        return found == values_.end() ? std::nullopt : found->second;
    };
    try {
        result.text = expander.word(text);
    } catch (const Error&) {
        unset.insert(unset.end(), result.used.begin(), result.used.end());
    }
    result.unset.insert(unset.begin(), unset.end());
    return result;
}

namespace {

int find_named(const std::vector<StageOutline>& stages, const std::string& name) {
    for (size_t i = stages.size(); i-- > 0;) {
        if (!stages[i].name.empty() && equal_ignoring_case(stages[i].name, name)) return static_cast<int>(i);
    }
    return -1;
}

oci::Platform platform_of(const Instruction& from, const GlobalArgs& globals) {
    oci::Platform usual{"linux", "amd64", ""};
    const dockerfile::Flag* flag = from.flag("platform");
    if (!flag) return usual;
    try {
        return oci::Platform::parse(globals.expand(flag->value).text);
    } catch (const Error&) {
        return usual;  // planning tells
    }
}

}  // namespace

Outline::Outline(const Dockerfile& dockerfile, const CheckRequest& wanted) :
    file(dockerfile), request(wanted), globals(dockerfile, wanted.build_args), defaults(dockerfile, {}) {
    for (const Instruction& instruction : file.instructions) {
        if (instruction.name != "FROM") {
            if (!stages.empty()) stages.back().steps.push_back(&instruction);
            continue;
        }
        StageOutline stage;
        stage.from = &instruction;
        stage.base = globals.expand(instruction.args[0]).text;
        stage.parent = find_named(stages, stage.base);
        if (instruction.args.size() == 3) stage.name = to_lower(instruction.args[2]);
        if (stage.parent < 0 && stage.base != "scratch" && request.known_base) {
            const auto known = request.known_base(stage.base, platform_of(instruction, globals));
            if (known) stage.base_config = known->config;
        }
        stages.push_back(std::move(stage));
    }
    target = static_cast<int>(stages.size()) - 1;
    if (request.target.empty()) return;
    const int named = find_named(stages, request.target);
    const auto number = parse_decimal(request.target);
    if (named >= 0)
        target = named;
    else if (number && *number < stages.size())
        target = static_cast<int>(*number);
}

std::vector<const StageOutline*> Outline::chain(int stage) const {
    std::vector<const StageOutline*> result;
    for (int at = stage; at >= 0; at = stages[static_cast<size_t>(at)].parent)
        result.push_back(&stages[static_cast<size_t>(at)]);
    std::reverse(result.begin(), result.end());
    return result;
}

std::vector<const Instruction*> Outline::steps_of_chain(int stage) const {
    std::vector<const Instruction*> steps;
    for (const StageOutline* part : chain(stage)) steps.insert(steps.end(), part->steps.begin(), part->steps.end());
    return steps;
}

bool Outline::is_stage_name(const std::string& name) const { return find_named(stages, name) >= 0; }

int Outline::stage_of_line(int line) const {
    const auto after = std::upper_bound(stages.begin(), stages.end(), line, [](int wanted, const StageOutline& stage) {
        return wanted < stage.from->first_line;
    });
    return static_cast<int>(after - stages.begin()) - 1;
}

}  // namespace gbuild::check
