#include <algorithm>

#include <fmt/format.h>

#include "gbuild/cli/build_settings.h"
#include "gbuild/cli/command.h"
#include "gbuild/cli/exit_codes.h"
#include "gbuild/cli/json_text.h"
#include "gbuild/cli/machine_facts.h"
#include "gbuild/sandbox/probe.h"
#include "gbuild/store/store.h"

namespace gbuild::cli {

namespace {

std::string probe_text(const sandbox::Probe& probe) {
    std::string text = fmt::format("{} {}\n", probe.works ? "yes" : "no ", sandbox::isolation_text(probe.isolation));
    if (probe.works) {
        text += fmt::format("      steps' changes: {}\n", probe.overlay ? "overlayfs" : "all files are compared");
        if (probe.isolation != sandbox::Isolation::chroot) {
            text +=
                fmt::format("      processes: {}\n", probe.own_proc ? "the step's own" : "the step sees the host's");
        }
    }
    if (!probe.stage.empty()) text += fmt::format("      failed: {}\n", sandbox::describe(probe));
    if (!probe.remedy.empty()) text += fmt::format("      remedy: {}\n", probe.remedy);
    return text;
}

Json probe_json(const sandbox::Probe& probe) {
    return {{"isolation", sandbox::isolation_name(probe.isolation)},
            {"works", probe.works},
            {"overlay", probe.overlay},
            {"ownProc", probe.own_proc},
            {"stage", probe.stage},
            {"errno", probe.error_number},
            {"cause", probe.cause},
            {"remedy", probe.remedy}};
}

class DoctorCommand final : public Command {
  public:
    void declare(OptionSet& options) override {
        options.group("Options");
        options.choice("--format", {"text", "json"}, format_, "what is printed");
        declare_root(options, root_);
        options.epilogue("Exit code 0 when RUN can be executed in some way, 8 when it cannot.\n"
                         "\n"
                         "Examples:\n"
                         "  gbuild doctor\n"
                         "  gbuild doctor --root /mnt/big/gbuild     would the store be well placed there?\n");
    }

    int run(Console& console) override {
        const store::Store store(store_root(root_));
        std::vector<sandbox::Probe> probes;
        probes.reserve(sandbox::all_isolations.size());
        for (sandbox::Isolation isolation : sandbox::all_isolations) {
            probes.push_back(sandbox::probe(isolation, store.staging()));
        }
        const auto used = std::find_if(probes.begin(), probes.end(), [](const auto& probe) { return probe.works; });
        const std::string choice = used == probes.end() ? "" : std::string(sandbox::isolation_name(used->isolation));
        const std::vector<MachineFact> facts = machine_facts(store.root(), console.env);
        console.out.write(format_ == "json" ? json(probes, choice, store, facts) : text(probes, choice, store, facts));
        return choice.empty() ? exit_code(ErrorKind::unsupported) : 0;
    }

  private:
    static std::string text(const std::vector<sandbox::Probe>& probes, const std::string& choice,
                            const store::Store& store, const std::vector<MachineFact>& facts) {
        std::string text =
            fmt::format("How RUN can be executed here, with the store in {}:\n\n", store.root().native());
        for (const sandbox::Probe& probe : probes) text += probe_text(probe);
        text += choice.empty() ? "\nRUN cannot be executed here.\n"
                               : fmt::format("\nA build uses {}; --isolation chooses another.\n", choice);
        return text + "\nThe machine:\n\n" + machine_facts_text(facts);
    }

    static std::string json(const std::vector<sandbox::Probe>& probes, const std::string& choice,
                            const store::Store& store, const std::vector<MachineFact>& facts) {
        Json list = Json::array();
        for (const sandbox::Probe& probe : probes) list.push_back(probe_json(probe));
        return json_document(Json{{"store", store.root().native()},
                                  {"uses", choice},
                                  {"probes", list},
                                  {"machine", machine_facts_json(facts)}});
    }

    std::string root_, format_ = "text";
};

}  // namespace

std::unique_ptr<Command> make_doctor_command() { return std::make_unique<DoctorCommand>(); }

}  // namespace gbuild::cli
