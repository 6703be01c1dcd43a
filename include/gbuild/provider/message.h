// Requests and answers of the protocol of a provider's VM (wire.h) as bytes.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gbuild/provider/wire.h"

namespace gbuild::provider {

// How the standard input of a command comes about.
enum class Input : uint8_t { none, piped, terminal };

struct TerminalSize {
    uint16_t rows = 24, columns = 80;
};

struct StartRequest {
    std::string program;  // executed as it is: no PATH is searched
    std::vector<std::string> arguments;
    std::optional<std::vector<std::string>> environment;  // "NAME=value"; nullopt and none at all mean the same
    uint32_t uid = 0, gid = 0;
    std::string directory = "/";
    bool entrypoint = false;
    // How its output is kept until it is asked for.
    wire::Redirect kind = wire::Redirect::ring;
    uint64_t buffer = 0x1000;
    // What gbuild's own init alone understands.
    Input input = Input::none;
    TerminalSize size;
};

std::string quit_request(uint64_t id);
std::string start_request(uint64_t id, const StartRequest& request);
std::string kill_request(uint64_t id, uint64_t process);
std::string mount_request(uint64_t id, std::string_view tag, std::string_view path);
std::string output_request(uint64_t id, uint64_t process, uint8_t descriptor);  // all of it
std::string input_request(uint64_t id, uint64_t process, std::string_view data);
std::string hosts_request(uint64_t id, std::span<const std::pair<std::string, std::string>> hosts);
std::string failure_request(uint64_t id);
std::string space_request(uint64_t id);
std::string resize_request(uint64_t id, uint64_t process, TerminalSize size);

struct AnswerMessage {
    uint64_t id = 0;
    wire::Answer type = wire::Answer::ok;
    uint64_t number = 0;  // number; output, ended: the process
    std::string bytes;    // bytes
    uint32_t code = 0;    // error: errno; output: the descriptor; ended: the status
    wire::End end = wire::End::exited;
    bool operator==(const AnswerMessage&) const = default;
};

// Answers from bytes as they come.
class AnswerReader {
  public:
    void add(std::string_view bytes) { bytes_ += bytes; }
    // The next one that is complete. Throws integrity for what is none.
    std::optional<AnswerMessage> next();

  private:
    std::string bytes_;
    size_t used_ = 0;
};

}  // namespace gbuild::provider
