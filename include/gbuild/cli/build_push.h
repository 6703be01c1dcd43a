// gbuild build --push: the image that was just built goes to the Golem registry.
#pragma once

#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "gbuild/cli/console.h"
#include "gbuild/cli/json_text.h"
#include "gbuild/cli/options.h"
#include "gbuild/engine/build.h"
#include "gbuild/publish/publisher.h"

namespace gbuild::cli {

struct BuildPushSettings {
    bool push = false;
    std::vector<std::string> names;

    void declare(OptionSet& options);
    bool wanted() const { return push || !names.empty(); }
};

class BuildPush {
  public:
    // Before anything is built: finds names and login, and asks the registry whether the login is good. `build` has its
    // tags; its connection options are used for the Golem registry, too. Throws usage, unauthorized, network.
    BuildPush(const BuildPushSettings& settings, build::BuildOptions& build, const Console& console);

    // After the build. Throws what Publisher::push() does.
    void run(const build::BuildResult& built, EventSink& events, const std::stop_token& stop);
    // Lines for people, and what the metadata file has of it.
    std::string text() const;
    std::string paste_lines() const;  // for a terminal
    Json json() const;

  private:
    publish::PublisherOptions options_;
    publish::RegistryPlace place_;
    publish::PushJob job_;
    publish::PushResult result_;
};

}  // namespace gbuild::cli
