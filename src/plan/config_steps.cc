// The instructions that change nothing but the configuration.
#include <algorithm>

#include <fmt/format.h>

#include "describe.h"
#include "gbuild/base/text.h"
#include "gbuild/dockerfile/duration.h"
#include "gbuild/plan/proxies.h"
#include "paths.h"
#include "ports.h"
#include "stage_planner.h"
#include "stop_signal.h"

namespace gbuild::plan {

namespace {

constexpr size_t max_environment = 10'000;

}  // namespace

void StagePlanner::arg(Step& step) {
    std::vector<std::string> shown;
    for (const std::string& argument : instruction_->args) {
        scope_.declare(argument, *expansion_);
        std::string name = argument.substr(0, argument.find('='));
        auto value = scope_.get(name, config_);
        shown.push_back(value && !is_proxy_name(name) ? name + "=" + describe_value(*value) : name);
    }
    show(step, shown);
}

std::vector<std::pair<std::string, std::string>> StagePlanner::expand_pairs(Step& step) {
    std::vector<std::pair<std::string, std::string>> pairs;
    std::vector<std::string> shown;
    const auto& args = instruction_->args;
    for (size_t i = 0; i + 1 < args.size(); i += 2) {
        std::string name = word(args[i]);
        if (name.empty()) {
            fail(args[i], fmt::format("a name in {} is empty after expansion", instruction_->name),
                 "check the variables in it");
        }
        std::string value = word(args[i + 1]);
        shown.push_back(name);
        shown.push_back(describe_value(value));
        pairs.emplace_back(std::move(name), std::move(value));
    }
    show(step, shown);
    return pairs;
}

// All values are expanded before the first is set: one instruction sees the values from before it.
void StagePlanner::env(Step& step) {
    for (const auto& [name, value] : expand_pairs(step)) {
        if (name.find('=') != std::string::npos) {
            fail(name, fmt::format("{} cannot be a variable's name", quoted(name)), "a name holds no \"=\"");
        }
        config_.set_env(name, value);
        scope_.cover(name);
        if (config_.env.size() > max_environment) {
            throw Error(ErrorKind::limit, fmt::format("more than {} environment variables", max_environment))
                .at(step.span);
        }
    }
}

void StagePlanner::label(Step& step) {
    for (auto& [name, value] : expand_pairs(step)) config_.labels[name] = std::move(value);
}

void StagePlanner::cmd(Step&) {
    config_.cmd = with_shell(instruction_->args);
    cmd_given_ = true;
}

// A CMD that came with the base was meant for the base's entry point.
void StagePlanner::entrypoint(Step&) {
    config_.entrypoint = with_shell(instruction_->args);
    if (!cmd_given_) config_.cmd.reset();
}

void StagePlanner::shell(Step&) { config_.shell = instruction_->args; }

void StagePlanner::expose(Step& step) {
    std::vector<std::string> shown;
    std::vector<PortRange> ranges;
    for (const std::string& argument : instruction_->args) {
        for (const std::string& text : expansion_->words(argument)) {
            try {
                ranges.push_back(parse_ports(text));
            } catch (const Error& error) {
                fail(argument, error.message(), error.hint());
            }
            if (ranges.back().names_host) {
                warn("expose-host-port", "EXPOSE takes no address and no host port; they have no effect", argument,
                     fmt::format("write EXPOSE {}", text.substr(text.rfind(':') + 1)));
            }
            shown.push_back(text);
        }
    }
    config_.exposed_ports.merge(port_names(std::move(ranges)));
    show(step, shown);
}

void StagePlanner::healthcheck(Step&) {
    const auto& args = instruction_->args;
    oci::Healthcheck check;
    if (args[0] == "NONE") {
        check.test = {"NONE"};
        config_.healthcheck = check;
        return;
    }
    check.test = args;
    if (instruction_->form == dockerfile::Form::shell) check.test[0] = "CMD-SHELL";
    auto duration = [&](const char* name) {
        const dockerfile::Flag* flag = instruction_->flag(name);
        return flag ? dockerfile::parse_duration(flag->value).value_or(0) : 0;
    };
    check.interval = duration("interval");
    check.timeout = duration("timeout");
    check.start_period = duration("start-period");
    check.start_interval = duration("start-interval");
    if (const dockerfile::Flag* retries = instruction_->flag("retries")) {
        check.retries = static_cast<int64_t>(parse_decimal(retries->value).value_or(0));
    }
    config_.healthcheck = check;
}

void StagePlanner::maintainer(Step&) { stage_.author = instruction_->args[0]; }

void StagePlanner::onbuild(Step&) { config_.on_build.push_back(instruction_->args[0]); }

void StagePlanner::stop_signal(Step& step) {
    std::string signal = single(step);
    if (!is_stop_signal(signal)) {
        fail(instruction_->args[0], fmt::format("{} is no signal", quoted(signal)),
             "give a name such as SIGTERM, or a number from 1 to 64");
    }
    config_.stop_signal = signal;
}

void StagePlanner::user(Step& step) {
    std::string user = single(step);
    if (std::count(user.begin(), user.end(), ':') > 1) {
        fail(instruction_->args[0], fmt::format("{} is no user", quoted(user)), "give USER or USER:GROUP");
    }
    config_.user = user;
}

void StagePlanner::volume(Step& step) {
    std::vector<std::string> volumes;
    for (const std::string& argument : instruction_->args) {
        volumes.push_back(word(argument));
        if (volumes.back().empty()) {
            fail(argument, "a path of VOLUME is empty after expansion", "check the variables in it");
        }
        check_length(argument, volumes.back());
        if (resolve_path("/", volumes.back()) == "/") {
            fail(argument, "the root of the image cannot be a volume",
                 "name a directory below it, for example VOLUME /golem/work");
        }
        if (volumes.back()[0] != '/') {
            fail(argument, fmt::format("the volume {} is not an absolute path", quoted(volumes.back())),
                 fmt::format("write VOLUME {}", resolve_path(working_directory(), volumes.back())));
        }
    }
    config_.volumes.insert(volumes.begin(), volumes.end());
    show(step, volumes);
}

void StagePlanner::workdir(Step& step) {
    // An empty one is where the image is already.
    std::string path = word(instruction_->args[0]);
    if (path.empty()) path = working_directory();
    check_length(instruction_->args[0], path);
    if (path[0] != '/' && !workdir_given_ && !std::holds_alternative<StageBase>(stage_.base)) {
        warn("workdir-relative", "WORKDIR is relative to a directory that the base image chooses",
             instruction_->args[0], fmt::format("write WORKDIR {}", resolve_path(working_directory(), path)));
    }
    workdir_given_ = true;
    config_.working_dir = resolve_path(working_directory(), path);
    check_length(instruction_->args[0], config_.working_dir);
    step.action = WorkdirStep{config_.working_dir};
    show(step, {config_.working_dir});
}

}  // namespace gbuild::plan
