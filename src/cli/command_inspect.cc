#include "gbuild/cli/build_settings.h"
#include "gbuild/cli/command.h"
#include "gbuild/cli/image_argument.h"
#include "gbuild/cli/image_facts.h"
#include "gbuild/cli/template_text.h"

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
        declare_root(options, root_);
        options.foreign(foreign_options("inspect"), notices_);
        options.epilogue("Examples:\n"
                         "  gbuild inspect golem-example-latest.gvmi\n"
                         "  gbuild inspect golem-example --format json | jq .config.Volumes\n"
                         "  gbuild inspect -f '{{.Hash}} {{.Config.WorkingDir}}' golem-example\n");
    }

    int run(Console& console) override {
        tell(notices_, console);
        check_format(format_);
        std::vector<ImageFacts> all;
        for (const std::string& image : images_) all.push_back(facts_of(image));
        if (is_template(format_)) {
            std::vector<Json> rows;
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
        return {argument.file,       reader.file_size(),    reader.sha3(),
                reader.superblock(), reader.trailer_json(), golem::parse_trailer_json(reader.trailer_json())};
    }

    std::vector<std::string> images_, notices_;
    std::string root_, format_ = "text";
};

}  // namespace

std::unique_ptr<Command> make_inspect_command() { return std::make_unique<InspectCommand>(); }

}  // namespace gbuild::cli
