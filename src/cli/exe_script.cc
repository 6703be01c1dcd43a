#include "exe_script.h"

#include <functional>
#include <map>
#include <optional>

#include <fmt/format.h>

#include "gbuild/base/text.h"
#include "gbuild/cli/exit_codes.h"
#include "gbuild/oci/json.h"

namespace gbuild::cli {

namespace {

using oci::JsonValue;

constexpr size_t most_words = 10'000;
constexpr std::string_view in_machine = "container:";

std::string text_of(const JsonValue& object, std::string_view key) { return object.require(key).string(); }

ScriptCommand parse_deploy(const JsonValue& value) {
    if (value.has("net") || value.has("volumes")) {
        value.fail("has networks or volumes of the requestor's own, which gbuild does not make",
                   ErrorKind::unsupported);
    }
    ScriptCommand command;
    const auto hosts = value.get("hosts");
    if (!hosts) return command;
    for (const auto& [name, address] : hosts->string_map()) command.hosts.emplace_back(address, name);
    return command;
}

ScriptCommand parse_run(const JsonValue& value) {
    ScriptCommand command;
    command.kind = ScriptCommand::Kind::run;
    command.words = {text_of(value, "entry_point")};
    if (const auto arguments = value.get("args")) {
        for (std::string& word : arguments->strings(most_words)) command.words.push_back(std::move(word));
    }
    return command;
}

// A file of this machine, as a URL or as it is.
std::string local_file(const JsonValue& value, std::string text) {
    if (text.starts_with("file://")) return text.substr(7);
    if (text.starts_with("file:")) return text.substr(5);
    if (text.find("://") != std::string::npos || text.starts_with("gftp:")) {
        value.fail("transfers over a network: give a file of this machine instead", ErrorKind::unsupported);
    }
    return text;
}

ScriptCommand parse_transfer(const JsonValue& value) {
    const std::string from = text_of(value, "from"), to = text_of(value, "to");
    const bool is_out = from.starts_with(in_machine);
    if (is_out == to.starts_with(in_machine)) value.fail("must have one end in the machine: \"container:/PATH\"");
    ScriptCommand command;
    command.kind = is_out ? ScriptCommand::Kind::transfer_out : ScriptCommand::Kind::transfer_in;
    command.transfer.path = (is_out ? from : to).substr(in_machine.size());
    command.transfer.file = local_file(value, is_out ? to : from);
    return command;
}

ScriptCommand parse_plain(ScriptCommand::Kind kind) {
    ScriptCommand command;
    command.kind = kind;
    return command;
}

ScriptCommand parse_command(const JsonValue& element) {
    const auto members = element.members();
    if (members.size() != 1) element.fail("must have one member, which is what is to be done");
    const auto& [name, value] = members.front();
    if (name == "deploy") return parse_deploy(value);
    if (name == "start") return parse_plain(ScriptCommand::Kind::start);
    if (name == "run") return parse_run(value);
    if (name == "transfer") return parse_transfer(value);
    if (name == "terminate") return parse_plain(ScriptCommand::Kind::terminate);
    element.fail(fmt::format("asks for {}: there are deploy, start, run, transfer and terminate", quoted(name)));
}

class ScriptRun {
  public:
    ScriptRun(MachineRig& rig, bool entrypoint, const std::stop_token& stop) :
        rig_(rig), entrypoint_(entrypoint), stop_(stop) {}

    // What the command failed with; 0: it did not.
    int run(const ScriptCommand& command, Json& result) {
        using Kind = ScriptCommand::Kind;
        switch (command.kind) {
        case Kind::deploy: deploy(command); return 0;
        case Kind::start: start(); return 0;
        case Kind::run: return run_words(command, result);
        case Kind::transfer_in:
            require(deployed_, "deploy");
            provider::copy_in(command.transfer.file, command.transfer.path, rig_.settings().volumes);
            return 0;
        case Kind::transfer_out:
            require(deployed_, "deploy");
            provider::copy_out(command.transfer.path, command.transfer.file, rig_.settings().volumes);
            return 0;
        case Kind::terminate:
            if (guest_ != nullptr) guest_->quit();
            guest_ = nullptr;
            terminated_ = true;
            return 0;
        }
        return 0;
    }

  private:
    static void require(bool done, const char* what) {
        if (done) return;
        throw Error(ErrorKind::usage, fmt::format("there was no {} before", what))
            .hint("a provider takes deploy, start, then the rest");
    }

    void deploy(const ScriptCommand& command) {
        deployed_ = true;
        hosts_ = command.hosts;
    }

    void start() {
        require(deployed_, "deploy");
        if (guest_ != nullptr || terminated_) {
            throw Error(ErrorKind::conflict, "the machine has been started already").hint("a provider starts it once");
        }
        guest_ = &rig_.start(stop_);
        if (!hosts_.empty()) guest_->add_hosts(hosts_);
        if (entrypoint_) begin(provider::entrypoint_request(rig_.settings()), {});
    }

    uint64_t begin(const provider::StartRequest& request, provider::TakeOutput take) {
        const provider::Started started = guest_->start(request, std::move(take));
        if (started.error_number != 0) throw provider::start_failure(request, started);
        return started.process;
    }

    int run_words(const ScriptCommand& command, Json& result) {
        require(guest_ != nullptr, "start");
        std::map<uint32_t, std::string> output;
        provider::OutputTail tail;
        const auto take = [&](uint32_t descriptor, std::string_view bytes) {
            tail.add(bytes);
            std::string& text = output[descriptor];
            text += bytes;
            if (text.size() > most_output)
                throw Error(ErrorKind::limit, "a command writes more than a script can hold");
        };
        const uint64_t process = begin(provider::command_request(rig_.settings(), command.words), take);
        const provider::Ended ended = guest_->wait(process, {});
        result["stdout"] = output[1];
        result["stderr"] = output[2];
        if (ended.exit_code() == 0) return 0;
        result["message"] = ended.end == provider::wire::End::exited
                                ? fmt::format("the command ended with exit code {}", ended.code)
                                : fmt::format("the command was killed by signal {}", ended.code);
        for (const auto& text : provider::hints_on_failure(rig_.settings(), ended, tail, guest_->space()))
            rig_.hint(text);
        return ended.exit_code();
    }

    static constexpr size_t most_output = 64u << 20;
    MachineRig& rig_;
    bool entrypoint_;
    const std::stop_token& stop_;
    bool deployed_ = false, terminated_ = false;
    std::vector<std::pair<std::string, std::string>> hosts_;
    provider::Guest* guest_ = nullptr;
};

}  // namespace

std::vector<ScriptCommand> parse_script(std::string_view json) {
    const auto document = oci::parse_json(json, "the script");
    std::vector<ScriptCommand> commands;
    for (const JsonValue& element : JsonValue(document, "the script").elements(most_words)) {
        commands.push_back(parse_command(element));
    }
    return commands;
}

ScriptResults run_script(const std::vector<ScriptCommand>& script, MachineRig& rig, bool entrypoint,
                         const std::stop_token& stop) {
    ScriptResults results;
    ScriptRun run(rig, entrypoint, stop);
    for (size_t index = 0; index < script.size() && results.exit_code == 0; index++) {
        Json result = {
            {"index", index}, {"result", "Ok"}, {"stdout", nullptr}, {"stderr", nullptr}, {"message", nullptr}};
        try {
            results.exit_code = rig.with_machine([&] { return run.run(script[index], result); });
        } catch (const Error& error) {
            if (stop.stop_requested()) throw;
            results.exit_code = exit_code(error.kind());
            result["message"] =
                error.hint().empty() ? error.message() : fmt::format("{}; {}", error.message(), error.hint());
        }
        if (results.exit_code != 0) result["result"] = "Error";
        result["isBatchFinished"] = results.exit_code != 0 || index + 1 == script.size();
        results.json.push_back(std::move(result));
    }
    return results;
}

}  // namespace gbuild::cli
