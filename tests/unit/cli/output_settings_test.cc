#include "gbuild/cli/output_settings.h"

#include <filesystem>

#include "gbuild/base/atomic_file.h"
#include "gbuild/base/error.h"
#include "support/catch.h"

using namespace gbuild;
using namespace gbuild::cli;
namespace fs = std::filesystem;
using Form = build::ContainerOutput::Form;

namespace {

using Values = std::map<std::string, std::string>;

struct Place {
    fs::path file(const std::string& name) const { return dir.path() / name; }
    build::BuildOptions apply(std::vector<std::string> outputs, std::vector<std::string> annotations = {},
                              bool terminal = false) const {
        build::BuildOptions build;
        build.context = dir.path();
        build.tags = {oci::parse_image_name("app:1")};
        OutputSettings{std::move(outputs), std::move(annotations)}.apply(build, terminal);
        return build;
    }
    std::string refusal(std::vector<std::string> outputs, std::vector<std::string> annotations = {},
                        bool terminal = false) const {
        try {
            apply(std::move(outputs), std::move(annotations), terminal);
        } catch (const Error& error) {
            return error.message() + " / " + error.hint();
        }
        return "nothing";
    }

    TempDir dir;
};

std::string output_refusal(const std::string& text) {
    try {
        parse_output(text);
    } catch (const Error& error) {
        return error.message() + " / " + error.hint();
    }
    return "nothing";
}

}  // namespace

TEST_CASE("an output that is a path is a .gvmi's") {
    for (const char* path : {"out.gvmi", "out/", "a=b", "dir/x=y,z", ""}) {
        CHECK(parse_output(path).type == "gvmi");
        CHECK(parse_output(path).values == Values{{"dest", path}});
    }
}

TEST_CASE("an output's keys and values") {
    const OutputSpec spec = parse_output("type=oci,dest=out.tar,\"name=a,b:1\",Tar=false");
    CHECK(spec.type == "oci");
    CHECK(spec.values == Values{{"dest", "out.tar"}, {"name", "a,b:1"}, {"tar", "false"}});
    CHECK(parse_output("dest=x,type=tar").type == "tar");
    CHECK(parse_output("-").type == "tar");
    CHECK(parse_output("type=local,\"dest=say \"\"x\"\"\"").values.at("dest") == "say \"x\"");
}

TEST_CASE("what is wrong with an output is told") {
    CHECK(output_refusal("type=ocy,dest=x") ==
          "--output \"type=ocy,dest=x\": no output of type \"ocy\" / did you mean oci?");
    CHECK(output_refusal("dest=x") ==
          "--output \"dest=x\": type is missing / type is one of gvmi, oci, docker, tar, local");
    CHECK(output_refusal("type=tar,dst=x") ==
          "--output \"type=tar,dst=x\": type=tar has no \"dst\" / did you mean dest?");
    CHECK(output_refusal("type=tar,dest=x,dest=y") ==
          "--output \"type=tar,dest=x,dest=y\": dest is given twice / keep one of the two");
    CHECK(output_refusal("type=tar,oops") ==
          "--output \"type=tar,oops\": \"oops\" is not KEY=VALUE / write type=TYPE,dest=PATH");
    CHECK(output_refusal("type=tar,\"dest=x").find("a quote is not closed / end the field with another") !=
          std::string::npos);
}

TEST_CASE("without an output there is a .gvmi, and with others only if asked for") {
    Place place;
    CHECK(place.apply({place.file("").native()}).output == place.file("app-1.gvmi"));
    const auto both = place.apply(
        {"type=gvmi,dest=" + place.file("x.gvmi").native(), "type=local,dest=" + place.file("tree").native()});
    CHECK(both.writes_gvmi);
    CHECK(both.output == place.file("x.gvmi"));
    CHECK(both.container_outputs.size() == 1);
    const auto other = place.apply({"type=oci,dest=" + place.file("x.tar").native()});
    CHECK_FALSE(other.writes_gvmi);
    CHECK_FALSE(other.output);
}

TEST_CASE("forms, places, names and compression of container outputs") {
    Place place;
    const std::string dest = ",dest=" + place.file("x").native();
    auto one = [&](const std::string& text) { return place.apply({text}).container_outputs.at(0); };
    CHECK(one("type=oci" + dest).form == Form::oci);
    CHECK(one("type=oci" + dest).compression == exporter::Compression::gzip);
    CHECK(one("type=oci" + dest).names.at(0).text() == "app:1");
    CHECK(one("type=oci" + dest).destination == place.file("x"));
    CHECK_FALSE(one("type=oci" + dest).directory);
    CHECK(one("type=oci,tar=false" + dest).directory);
    CHECK(one("type=docker" + dest).compression == exporter::Compression::none);
    CHECK(one("type=docker,compression=zstd,compression-level=9" + dest).compression_level == 9);
    CHECK(one("type=oci,\"name=a:1,b\"" + dest).names.at(1).text() == "b:latest");
    CHECK(one("type=local" + dest + "/").destination == place.file("x"));
    CHECK_FALSE(one("-").destination);
    CHECK_FALSE(one("type=oci").destination);
}

TEST_CASE("what an output cannot be") {
    Place place;
    fs::create_directory(place.file("dir"));
    const std::string dir = place.file("dir").native(), file = place.file("f").native();
    CHECK(place.refusal({"type=oci,dest=" + dir}).find("is a directory, and the output is one file") !=
          std::string::npos);
    CHECK(place.refusal({"type=docker"}).find("docker load") != std::string::npos);
    CHECK(place.refusal({"type=local"}).find("dest is missing") != std::string::npos);
    CHECK(place.refusal({"type=local,dest=-"}).find("standard output is no directory") != std::string::npos);
    CHECK(place.refusal({"type=gvmi,dest=-"}).find("cannot be written to standard output") != std::string::npos);
    CHECK(place.refusal({"a.gvmi", "b.gvmi"}).find("one build writes one .gvmi") != std::string::npos);
    CHECK(place.refusal({"-", "type=oci"}).find("two outputs") != std::string::npos);
    CHECK(place.refusal({"type=tar,dest=" + file, "type=oci,dest=" + file}).find("two outputs") != std::string::npos);
    CHECK(place.refusal({"-"}, {}, true).find("not written to a terminal") != std::string::npos);
    CHECK(place.refusal({"type=oci,compression=xz,dest=" + file}).find("uncompressed, gzip or zstd") !=
          std::string::npos);
    CHECK(place.refusal({"type=oci,compression-level=99,dest=" + file}).find("from 1 to 12") != std::string::npos);
    CHECK(place.refusal({"type=oci,tar=maybe,dest=" + file}).find("true or false") != std::string::npos);
}

TEST_CASE("annotations are of manifests and of their entries") {
    Place place;
    const std::string oci = "type=oci,dest=" + place.file("x").native();
    const auto build = place.apply({oci}, {"a=b", "manifest:c=d=e", "manifest-descriptor:f="});
    CHECK(build.annotations == exporter::Annotations{{"a", "b"}, {"c", "d=e"}});
    CHECK(build.descriptor_annotations == exporter::Annotations{{"f", ""}});
    CHECK(place.refusal({oci}, {"a"}).find("not KEY=VALUE") != std::string::npos);
    CHECK(place.refusal({oci}, {"index:a=b"}).find("no index of its own") != std::string::npos);
    CHECK(place.refusal({"-"}, {"a=b"}).find("--annotation is for container images") != std::string::npos);
}

TEST_CASE("a path alone that looks like another type's gets a warning (U-10)") {
    TempDir dir;
    fs::create_directory(dir.path() / "there");
    auto hints = [&](std::vector<std::string> outputs) {
        for (std::string& output : outputs) {
            if (output.starts_with('/')) output = dir.path().native() + output;
        }
        std::vector<std::string> found;
        for (const Warning& warning : OutputSettings{outputs, {}}.warnings()) {
            CHECK(warning.id == "output-type");
            CHECK_THAT(warning.message, ContainsSubstring("docker would"));
            found.push_back(warning.hint);
        }
        return found;
    };
    CHECK(hints({"a.gvmi", "new/", "/there", "-", "type=tar,dest=x.tar"}).empty());
    CHECK(hints({"app.tar"}) ==
          std::vector<std::string>{"write type=tar,dest=app.tar (files) or type=oci,dest=app.tar (an "
                                   "image), or name the file .gvmi"});
    CHECK_THAT(hints({"app.tar.gz"}).at(0), ContainsSubstring("type=oci"));
    CHECK_THAT(hints({"out"}).at(0), ContainsSubstring("type=local,dest=out"));
}
