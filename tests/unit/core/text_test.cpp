#include "core/text.hpp"

#include "core/random.hpp"
#include "core/utf8.hpp"

#include <catch2/catch.hpp>

using sluice::nearest;
using sluice::printable;

TEST_CASE("text of any language stays as it is") {
  CHECK(printable("plain, größer, 日本語, 🚀, e\xcc\x81") == "plain, größer, 日本語, 🚀, e\xcc\x81");
  CHECK(printable("").empty());
}

TEST_CASE("control characters and escapes of terminals are made visible") {
  CHECK(printable("\x1b[31mred\x07\r\n\t\x7f") == "\\x1b[31mred\\x07\\x0d\\x0a\\x09\\x7f");
  CHECK(printable(std::string_view("a\0b", 3)) == "a\\x00b");
  CHECK(printable("\xc2\x9b"
                  "31m") == "\\u009b31m");
}

TEST_CASE("newlines and tabs are kept on demand, nothing else") {
  CHECK(printable("a\n\tb\r\x1b", 100, true) == "a\n\tb\\x0d\\x1b");
}

TEST_CASE("characters that hide or reorder text are made visible") {
  CHECK(printable("a\u202eb\u2066c\u200ed\u061ce\u2028f\u2029g\u200bh\ufeffi") ==
        "a\\u202eb\\u2066c\\u200ed\\u061ce\\u2028f\\u2029g\\u200bh\\ufeffi");
}

TEST_CASE("bytes that are not UTF-8 are made visible one by one") {
  CHECK(printable("a\xff\xc3(") == "a\\xff\\xc3(");
  CHECK(printable("\xc0\xaf") == "\\xc0\\xaf");                    // overlong
  CHECK(printable("\xe0\x80\xaf") == "\\xe0\\x80\\xaf");           // overlong
  CHECK(printable("\xed\xa0\x80") == "\\xed\\xa0\\x80");           // surrogate
  CHECK(printable("\xf4\x90\x80\x80") == "\\xf4\\x90\\x80\\x80");  // above U+10FFFF
  CHECK(printable("\xf0\x9f\x9a") == "\\xf0\\x9f\\x9a");           // cut
}

TEST_CASE("a long text is cut between characters and marked") {
  CHECK(printable("abcdef", 6) == "abcdef");
  CHECK(printable("abcdefg", 6) == "abcdef...");
  CHECK(printable("日本語", 7) == "日本...");
  CHECK(printable("ab\x1b", 5) == "ab...");
  CHECK(printable("x", 0) == "...");
}

TEST_CASE("whatever comes in, what is shown is valid UTF-8 without control characters and bounded") {
  sluice::SeededRandom random(3);
  for (int i = 0; i < 20'000; ++i) {
    std::string text;
    for (auto size = random.next() % 40; size > 0; --size)
      text += static_cast<char>(random.next() % 3 ? random.next() % 256 : 0xe2);
    const auto shown = printable(text, 50);
    REQUIRE(shown.size() <= 53);
    for (std::string_view rest = shown; !rest.empty();) {
      const auto [code, length] = sluice::decode_utf8(rest);
      REQUIRE(length > 0);
      REQUIRE_FALSE(sluice::is_deceptive(code));
      rest.remove_prefix(length);
    }
  }
}

TEST_CASE("text is UTF-8 when all of it is") {
  CHECK(sluice::is_utf8(""));
  CHECK(sluice::is_utf8("größer, 日本語, 🚀"));
  CHECK_FALSE(sluice::is_utf8("gr\xf6\xdf"));
  CHECK_FALSE(sluice::is_utf8("cut off \xe6\x97"));
}

TEST_CASE("a typing error finds the word that was meant") {
  const std::vector<std::string> words{"pipelines",  "store",    "server",
                                       "registries", "webhooks", "dependents"};
  CHECK(nearest("pipeline", words) == "pipelines");
  CHECK(nearest("sevrer", words) == "server");
  CHECK(nearest("Registry", words) == "registries");
  CHECK(nearest("webhoks", words) == "webhooks");
  CHECK(nearest("stroe", words) == "store");
}

TEST_CASE("a word that resembles none finds nothing") {
  const std::vector<std::string> words{"store", "server", "to"};
  CHECK(nearest("banana", words).empty());
  CHECK(nearest("", words).empty());
  CHECK(nearest("x", {"y"}).empty());
  CHECK(nearest(std::string(100'000, 'a'), words).empty());
  CHECK(nearest("store", {}).empty());
}
