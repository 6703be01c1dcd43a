// Commands and copies at random, in the ways that builds do them.
#include <fstream>

#include "plain_walk.h"
#include "workshop.h"

namespace gbuild::layer {
namespace {

// A generator that gives the same numbers everywhere.
class Dice {
  public:
    explicit Dice(uint64_t seed) : state_(seed * 2654435761u + 1) {}
    size_t operator()(size_t sides) {
        state_ ^= state_ << 13;
        state_ ^= state_ >> 7;
        state_ ^= state_ << 17;
        return state_ % sides;
    }
    std::string path() {
        static const char* const names[] = {"a", "b", "c\n\\\xff"};
        std::string path = names[(*this)(3)];
        for (size_t depth = (*this)(3); depth > 0; depth--) path += std::string("/") + names[(*this)(3)];
        return path;
    }

  private:
    uint64_t state_;
};

enum class Links { none, some };

std::string random_command(Dice& dice, Links links) {
    const std::string path = "'" + dice.path() + "'";
    const std::string other = "'" + dice.path() + "'";
    // How much of a directory cp has copied when it sees that it copies it into itself depends on a listing's order.
    const std::string copied_once = links == Links::some ? "" : "test -d " + other + " || ";
    // What is in a directory without permissions only root sees, if only of a user namespace.
    const bool is_superuser = ::geteuid() == 0;
    switch (dice(17)) {
    case 0: return "rm -rf " + path;
    case 1: return "mkdir " + path;
    case 2: return "rm -rf " + path + "; mkdir -p " + path + "; echo " + other + " > " + path + "/a";
    case 3: return "ln -sfn " + other + " " + path;
    case 4: return (links == Links::some ? "ln -f " : "ln -sf ") + other + " " + path;
    case 5: return "chmod " + std::string(dice(2) ? "711 " : "4700 ") + path;
    case 6: return "mv -f " + other + " " + path;
    case 7: return "touch -hd @" + std::to_string(dice(5)) + " " + path;
    case 8: return "rmdir " + path;
    case 9: return "rm -f " + path + "; mkfifo " + path;
    case 10: return copied_once + "cp -a --remove-destination " + other + " " + path;
    case 11: return "mv -T " + path + " .t && mv -T " + other + " " + path + " && mv -T .t " + other + "; rm -rf .t";
    case 12: return "rm -rf " + path + "; mkdir " + path + "; mv -f " + other + " " + path;
    case 13:
        return "test -f " + path + " -a ! -L " + path + " && touch -r " + path + " .r && echo " +
               std::to_string(dice(4)) + " > " + path + " && touch -r .r " + path + "; rm -f .r";
    case 14: return is_superuser ? "chmod 0 " + path : "test -d " + path + " || chmod 0 " + path;
    default: return "test -p " + path + " || echo " + std::to_string(dice(4)) + " > " + path;
    }
}

std::string random_script(Dice& dice, Links links) {
    std::string script = "exec 2>/dev/null; set +e; ";
    for (size_t i = 1 + dice(8); i > 0; i--) script += random_command(dice, links) + "; ";
    return script + "true";
}

tree::LayerTree random_layer(Dice& dice, Workshop& shop) {
    TarBuilder tar;
    std::vector<std::string> gone;
    for (size_t i = dice(4); i > 0; i--) {
        const std::string path = dice.path();
        switch (dice(4)) {
        case 0: gone.push_back(path); break;
        case 1: tar.directory(path, 0750); break;
        case 2: tar.symlink(path, dice.path()); break;
        default: tar.file(path, std::to_string(dice(1000)));
        }
    }
    tree::LayerTree layer = layer_of(tar, shop.contents);
    for (const std::string& path : gone) layer.push_back(whiteout(path));
    try {
        shop.tree.clone().apply(layer);
    } catch (const Error&) {
        return {};  // symbolic links that lead in circles
    }
    return layer;
}

// Says nothing when all went well.
std::string run_and_look(const std::string& script, const fs::path& shown) {
    if (std::system(script.c_str()) != 0) return "the script failed";
    std::ofstream(shown) << PlainWalk::of_directory(".");
    return "";
}

void check_shown(const Workshop& shop, const fs::path& shown) {
    CHECK(PlainWalk::differences(read_text_file(shown, 1 << 20), PlainWalk::of_tree(shop.tree, shop.contents)) == "");
}

// False where there are no overlay mounts.
bool random_round(Dice& dice, Workshop& shop) {
    follow(shop, random_layer(dice, shop), DirectoryForm::overlay);
    shop.fresh_upper();
    const std::string script = random_script(dice, Links::some);
    CAPTURE(script);
    const fs::path shown = shop.base().parent_path() / "shown";
    if (!shop.run([&] { return run_and_look(script, shown); })) return false;
    shop.snapshot_upper();
    check_shown(shop, shown);
    merge_down(RootedDir(shop.upper()), RootedDir(shop.delta()));
    CHECK(fs::is_empty(shop.upper()));
    shop.check_layers();
    return true;
}

}  // namespace

TEST_CASE("any steps and copies, taken and merged, leave layers that show the tree") {
    const int seed = GENERATE(range(1, 20));
    CAPTURE(seed);
    Dice dice(static_cast<uint64_t>(seed));
    Workshop shop(TarBuilder().file("a/a", "1").file("a/b/c", "2").hard_link("b/a", "a/a").file("c", "3"));
    for (int round = 0; round < 6; round++) {
        if (!random_round(dice, shop)) return;
    }
    // The same, from the beginning and in place.
    const fs::path whole = shop.merged() / "whole";
    fs::create_directory(whole);
    write_difference(tree::Tree(), shop.tree, RootedDir(whole), DirectoryForm::whole, shop.options());
    CHECK(shop.snapshot(whole, DirectoryForm::whole) == Changes{});
}

TEST_CASE("the same steps and copies give the same tree in a directory that is changed in place") {
    const int seed = GENERATE(range(1, 12));
    CAPTURE(seed);
    Dice dice(static_cast<uint64_t>(seed) + 1000);
    const TarBuilder base = TarBuilder().file("a/a", "1").file("a/b/a", "2").file("b/a", "3");
    Workshop layers(base), whole(base);
    for (int round = 0; round < 6; round++) {
        // Both read the same numbers.
        Dice again = dice;
        follow(layers, random_layer(dice, layers), DirectoryForm::overlay);
        follow(whole, random_layer(again, whole), DirectoryForm::whole);
        layers.fresh_upper();
        const std::string script = random_script(dice, Links::none);
        CAPTURE(round, script);
        if (!layers.run(script)) return;
        layers.snapshot_upper();
        merge_down(RootedDir(layers.upper()), RootedDir(layers.delta()));
        whole.note_time();
        const fs::path shown = whole.base().parent_path() / "shown";
        if (!whole.run_in_place([&] { return run_and_look(script, shown); })) return;
        whole.snapshot(whole.base(), DirectoryForm::whole);
        check_shown(whole, shown);
        REQUIRE(PlainWalk::of_tree(whole.tree, whole.contents) == PlainWalk::of_tree(layers.tree, layers.contents));
    }
}

}  // namespace gbuild::layer
