// The test programs' main(): a C.UTF-8 locale as gbuild's own main sets it, then Catch2.
#define CATCH_CONFIG_RUNNER
#include "support/catch.h"

#include <clocale>

int main(int argc, char** argv) {
    std::setlocale(LC_CTYPE, "C.UTF-8");
    return Catch::Session().run(argc, argv);
}
