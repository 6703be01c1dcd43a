// Running the commands of a Dockerfile.
//
// gbuild itself becomes root of the user namespace in which the steps run (isolation subid and single), so that it
// reads, writes and removes their files as they do. The steps are started by processes of their own that were forked
// before gbuild had threads. Each step has namespaces of its own; with its first process all of it ends, mounts
// included. When gbuild dies, however it dies, so do its steps.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include "gbuild/base/fd.h"
#include "gbuild/sandbox/probe.h"
#include "gbuild/sandbox/step.h"

namespace gbuild::sandbox {

class Sandbox {
  public:
    // The calling process must have one thread; it changes its user namespace for good. `at_once` is how many steps can
    // run at the same time; each costs a small process. Throws unsupported with the probe's remedy.
    explicit Sandbox(const Probe& probe, unsigned at_once = 1);
    ~Sandbox();  // ends what runs
    Sandbox(const Sandbox&) = delete;
    Sandbox& operator=(const Sandbox&) = delete;

    Isolation isolation() const;
    // "single (one id, owners emulated)".
    std::string description() const;
    // Why there is no overlayfs, or no /proc of the steps' own.
    std::string shortcoming() const;
    // Whether steps can have layers; without it each step changes its root directory.
    bool has_overlay() const;
    // Whether owners have to be recorded (base/recorded_owner.h).
    bool records_owners() const { return isolation() == Isolation::single; }

    // How owners lie on disk. Directories written for one sandbox serve another of the same form.
    std::string owner_form() const;

    // Runs one step; `output` gets what it writes, as it writes it, from the calling thread. Returns when no process of
    // it is left. Thread-safe; while as many steps run as can run at once, it waits for one of them to end. When it
    // throws, what ran has ended, too. Throws interrupted (also while it waits), io, unsupported, and what `output`
    // throws.
    // `input` becomes the command's standard input, without it that is /dev/null.
    StepResult run(const Step& step, const std::function<void(std::string_view)>& output, const std::stop_token& stop,
                   UniqueFd input = UniqueFd());

  private:
    class State;
    std::unique_ptr<State> state_;
};

}  // namespace gbuild::sandbox
