#include <fmt/format.h>

#include "gbuild/base/text.h"
#include "gbuild/cli/build_record.h"
#include "gbuild/cli/build_settings.h"
#include "gbuild/cli/command.h"
#include "gbuild/cli/display.h"
#include "gbuild/cli/history_text.h"
#include "gbuild/cli/image_argument.h"
#include "gbuild/pack/image_reader.h"

namespace gbuild::cli {

namespace {

class HistoryCommand final : public Command {
  public:
    void declare(OptionSet& options) override {
        options.argument("IMAGE", image_, Presence::required, "a .gvmi file, or a tag of gbuild images");
        options.group("Options");
        options.choice("--format", {"text", "json"}, format_, "what is printed");
        options.flag("--no-trunc", whole_, "print instructions whole, however long they are");
        declare_root(options, root_);
        options.epilogue(
            "Columns: the step, whether its result was known, the time it took, the files it wrote and their\n"
            "bytes, how much of that is in the image, the instruction. Steps of stages that the image is not\n"
            "made of have no sizes. gbuild du tells which directories they are in.\n"
            "\n"
            "Examples:\n"
            "  gbuild history golem-example\n"
            "  gbuild history --format json golem-example | jq '.steps[] | [.text, .kept.bytes]'\n");
    }

    int run(Console& console) override {
        const ImageArgument image = find_image_argument(image_, store_root(root_));
        const BuildRecord record = record_of(image, store_root(root_));
        console.out.write(format_ == "json"
                              ? json_document(history_json(record))
                              : history_text(record, whole_ ? Instructions::whole : Instructions::short_));
        return 0;
    }

  private:
    std::string image_, root_, format_ = "text";
    bool whole_ = false;
};

}  // namespace

std::unique_ptr<Command> make_history_command() { return std::make_unique<HistoryCommand>(); }

}  // namespace gbuild::cli
