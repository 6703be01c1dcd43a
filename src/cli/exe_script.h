// A requestor's exe script, run here.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gbuild/cli/json_text.h"
#include "machine_settings.h"

namespace gbuild::cli {

struct ScriptCommand {
    enum class Kind : uint8_t { deploy, start, run, transfer_in, transfer_out, terminate };
    Kind kind = Kind::deploy;
    std::vector<std::string> words;  // run: program and arguments
    Transfer transfer;
    std::vector<std::pair<std::string, std::string>> hosts;  // deploy: address, name
};

// A JSON array of objects with one member each: {"deploy": {}}, {"start": {}},
// {"run": {"entry_point": "/bin/sh", "args": ["-c", "…"]}}, {"transfer": {"from": "file:a", "to": "container:/v/a"}},
// {"terminate": {}}. Throws integrity; unsupported for what a provider does and gbuild does not.
std::vector<ScriptCommand> parse_script(std::string_view json);

struct ScriptResults {
    Json json = Json::array();  // for each command that was begun: index, result, stdout, stderr, message
    int exit_code = 0;          // of the first command that failed, which is the last
};

// As a provider does: until a command fails. `entrypoint`: start also starts what the image names.
ScriptResults run_script(const std::vector<ScriptCommand>& script, MachineRig& rig, bool entrypoint,
                         const std::stop_token& stop);

}  // namespace gbuild::cli
