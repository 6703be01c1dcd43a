#include "describe.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "gbuild/base/text.h"

namespace gbuild::plan {

namespace {

// Continuation lines leave runs of blanks behind.
std::string on_one_line(const std::string& text) {
    std::string result;
    for (char c : text) {
        bool blank = c == ' ' || (c >= '\t' && c <= '\r');
        if (blank && !result.empty() && result.back() == ' ') continue;
        result += blank ? ' ' : c;
    }
    return result;
}

std::string json_array(const std::vector<std::string>& args) {
    std::vector<std::string> shown;
    shown.reserve(args.size());
    for (const std::string& arg : args) {
        shown.push_back(nlohmann::json(arg).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    }
    return "[" + join(shown, ", ") + "]";
}

void add_pairs(std::vector<std::string>& words, const std::vector<std::string>& args) {
    for (size_t i = 0; i + 1 < args.size(); i += 2) words.push_back(args[i] + "=" + args[i + 1]);
}

}  // namespace

std::string describe(const dockerfile::Instruction& instruction, const std::vector<dockerfile::Flag>& flags,
                     const std::vector<std::string>& args) {
    std::vector<std::string> words;
    if (instruction.is_trigger) words.emplace_back("ONBUILD");
    words.push_back(instruction.name);
    for (const auto& flag : flags) words.push_back("--" + flag.name + (flag.has_value ? "=" + flag.value : ""));
    if (instruction.name == "ENV" || instruction.name == "LABEL") {
        add_pairs(words, args);
    } else if (instruction.name == "HEALTHCHECK" && instruction.form == dockerfile::Form::exec) {
        words.push_back(args[0]);
        words.push_back(json_array({args.begin() + 1, args.end()}));
    } else if (instruction.form == dockerfile::Form::exec) {
        words.push_back(json_array(args));
    } else if (instruction.name == "ONBUILD") {
        words.push_back(args[0].substr(0, args[0].find('\n')));
    } else {
        words.insert(words.end(), args.begin(), args.end());
    }
    if (instruction.name == "COPY" || instruction.name == "ADD") {
        for (const auto& heredoc : instruction.heredocs) words.insert(words.end() - 1, "<<" + heredoc.name);
    }
    return on_one_line(join(words, " "));
}

std::string describe(const dockerfile::Instruction& instruction) {
    return describe(instruction, instruction.flags, instruction.args);
}

std::string describe_value(const std::string& value) {
    bool plain = !value.empty() && value.find_first_of(" \t\r\n\"'\\$") == std::string::npos;
    return plain ? value : quoted(value);
}

}  // namespace gbuild::plan
