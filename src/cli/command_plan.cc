#include "gbuild/cli/build_settings.h"
#include "gbuild/cli/command.h"
#include "gbuild/cli/progress.h"
#include "gbuild/cli/signals.h"
#include "gbuild/plan/render.h"

namespace gbuild::cli {

namespace {

class PlanCommand final : public Command {
  public:
    void declare(OptionSet& options) override {
        source_.declare(options);
        registry_.declare(options);
        options.group("Other");
        declare_root(options, work_.root);
        options.choice("--format", {"text", "json"}, format_, "what is printed");
        options.epilogue("Examples:\n"
                         "  gbuild plan .\n"
                         "  gbuild plan --target run --build-arg VERSION=3 --format json .\n");
    }

    int run(Console& console) override {
        build::BuildOptions options;
        registry_.apply(options, console);
        work_.apply(options);
        source_.apply(options, console);
        SignalWatcher signals;
        auto progress = make_progress(ProgressMode::plain, console);
        options.registry.notice = [&](const std::string& message) { progress->emit(Notice{message}); };
        plan::Plan plan = build::plan_build(options, *progress, signals.stop());
        console.out.write(format_ == "json" ? plan::to_json(plan) : plan::to_text(plan));
        return 0;
    }

  private:
    SourceSettings source_;
    RegistrySettings registry_;
    WorkSettings work_;
    std::string format_ = "text";
};

}  // namespace

std::unique_ptr<Command> make_plan_command() { return std::make_unique<PlanCommand>(); }

}  // namespace gbuild::cli
