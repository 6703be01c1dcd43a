#include "gbuild/cli/build_settings.h"
#include "gbuild/cli/command.h"
#include "gbuild/cli/difference_text.h"
#include "gbuild/cli/exit_codes.h"
#include "gbuild/cli/image_argument.h"
#include "gbuild/cli/signals.h"

namespace gbuild::cli {

namespace {

class DiffCommand final : public Command {
  public:
    void declare(OptionSet& options) override {
        options.argument("A", names_.a, Presence::required, image_argument_help);
        options.argument("B", names_.b, Presence::required, "what it is compared with, likewise");
        options.group("Options");
        options.choice("--format", {"text", "json"}, format_, "what is printed");
        options.flag("-q,--quiet", quiet_, "print nothing; the exit code tells");
        declare_root(options, root_);
        options.epilogue(
            "Files, their attributes and contents, the configuration, the packing, and the first byte of the\n"
            "two files that differs. Exit code: 0 the same bytes, 1 something differs.\n"
            "\n"
            "Examples:\n"
            "  gbuild diff golem-example:1.0 golem-example:1.1\n"
            "  gbuild diff --format json a.gvmi b.gvmi | jq -r '.files[].path'\n");
    }

    int run(Console& console) override {
        const ImageArgument a = find_image_argument(names_.a, store_root(root_));
        const ImageArgument b = find_image_argument(names_.b, store_root(root_));
        SignalWatcher signals;
        const compare::Differences differences = compare::compare_images(a.file, b.file, signals.stop());
        if (!quiet_) {
            console.out.write(format_ == "json" ? json_document(differences_json(names_, differences))
                                                : differences_text(names_, differences, console.color(console.out)));
        }
        return differences.same() ? 0 : images_differ;
    }

  private:
    ComparedNames names_;
    std::string root_, format_ = "text";
    bool quiet_ = false;
};

}  // namespace

std::unique_ptr<Command> make_diff_command() { return std::make_unique<DiffCommand>(); }

}  // namespace gbuild::cli
