#include "gbuild/cli/build_settings.h"
#include "gbuild/cli/command.h"
#include "gbuild/cli/image_argument.h"
#include "gbuild/cli/image_facts.h"

namespace gbuild::cli {

namespace {

class InspectCommand final : public Command {
  public:
    void declare(OptionSet& options) override {
        options.argument("IMAGE", image_, Presence::required, "a .gvmi file, or a tag of gbuild images");
        options.group("Options");
        options.choice("--format", {"text", "json"}, format_, "what is printed");
        declare_root(options, root_);
        options.epilogue("Examples:\n"
                         "  gbuild inspect golem-example-latest.gvmi\n"
                         "  gbuild inspect golem-example --format json | jq .config.Volumes\n");
    }

    int run(Console& console) override {
        ImageArgument image = find_image_argument(image_, store_root(root_));
        pack::ImageReader reader(image.file);
        ImageFacts facts{image.file,          reader.file_size(),    reader.sha3(),
                         reader.superblock(), reader.trailer_json(), golem::parse_trailer_json(reader.trailer_json())};
        console.out.write(format_ == "json" ? json_document(facts_json(facts)) : facts_text(facts));
        return 0;
    }

  private:
    std::string image_, root_, format_ = "text";
};

}  // namespace

std::unique_ptr<Command> make_inspect_command() { return std::make_unique<InspectCommand>(); }

}  // namespace gbuild::cli
