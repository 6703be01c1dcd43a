#include <fmt/format.h>

#include "gbuild/cli/build_settings.h"
#include "gbuild/cli/command.h"
#include "gbuild/cli/image_argument.h"
#include "gbuild/cli/image_facts.h"
#include "gbuild/cli/sdk_lines.h"
#include "gbuild/golem/vm_contract.h"

namespace gbuild::cli {

namespace {

class InspectCommand final : public Command {
  public:
    void declare(OptionSet& options) override {
        options.argument("IMAGE", image_, Presence::required, "a .gvmi file, or a tag of gbuild images");
        options.group("Options");
        options.choice("--format", {"text", "json"}, format_, "what is printed");
        options.choice(
            "--sdk", {"golem-js", "yapapi", "manifest", "task-package"}, sdk_,
            "print only the lines that name the image in a script of this SDK, in a payload manifest, or in a "
            "demand");
        options.value("--url", "URL", url_,
                      "where providers get the file, for --sdk (default for golem-js: the file itself)");
        options.value("--golem-tag", "USER/REPO:TAG", tag_, "the image's tag in the Golem registry, for --sdk");
        declare_root(options, root_);
        options.epilogue("Examples:\n"
                         "  gbuild inspect golem-example-latest.gvmi\n"
                         "  gbuild inspect golem-example --format json | jq .config.Volumes\n"
                         "  gbuild inspect golem-example --sdk golem-js\n");
    }

    int run(Console& console) override {
        ImageArgument image = find_image_argument(image_, store_root(root_));
        pack::ImageReader reader(image.file);
        if (!sdk_.empty()) {
            console.out.write(sdk_lines(sdk_, {reader.sha3(), std::filesystem::absolute(image.file), url_, tag_}));
            return 0;
        }
        if (!url_.empty() || !tag_.empty()) {
            throw Error(ErrorKind::usage,
                        fmt::format("{} is for the lines of --sdk", url_.empty() ? "--golem-tag" : "--url"))
                .hint("add --sdk golem-js, yapapi, manifest or task-package");
        }
        ImageFacts facts{image.file,
                         reader.file_size(),
                         reader.sha3(),
                         reader.superblock(),
                         reader.trailer_json(),
                         golem::parse_trailer_json(reader.trailer_json()),
                         {}};
        facts.contract = golem::check_contract(reader.read_tree(), facts.trailer.config);
        console.out.write(format_ == "json" ? json_document(facts_json(facts)) : facts_text(facts));
        return 0;
    }

  private:
    std::string image_, root_, sdk_, url_, tag_, format_ = "text";
};

}  // namespace

std::unique_ptr<Command> make_inspect_command() { return std::make_unique<InspectCommand>(); }

}  // namespace gbuild::cli
