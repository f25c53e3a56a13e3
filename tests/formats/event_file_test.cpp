// Records byte for byte as TensorBoard's own writer makes them (tensorboard 2.21: RecordWriter of an event_pb2.Event).

#include "formats/event_file.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "formats/bytes.h"
#include "formats/checksum.h"
#include "lapel/error.h"
#include "support/messages.h"
#include "support/temp_folder.h"

namespace lapel::formats {
namespace {

std::vector<std::uint8_t> from_hex(const std::string& digits) {
  std::vector<std::uint8_t> bytes;
  for (std::size_t i = 0; i < digits.size(); i += 2) {
    bytes.push_back(static_cast<std::uint8_t>(std::stoi(digits.substr(i, 2), nullptr, 16)));
  }
  return bytes;
}

std::vector<std::uint8_t> bytes_of(const std::string& text) { return {text.begin(), text.end()}; }

TEST(EventFile, RecordsAreTensorBoards) {
  EXPECT_EQ(bytes_of(event_file_start(1.5)),
            from_hex("1800000000000000a37f4b2209000000000000f83f1a0d627261696e2e4576656e743a322a28646c"));
  EXPECT_EQ(bytes_of(scalar_event("epoch_loss", 0.25, 300, 1.5)),
            from_hex("2100000000000000017becf609000000000000f83f10ac022a130a110a0a65706f63685f6c6f7373150000803ed2f16c"
                     "2f"));
  const auto png = from_hex("89504e470d0a1a0a0000000d4948445200000020000000100802000072657374");
  EXPECT_EQ(bytes_of(image_event("loss", png, 7, 1.5)),
            from_hex("3f000000000000005165766109000000000000f83f10072a320a300a046c6f737322280810102018032220"
                     "89504e470d0a1a0a0000000d4948445200000020000000100802000072657374ab238280"));
  EXPECT_EQ(test::message_of([] { return image_event("loss", from_hex("89504e47"), 0, 0); }),
            "loss: the picture for TensorBoard is no PNG");
}

/// The check value of RFC 3720, appendix B.4, and of the catalogue of CRCs.
TEST(Checksum, Crc32cOfKnownBytes) {
  EXPECT_EQ(crc32c_of(bytes_of("123456789")), 0xE3069283U);
  EXPECT_EQ(crc32c_of(std::vector<std::uint8_t>(32, 0)), 0x8A9136AAU);
  EXPECT_EQ(crc32c_of({}), 0U);
}

TEST(ExtendFile, DropsWhatIsBeyond) {
  const testing::TempFolder folder;
  const auto file = folder.path() / "grows";
  extend_file(file, 0, "abc");
  extend_file(file, 3, "def");
  EXPECT_EQ(read_text_file(file), "abcdef");
  extend_file(file, 2, "X");
  EXPECT_EQ(read_text_file(file), "abX");
  extend_file(file, 0, "new");
  EXPECT_EQ(read_text_file(file), "new");
  const auto missing = folder.path() / "none" / "grows";
  EXPECT_EQ(test::message_of([&] {
              extend_file(missing, 0, "abc");
              return 0;
            }),
            missing.string() +
                ": cannot be written: No such file or directory\n"
                "  wanted  3 bytes        try  a folder that exists and can be written to");
}

}  // namespace
}  // namespace lapel::formats
