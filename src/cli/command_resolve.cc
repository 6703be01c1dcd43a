#include "gbuild/cli/command.h"
#include "gbuild/cli/publish_report.h"
#include "gbuild/cli/publish_settings.h"
#include "gbuild/cli/registry_image.h"
#include "gbuild/cli/signals.h"

namespace gbuild::cli {

namespace {

class ResolveCommand final : public Command {
  public:
    void declare(OptionSet& options) override {
        options.argument("IMAGE", image_, Presence::required, "USER/REPO:TAG, or the hash of an image");
        options.group("Options");
        options.choice("--format", {"text", "json"}, format_, "what is printed");
        connection_.declare(options);
        options.epilogue("REGISTRY_URL names another registry than Golem's own.\n"
                         "\n"
                         "Examples:\n"
                         "  gbuild resolve golem/alpine:latest\n"
                         "  gbuild resolve golem/alpine:latest --format json | jq -r .taskPackage\n");
    }

    int run(Console& console) override {
        const RegistryImage asked = parse_registry_image(image_);
        const publish::PublisherOptions options = connection_.apply(console);
        const RegistryEnvironment registry = registry_environment(console);
        const SignalWatcher signals;
        publish::Publisher publisher(registry.place, options);
        const publish::ResolvedImage image = resolve(publisher, asked, signals.stop());
        console.out.write(format_ == "json" ? json_document(resolved_json(image_, image))
                                            : resolved_text(image_, image));
        return 0;
    }

  private:
    std::string image_, format_ = "text";
    ConnectionSettings connection_;
};

}  // namespace

std::unique_ptr<Command> make_resolve_command() { return std::make_unique<ResolveCommand>(); }

}  // namespace gbuild::cli
