// Letters and digits of all scripts but ASCII's.
#pragma once

namespace gbuild::dockerfile {

bool is_unicode_digit(char32_t c);
bool is_unicode_letter_or_digit(char32_t c);

}  // namespace gbuild::dockerfile
