// File modes as COPY --chmod and ADD --chmod take them: octal, or symbolic as chmod(1) has it.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace gbuild::dockerfile {

class Chmod {
  public:
    // "755", "0644", "u=rwX,go=rX", "+x", "g=u", "a-w,+t". Without u, g, o or a a clause is about all three: there is
    // no umask. Throws dockerfile (without a place) for what is neither octal up to 7777 nor symbolic.
    static Chmod parse(std::string_view text);

    // The permission bits (07777) that a file with the bits `mode` gets. Bits above 07777 are returned as they came.
    uint32_t apply(uint32_t mode, bool is_directory) const;

    // The mode itself when it was given in octal digits; nullopt for symbolic changes.
    std::optional<uint32_t> octal() const { return octal_; }

  private:
    struct Clause {
        uint32_t who;         // 0700, 0070, 0007 and the special bits that belong to them
        char operation;       // '+', '-' or '='
        uint32_t bits;        // for all of u, g and o at once; masked by `who`
        bool execute_if_any;  // X
        char copy_from;       // 'u', 'g', 'o' or '\0'
    };
    static void parse_clause(std::string_view text, std::vector<Clause>& clauses);
    static uint32_t apply_clause(const Clause& clause, uint32_t mode, bool is_directory);

    std::vector<Clause> clauses_;
    std::optional<uint32_t> octal_;
};

}  // namespace gbuild::dockerfile
