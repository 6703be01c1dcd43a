#include "variables.h"

#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include "gbuild/base/text.h"

namespace gbuild::plan {

namespace {

constexpr size_t max_args = 1000;
// A variable's name of a few bytes stands for up to a megabyte. Honest files stay far below.
constexpr size_t max_values = 16u << 20;  // of an instruction, and of all ARGs

void check_held(size_t values) {
    if (values <= max_values) return;
    throw Error(ErrorKind::limit, fmt::format("the ARGs hold more than {}", human_size(max_values)))
        .hint("use shorter values");
}

std::pair<std::string, std::optional<std::string>> split_arg(const std::string& arg) {
    size_t equals = arg.find('=');
    if (equals == std::string::npos) return {arg, std::nullopt};
    return {arg.substr(0, equals), arg.substr(equals + 1)};
}

std::map<std::string, std::string, std::less<>> platform_values(const PlanRequest& request) {
    const oci::Platform& target = request.platform;
    const oci::Platform& build = request.build_platform;
    return {{"TARGETPLATFORM", target.text()}, {"TARGETOS", target.os},         {"TARGETARCH", target.architecture},
            {"TARGETVARIANT", target.variant}, {"BUILDPLATFORM", build.text()}, {"BUILDOS", build.os},
            {"BUILDARCH", build.architecture}, {"BUILDVARIANT", build.variant}};
}

// The target as it was given or, where a number or nothing was, its own name.
std::string target_stage(const dockerfile::Dockerfile& file, const std::string& target) {
    std::vector<std::string> names;
    for (const auto& instruction : file.instructions) {
        if (instruction.name != "FROM") continue;
        names.push_back(instruction.args.size() == 3 ? to_lower(instruction.args[2]) : "");
        if (!target.empty() && names.back() == to_lower(target)) return target;
    }
    const uint64_t index = parse_decimal(target).value_or(names.size() - 1);
    return index < names.size() && !names[index].empty() ? names[index] : "default";
}

}  // namespace

template <class Body>
auto Expansion::placed(std::string_view text, Body&& body) {
    try {
        return body();
    } catch (Error& error) {
        error.at(file_.span_of(instruction_, text));
        throw;
    }
}

std::string Expansion::counted(std::string text) {
    size_ += text.size();
    if (size_ <= max_values) return text;
    throw Error(ErrorKind::limit, fmt::format("the instruction expands to more than {}", human_size(max_values)))
        .hint("use shorter values, or use them less often");
}

std::string Expansion::word(std::string_view text) {
    return placed(text, [&] { return counted(expander_.word(text)); });
}

std::vector<std::string> Expansion::words(std::string_view text) {
    return placed(text, [&] {
        std::vector<std::string> words = expander_.words(text);
        for (std::string& word : words) word = counted(std::move(word));
        return words;
    });
}

std::string Expansion::heredoc(std::string_view text) {
    return placed("<<", [&] { return counted(expander_.heredoc(text)); });
}

std::vector<std::string> Expansion::unset_names() const {
    std::vector<std::string> names = unset_;
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    auto is_parameter = [](const std::string& name) {
        return name.empty() || std::string_view("@*#?-$!0123456789").find(name[0]) != std::string_view::npos;
    };
    names.erase(std::remove_if(names.begin(), names.end(), is_parameter), names.end());
    return names;
}

GlobalScope::GlobalScope(const dockerfile::Dockerfile& file, const PlanRequest& request) :
    values_(platform_values(request)) {
    values_["TARGETSTAGE"] = target_stage(file, request.target);
    for (auto& [name, value] : values_) {
        if (auto given = request.build_args.find(name); given != request.build_args.end()) value = given->second;
    }
    size_t size = 0;
    for (const auto& instruction : file.instructions) {
        if (instruction.name != "ARG") break;
        for (const std::string& arg : instruction.args) {
            auto [name, value] = split_arg(arg);
            if (auto given = request.build_args.find(name); given != request.build_args.end()) {
                values_[name] = given->second;
            } else if (value) {
                Expansion expansion(file, instruction, [this](std::string_view wanted) { return get(wanted); });
                values_[name] = expansion.word(*value);
                size += values_[name].size();
            }
        }
        check_held(size);
    }
}

std::optional<std::string> GlobalScope::get(std::string_view name) const {
    auto found = values_.find(name);
    if (found == values_.end()) return std::nullopt;
    return found->second;
}

std::optional<int64_t> find_epoch(const dockerfile::Dockerfile& file, const PlanRequest& request,
                                  const GlobalScope& globals) {
    const std::string name = "SOURCE_DATE_EPOCH";
    const auto given = request.build_args.find(name);
    const std::string text = given != request.build_args.end() ? given->second : globals.get(name).value_or("");
    if (text.empty()) return std::nullopt;
    const auto seconds = parse_decimal(text);
    if (seconds && *seconds <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
        return static_cast<int64_t>(*seconds);
    }
    const char* hint = "give the seconds since 1970, as date +%s prints them";
    const std::string message = fmt::format("{} is not a number of seconds: {}", name, quoted(text));
    if (given != request.build_args.end()) {
        throw Error(ErrorKind::usage, fmt::format("--build-arg {}", message)).hint(hint);
    }
    for (const auto& instruction : file.instructions) {
        for (const std::string& arg : instruction.args) {
            if (instruction.name != "ARG" || split_arg(arg).first != name) continue;
            throw Error(ErrorKind::dockerfile, message).hint(hint).at(file.span_of(instruction, arg));
        }
    }
    throw Error(ErrorKind::internal, message);
}

void StageScope::declare(const std::string& arg, Expansion& expansion) {
    auto [name, value] = split_arg(arg);
    std::optional<std::string> result;
    if (auto given = request_.build_args.find(name); given != request_.build_args.end())
        result = given->second;
    else if (value)
        result = expansion.word(*value);
    else
        result = globals_.get(name);
    // Declaring again without a value keeps the one it has.
    if (!result && !value && declared(name)) return;
    std::optional<std::string>& value_now = args_[name];
    values_size_ += result ? result->size() : 0;
    values_size_ -= value_now ? value_now->size() : 0;
    value_now = std::move(result);
    check_held(values_size_);
    if (args_.size() > max_args) throw Error(ErrorKind::limit, fmt::format("more than {} ARGs in a stage", max_args));
}

void StageScope::cover(std::string_view name) {
    auto arg = args_.find(name);
    if (arg == args_.end()) return;
    values_size_ -= arg->second ? arg->second->size() : 0;
    arg->second.reset();
}

void StageScope::cover_all(const oci::ContainerConfig& config) {
    for (const std::string& entry : config.env) cover(std::string_view(entry).substr(0, entry.find('=')));
}

std::optional<std::string> StageScope::get(std::string_view name, const oci::ContainerConfig& config) const {
    if (auto arg = args_.find(name); arg != args_.end() && arg->second) return arg->second;
    return config.env_value(name);
}

std::map<std::string, std::string> StageScope::environment() const {
    std::map<std::string, std::string> result;
    for (const auto& [name, value] : args_) {
        if (value) result.emplace(name, *value);
    }
    return result;
}

std::vector<std::string> StageScope::names(const oci::ContainerConfig& config) const {
    constexpr size_t most = 500;  // each is compared with every name that is not set
    std::vector<std::string> result;
    if (args_.size() + config.env.size() > most) return result;
    for (const auto& [name, value] : args_) result.push_back(name);
    for (const std::string& entry : config.env) result.push_back(entry.substr(0, entry.find('=')));
    return result;
}

}  // namespace gbuild::plan
