#include <ctime>
#include <filesystem>

#include "gbuild/base/error.h"
#include "gbuild/cli/build_settings.h"
#include "gbuild/cli/command.h"
#include "gbuild/cli/image_argument.h"
#include "gbuild/golem/container_config.h"
#include "gbuild/oci/reference.h"
#include "gbuild/pack/image_reader.h"
#include "gbuild/store/store.h"

namespace gbuild::cli {

namespace {

class TagCommand final : public Command {
  public:
    void declare(OptionSet& options) override {
        options.argument("SOURCE", source_, Presence::required, image_argument_help);
        options.arguments("NAME", names_, "the further names, as NAME[:TAG]");
        options.group("Options");
        declare_root(options, root_);
        options.foreign(foreign_options("tag"), notices_);
        options.epilogue("All names stand for one file. A name that another image has is taken from it.\n"
                         "\n"
                         "Examples:\n"
                         "  gbuild tag app:1.0 app:stable\n"
                         "  gbuild tag ./downloaded.gvmi app:1.0\n");
    }

    int run(Console& console) override {
        tell(notices_, console);
        std::vector<oci::ImageName> names;
        for (const std::string& text : names_) {
            names.push_back(with_context("reading the new name", [&] { return oci::parse_image_name(text); }));
        }
        const std::filesystem::path root = store_root(root_);
        ImageArgument image = find_image_argument(source_, root);
        store::ImageRecord record = image.record ? *image.record : record_of(image.file);
        for (const oci::ImageName& name : names) {
            record.repository = name.repository;
            record.tag = name.tag;
            store::Store(root).put_image(record);
        }
        return 0;
    }

  private:
    static store::ImageRecord record_of(const std::string& file) {
        const pack::ImageReader reader(file);
        store::ImageRecord record;
        record.image_id = golem::parse_trailer_json(reader.trailer_json()).image_id;
        record.sha3 = reader.sha3();
        record.created = std::time(nullptr);
        record.size = reader.file_size();
        record.file = std::filesystem::absolute(file).lexically_normal().native();
        return record;
    }

    std::string source_, root_;
    std::vector<std::string> names_, notices_;
};

}  // namespace

std::unique_ptr<Command> make_tag_command() { return std::make_unique<TagCommand>(); }

}  // namespace gbuild::cli
