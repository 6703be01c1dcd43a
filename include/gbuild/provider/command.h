// Commands as a provider starts them, and what to say about their ends.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gbuild/base/error.h"
#include "gbuild/provider/machine.h"

namespace gbuild::provider {

// `words` is the program and its arguments. The image says as whom it runs, where, and, for runtime 0.4, with what
// environment.
StartRequest command_request(const MachineSettings& settings, const std::vector<std::string>& words);
// ENTRYPOINT and CMD together. Throws not_found for an image that has neither.
StartRequest entrypoint_request(const MachineSettings& settings);

// Why a command did not start: what a provider has no words for.
Error start_failure(const StartRequest& request, const Started& started);

// The last of what a command wrote.
class OutputTail {
  public:
    void add(std::string_view bytes);
    bool has(std::string_view text) const { return text_.find(text) != std::string::npos; }

  private:
    std::string text_;
};

// What would surprise whoever knows the image from elsewhere: hints for a command that failed. `space` is what is left
// in the root.
std::vector<std::string> hints_on_failure(const MachineSettings& settings, const Ended& ended, const OutputTail& tail,
                                          std::optional<uint64_t> space);

}  // namespace gbuild::provider
