#include <filesystem>

#include <fmt/format.h>

#include "gbuild/base/atomic_file.h"
#include "gbuild/cli/build_settings.h"
#include "gbuild/cli/command.h"
#include "gbuild/cli/display.h"
#include "gbuild/cli/image_argument.h"
#include "gbuild/cli/report_page.h"
#include "gbuild/cli/side_file.h"
#include "gbuild/cli/signals.h"

namespace gbuild::cli {

namespace {

class ReportCommand final : public Command {
  public:
    void declare(OptionSet& options) override {
        options.argument("IMAGE", image_, Presence::required, "a .gvmi file, or a tag of gbuild images");
        options.group("Options");
        options.value("-o,--output", "FILE", output_,
                      "where to write the page; - is standard output (default: IMAGE's file name with .html, here)");
        declare_root(options, root_);
        options.epilogue(
            "One page for a browser, without network or other files: how the image was built, what takes how\n"
            "much in it, warnings, configuration and hashes. build --report writes the same.\n"
            "\n"
            "Examples:\n"
            "  gbuild report golem-example\n"
            "  gbuild report -o report.html golem-example-latest.gvmi\n");
    }

    int run(Console& console) override {
        const ImageArgument image = find_image_argument(image_, store_root(root_));
        const std::string name = std::filesystem::path(image.file).stem().native() + ".html";
        SideFile file("--output", output_.empty() ? name : output_);
        SignalWatcher signals;
        file.write(make_report(image.file, store_root(root_), signals.stop()), console.out);
        if (!file.is_standard_output()) {
            console.err.write(fmt::format("Wrote {}\n", safe_text(file.path().native())));
        }
        return 0;
    }

  private:
    std::string image_, output_, root_;
};

}  // namespace

std::unique_ptr<Command> make_report_command() { return std::make_unique<ReportCommand>(); }

}  // namespace gbuild::cli
