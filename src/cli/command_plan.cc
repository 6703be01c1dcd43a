#include "gbuild/cli/build_settings.h"
#include "gbuild/cli/command.h"
#include "gbuild/cli/progress.h"
#include "gbuild/cli/signals.h"
#include "gbuild/engine/build.h"
#include "gbuild/plan/render.h"

namespace gbuild::cli {

namespace {

class PlanCommand final : public Command {
  public:
    void declare(OptionSet& options) override {
        source_.declare(options);
        registry_.declare(options);
        run_.declare(options);
        image_.declare(options);
        work_.declare(options);
        options.foreign(foreign_options("plan"), notices_);
        options.group("What is shown");
        options.choice("--format", {"text", "json"}, format_, "what is printed");
        options.epilogue("Examples:\n"
                         "  gbuild plan .\n"
                         "  gbuild plan --target run --build-arg VERSION=3 --format json .\n");
    }

    int run(Console& console) override {
        tell(notices_, console);
        build::BuildOptions options;
        registry_.apply(options, console);
        image_.apply(options, console);
        run_.apply(options, console);
        work_.apply(options);
        source_.apply(options, console);
        const auto progress = make_progress(ProgressMode::plain, console);
        const auto fetched = fetch_context(options, *progress);
        SignalWatcher signals;
        const build::PlannedBuild planned = build::Build(options, *progress).outlook(*progress, signals.stop());
        const plan::StepNotes notes = [&](size_t stage, size_t step) { return note_of(planned.outlook[stage][step]); };
        console.out.write(format_ == "json" ? plan::to_json(planned.plan, notes) : plan::to_text(planned.plan, notes));
        return 0;
    }

  private:
    static std::optional<plan::StepNote> note_of(const build::StepOutlook& outlook) {
        using Result = build::StepOutlook::Result;
        switch (outlook.result) {
        case Result::none: return std::nullopt;
        case Result::known: return plan::StepNote{"cached", ""};
        case Result::missing: return plan::StepNote{"executed", outlook.reason};
        case Result::unclear: break;
        }
        return plan::StepNote{"unclear", "depends on what is executed before it"};
    }

    SourceSettings source_;
    RegistrySettings registry_;
    RunSettings run_;
    ImageSettings image_;
    WorkSettings work_;
    std::string format_ = "text";
    std::vector<std::string> notices_;
};

}  // namespace

std::unique_ptr<Command> make_plan_command() { return std::make_unique<PlanCommand>(); }

}  // namespace gbuild::cli
