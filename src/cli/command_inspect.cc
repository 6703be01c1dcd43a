#include <fmt/format.h>

#include "gbuild/cli/build_settings.h"
#include "gbuild/cli/command.h"
#include "gbuild/cli/image_argument.h"
#include "gbuild/cli/image_facts.h"
#include "gbuild/cli/sdk_lines.h"
#include "gbuild/cli/template_text.h"
#include "gbuild/golem/vm_contract.h"

namespace gbuild::cli {

namespace {

class InspectCommand final : public Command {
  public:
    void declare(OptionSet& options) override {
        options.arguments("IMAGE", images_, image_argument_help);
        options.group("Options");
        options.value(
            "--format", "text|json|TEMPLATE", format_,
            "what is printed; a TEMPLATE has fields such as {{.Hash}}, {{.Config.WorkingDir}} or {{json .Config}}");
        options.choice(
            "--sdk", {"golem-js", "yapapi", "manifest", "task-package"}, sdk_,
            "print only the lines that name the image in a script of this SDK, in a payload manifest, or in a "
            "demand");
        options.value("--url", "URL", url_,
                      "where providers get the file, for --sdk (default for golem-js: the file itself)");
        options.value("--golem-tag", "USER/REPO:TAG", tag_, "the image's tag in the Golem registry, for --sdk");
        declare_root(options, root_);
        options.foreign(foreign_options("inspect"), notices_);
        options.epilogue("Examples:\n"
                         "  gbuild inspect golem-example-latest.gvmi\n"
                         "  gbuild inspect golem-example --format json | jq .config.Volumes\n"
                         "  gbuild inspect -f '{{.Hash}} {{.Config.WorkingDir}}' golem-example\n"
                         "  gbuild inspect golem-example --sdk golem-js\n");
    }

    int run(Console& console) override {
        tell(notices_, console);
        if (!sdk_.empty()) {
            for (const std::string& image : images_) console.out.write(lines_of(image));
            return 0;
        }
        if (!url_.empty() || !tag_.empty()) {
            throw Error(ErrorKind::usage,
                        fmt::format("{} is for the lines of --sdk", url_.empty() ? "--golem-tag" : "--url"))
                .hint("add --sdk golem-js, yapapi, manifest or task-package");
        }
        check_format(format_);
        std::vector<ImageFacts> all;
        for (const std::string& image : images_) all.push_back(facts_of(image));
        if (is_template(format_)) {
            std::vector<Json> rows;
            rows.reserve(all.size());
            for (const ImageFacts& facts : all) rows.push_back(facts_fields(facts));
            console.out.write(Template(format_).text(rows, fact_fields()));
            return 0;
        }
        if (format_ == "json") {
            Json list = Json::array();
            for (const ImageFacts& facts : all) list.push_back(facts_json(facts));
            console.out.write(json_document(all.size() == 1 ? list[0] : list));
            return 0;
        }
        for (const ImageFacts& facts : all) {
            console.out.write((&facts == &all.front() ? "" : "\n") + facts_text(facts));
        }
        return 0;
    }

  private:
    ImageFacts facts_of(const std::string& image) const {
        const ImageArgument argument = find_image_argument(image, store_root(root_));
        pack::ImageReader reader(argument.file);
        ImageFacts facts{argument.file,
                         reader.file_size(),
                         reader.sha3(),
                         reader.superblock(),
                         reader.trailer_json(),
                         golem::parse_trailer_json(reader.trailer_json()),
                         {}};
        facts.contract = golem::check_contract(reader.read_tree(), facts.trailer.config);
        return facts;
    }

    std::string lines_of(const std::string& image) const {
        const ImageArgument argument = find_image_argument(image, store_root(root_));
        const pack::ImageReader reader(argument.file);
        return sdk_lines(sdk_, {reader.sha3(), std::filesystem::absolute(argument.file), url_, tag_});
    }

    std::vector<std::string> images_, notices_;
    std::string root_, sdk_, url_, tag_, format_ = "text";
};

}  // namespace

std::unique_ptr<Command> make_inspect_command() { return std::make_unique<InspectCommand>(); }

}  // namespace gbuild::cli
