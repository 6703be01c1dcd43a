#include "gbuild/steps/build_trace.h"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "gbuild/base/binary.h"
#include "gbuild/base/error.h"
#include "gbuild/base/fd.h"
#include "gbuild/base/text.h"

namespace gbuild::build {

namespace {

constexpr std::string_view trace_format = "gbuild trace 1";
// A step with more parts copies that many files; who changed them knows.
constexpr size_t most_parts = 20'000;

std::string stage_name(const plan::Stage& stage) {
    return stage.name.empty() ? std::to_string(stage.index) : stage.name;
}

uint64_t start_of_sum(const Sha256Sum& sum) {
    uint64_t start;
    std::memcpy(&start, sum.data(), sizeof start);
    return start;
}

// "file src/a.c" → "src/a.c".
std::string part_text(const std::string& name) {
    constexpr std::string_view file = "file ";
    return printable(name.starts_with(file) ? name.substr(file.size()) : name);
}

// What somebody who changed something thinks of first.
int rank(const std::string& name) {
    if (name.starts_with("file ") || name.starts_with("heredoc ")) return 0;
    if (name.starts_with("ENV ") || name.starts_with("ARG ")) return 1;
    return name == "the steps before" ? 3 : 2;
}

struct Difference {
    std::string name;
    const char* what;
};

std::string in_words(std::vector<Difference> differences) {
    std::stable_sort(differences.begin(), differences.end(),
                     [](const Difference& a, const Difference& b) { return rank(a.name) < rank(b.name); });
    const Difference& first = differences.front();
    if (first.name == "the steps before") return "a step before it has another result";
    const auto of_its_kind = std::count_if(differences.begin(), differences.end(), [&](const Difference& other) {
        return rank(other.name) == rank(first.name);
    });
    std::string text = fmt::format("{} {}", part_text(first.name), first.what);
    if (of_its_kind > 1) text += fmt::format(", and {} more", of_its_kind - 1);
    return text;
}

BuildTrace::Step read_step(BinaryReader& in) {
    BuildTrace::Step step;
    step.stage = in.text();
    step.text = in.text();
    for (uint64_t left = in.varint(in.left()); left > 0; left--) {
        std::string name(in.text());
        step.parts.emplace(std::move(name), in.number<uint64_t>());
    }
    return step;
}

}  // namespace

void BuildTrace::add(const plan::Stage& stage, const plan::Step& step, const StepKey& key) {
    Step added{stage_name(stage), step.text, {}};
    if (key.parts().size() <= most_parts) {
        for (const auto& [name, sum] : key.parts()) added.parts.emplace(name, start_of_sum(sum));
    }
    steps_.push_back(std::move(added));
}

void BuildTrace::complete_from(const BuildTrace& older, const plan::Plan& plan) {
    for (const plan::Stage& stage : plan.stages) {
        for (const plan::Step& step : stage.steps) {
            const Step* known = find(stage, step) ? nullptr : older.find(stage, step);
            if (known) steps_.push_back(*known);
        }
    }
}

const BuildTrace::Step* BuildTrace::find(const plan::Stage& stage, const plan::Step& step) const {
    const std::string name = stage_name(stage);
    auto found = std::find_if(steps_.begin(), steps_.end(),
                              [&](const Step& known) { return known.stage == name && known.text == step.text; });
    return found == steps_.end() ? nullptr : &*found;
}

std::string BuildTrace::reason(const plan::Stage& stage, const plan::Step& step, const StepKey& key) const {
    if (empty()) return "nothing was built from this Dockerfile and context yet";
    const Step* known = find(stage, step);
    if (!known) return "the step is new";
    if (known->parts.empty() || key.parts().size() > most_parts) return "something that it reads changed";
    std::vector<Difference> differences;
    for (const auto& [name, sum] : key.parts()) {
        auto before = known->parts.find(name);
        if (before == known->parts.end())
            differences.push_back({name, "is new"});
        else if (before->second != start_of_sum(sum))
            differences.push_back({name, "changed"});
    }
    for (const auto& [name, sum] : known->parts) {
        if (!key.parts().contains(name)) differences.push_back({name, "is gone"});
    }
    return differences.empty() ? "its result is not in the store" : in_words(std::move(differences));
}

std::string BuildTrace::encode() const {
    BinaryWriter out;
    out.text(trace_format);
    out.varint(steps_.size());
    for (const Step& step : steps_) {
        out.text(step.stage);
        out.text(step.text);
        out.varint(step.parts.size());
        for (const auto& [name, start] : step.parts) {
            out.text(name);
            out.number(start);
        }
    }
    return std::string(as_text(out.bytes()));
}

BuildTrace BuildTrace::decode(std::string_view bytes) {
    BuildTrace trace;
    try {
        BinaryReader in(as_bytes(bytes), "a build's trace");
        if (in.text() != trace_format) return {};
        for (uint64_t left = in.varint(in.left()); left > 0; left--) trace.steps_.push_back(read_step(in));
    } catch (const Error&) {
        return {};
    }
    return trace;
}

}  // namespace gbuild::build
