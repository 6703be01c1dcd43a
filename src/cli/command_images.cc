#include <ctime>

#include "gbuild/base/text.h"
#include "gbuild/cli/build_settings.h"
#include "gbuild/cli/command.h"
#include "gbuild/cli/image_selection.h"
#include "gbuild/cli/image_table.h"
#include "gbuild/cli/template_text.h"

namespace gbuild::cli {

namespace {

class ImagesCommand final : public Command {
  public:
    void declare(OptionSet& options) override {
        options.arguments("NAME", names_, "only images of this name, NAME or NAME:TAG, where * stands for any text",
                          Presence::optional);
        options.group("Options");
        options.flag("-q,--quiet", quiet_, "print ids only");
        options.flag("--no-trunc", no_trunc_, "print ids and hashes in full");
        options.list("--filter", "KEY=VALUE", filters_,
                     "only some: reference=NAME, before=IMAGE, since=IMAGE, until=TIME or AGE, dangling=true (whose "
                     "file is missing or has become another one); repeatable");
        options.value("--format", "text|json|[table ]TEMPLATE", format_,
                      "what is printed; a TEMPLATE has fields such as {{.Repository}}, {{.Tag}}, {{.ID}} or {{.Hash}}");
        declare_root(options, root_);
        options.foreign(foreign_options("images"), notices_);
        options.epilogue("HASH is the image's name in the Golem network.\n"
                         "\n"
                         "Examples:\n"
                         "  gbuild images\n"
                         "  gbuild images 'app*' --filter until=24h -q\n"
                         "  gbuild images --format 'table {{.Repository}}:{{.Tag}}\\t{{.Size}}'\n"
                         "  gbuild images --format json | jq -r '.[].hash'\n");
    }

    int run(Console& console) override {
        tell(notices_, console);
        check_format(format_);
        const ImageSelection selection(names_, filters_, store_root(root_), std::time(nullptr));
        std::vector<ImageRow> rows;
        for (auto& record : store::list_images(store_root(root_))) {
            ImageRow row{std::move(record), FileState::present};
            row.state = file_state(row.record);
            if (selection.has(row)) rows.push_back(std::move(row));
        }
        console.out.write(text(rows));
        return 0;
    }

  private:
    std::string text(const std::vector<ImageRow>& rows) const {
        const IdLength length = no_trunc_ ? IdLength::full : IdLength::shortened;
        if (quiet_) return image_ids(rows, length);
        if (format_ == "json") return json_document(images_json(rows));
        if (!is_template(format_)) return images_text(rows, std::time(nullptr), length);
        std::vector<Json> fields;
        fields.reserve(rows.size());
        for (const ImageRow& row : rows) fields.push_back(image_fields(row, std::time(nullptr), length));
        return Template(format_).text(fields, image_field_names());
    }

    std::string root_, format_ = "text";
    std::vector<std::string> names_, filters_, notices_;
    bool quiet_ = false, no_trunc_ = false;
};

}  // namespace

std::unique_ptr<Command> make_images_command() { return std::make_unique<ImagesCommand>(); }

}  // namespace gbuild::cli
