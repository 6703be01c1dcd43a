// Values of options that give something to RUN steps, as docker writes them. All throw usage.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gbuild/cli/console.h"
#include "gbuild/sandbox/step.h"
#include "key_agent.h"

namespace gbuild::cli {

// "id=ID[,src=FILE|,env=VARIABLE][,type=file|env]": reads the value. Throws not_found, permission, io, and limit beyond
// 500 KiB, too. No message has the value in it.
void add_secret(std::map<std::string, std::string>& secrets, const std::string& text, const Console& console);

// "default", "ID", "ID=SOCKET", "ID=KEY[,KEY…]". Keys get an agent, which is added to `started`. Throws what KeyAgent
// does, too.
void add_agent(std::map<std::string, std::filesystem::path>& agents, std::vector<std::shared_ptr<KeyAgent>>& started,
               const std::string& text, const Console& console);

// "NAME=ADDRESS" or "NAME:ADDRESS". Throws unsupported for host-gateway.
std::pair<std::string, std::string> parse_host(const std::string& text);

// "TYPE=SOFT[:HARD]"; -1 is no limit.
sandbox::ResourceLimit parse_limit(const std::string& text);

}  // namespace gbuild::cli
