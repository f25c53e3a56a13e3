#include "formats/utf8.h"

#include <utf8proc.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

namespace lapel::formats {

namespace {

struct Free {
  void operator()(utf8proc_uint8_t* text) const { std::free(text); }
};

/// Calls `each` with every character; false where the text is not UTF-8.
template <class F>
bool each_character(std::string_view text, const F& each) {
  const auto* at = reinterpret_cast<const utf8proc_uint8_t*>(text.data());
  auto left = static_cast<utf8proc_ssize_t>(text.size());
  while (left > 0) {
    utf8proc_int32_t character = 0;
    const utf8proc_ssize_t length = utf8proc_iterate(at, left, &character);
    if (length < 1) {
      return false;
    }
    each(character);
    at += length;
    left -= length;
  }
  return true;
}

}  // namespace

bool is_utf8(std::string_view text) {
  return each_character(text, [](utf8proc_int32_t) {});
}

std::string composed(const std::string& text) {
  const auto ascii = [](char c) { return static_cast<unsigned char>(c) < 0x80; };
  if (std::all_of(text.begin(), text.end(), ascii) || text.find('\0') != std::string::npos) {
    return text;
  }
  const std::unique_ptr<utf8proc_uint8_t, Free> result(
      utf8proc_NFC(reinterpret_cast<const utf8proc_uint8_t*>(text.c_str())));
  return result == nullptr ? text : std::string(reinterpret_cast<const char*>(result.get()));
}

bool has_control_characters(std::string_view text) {
  bool found = false;
  each_character(text, [&](utf8proc_int32_t character) {
    const auto category = utf8proc_category(character);
    found = found || category == UTF8PROC_CATEGORY_CC || category == UTF8PROC_CATEGORY_ZL ||
            category == UTF8PROC_CATEGORY_ZP;
  });
  return found;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kBlank);
  return first == std::string_view::npos ? std::string_view()
                                         : text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

}  // namespace lapel::formats
