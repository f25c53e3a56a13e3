#include "formats/bytes.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#include <array>
#include <csignal>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "formats/checksum.h"
#include "formats/gzip.h"
#include "support/temp_folder.h"

namespace lapel::formats {
namespace {

using lapel::testing::message_of;
using lapel::testing::slurp;
using lapel::testing::TempFolder;
using Bytes = std::vector<std::uint8_t>;

Bytes gzip(std::string_view text) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY), Z_OK);
  Bytes packed(deflateBound(&stream, text.size()) + 64);
  std::string copy(text);
  stream.next_in = reinterpret_cast<Bytef*>(copy.data());
  stream.avail_in = static_cast<uInt>(copy.size());
  stream.next_out = packed.data();
  stream.avail_out = static_cast<uInt>(packed.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

Bytes joined(Bytes first, const Bytes& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

std::string varied_text(std::size_t length) {
  std::string text;
  std::uint32_t state = 1;
  while (text.size() < length) {
    state = state * 1664525U + 1013904223U;
    text += static_cast<char>('a' + (state >> 28U));
  }
  return text;
}

TEST(ReadFile, PlainBytesAsTheyAre) {
  const TempFolder folder;
  EXPECT_EQ(read_file(folder.put("empty", "")), Bytes());
  EXPECT_EQ(read_text_file(folder.put("short", "abc")), "abc");
  const std::string big = varied_text(100'000);
  EXPECT_EQ(read_text_file(folder.put("big", big)), big);
}

TEST(ReadFile, ReadsWhatHasNoLength) {
  // Files of /proc say they are empty; so do pipes.
  EXPECT_NE(read_text_file("/proc/self/status").find("Name:"), std::string::npos);
}

TEST(ReadFile, UnpacksGzipWhateverItsName) {
  const TempFolder folder;
  const std::string text = varied_text(200'000);
  EXPECT_EQ(read_text_file(folder.put("x", gzip(text))), text);
  EXPECT_EQ(read_text_file(folder.put("x.gz", gzip(""))), "");
  const std::string zeros(5'000'000, '\0');
  EXPECT_EQ(read_text_file(folder.put("zeros", gzip(zeros))), zeros);
}

TEST(ReadFile, SeveralGzipMembersAndPadding) {
  const TempFolder folder;
  const std::string first = varied_text(100'000);
  EXPECT_EQ(read_text_file(folder.put("two", joined(gzip(first), gzip("end")))), first + "end");
  EXPECT_EQ(read_text_file(folder.put("padded", joined(gzip("abc"), Bytes(512, 0)))), "abc");
  EXPECT_EQ(message_of(
                [&] {
                  return read_file(folder.put("tail", joined(gzip("abc"), {1, 2, 3})));
                },
                folder.path()),
            "[data] tail: something else follows the gzip data\n"
            "  at  byte 23 of 26        try  a fresh copy of the file");
}

TEST(ReadFile, SaysHowFarTruncatedGzipGot) {
  const TempFolder folder;
  Bytes packed = gzip(std::string(1000, 'a'));
  packed.resize(packed.size() - 8);
  EXPECT_EQ(message_of([&] { return read_file(folder.put("x.gz", packed)); }, folder.path()),
            "[data] x.gz: the gzip data end early\n"
            "  read  all 21 bytes        unpacked  1000 bytes        try  a fresh copy of the file");
}

TEST(ReadFile, SaysWhereGzipIsDamaged) {
  const TempFolder folder;
  Bytes packed = gzip(std::string(1000, 'a'));
  packed[packed.size() - 5] ^= 1U;
  EXPECT_EQ(message_of([&] { return read_file(folder.put("x.gz", packed)); }, folder.path()),
            "[data] x.gz: the gzip data are damaged: incorrect data check\n"
            "  at  byte 25 of 29        unpacked  1000 bytes        try  a fresh copy of the file");
  const Bytes second = joined(gzip("abc"), packed);
  EXPECT_EQ(message_of([&] { return read_file(folder.put("x.gz", second)); }, folder.path()),
            "[data] x.gz: the gzip data are damaged: incorrect data check\n"
            "  at  byte 48 of 52        unpacked  1003 bytes        try  a fresh copy of the file");
}

TEST(ReadFile, EveryTruncationAndFlippedByteOfGzipIsAnError) {
  const Bytes whole = gzip(varied_text(300));
  for (std::size_t length = 2; length < whole.size(); ++length) {
    const Bytes part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length));
    EXPECT_THROW(static_cast<void>(gunzip(part, "x")), Error) << length;
  }
  // The first ten bytes hold a time, flags and a system that do not matter to the content.
  constexpr std::size_t kHeader = 10;
  for (std::size_t at = kHeader; at < whole.size(); ++at) {
    Bytes damaged = whole;
    damaged[at] ^= 0x55U;
    EXPECT_THROW(static_cast<void>(gunzip(damaged, "x")), Error) << at;
  }
}

TEST(ReadFile, SaysWhatTheSystemSaid) {
  const TempFolder folder;
  EXPECT_EQ(message_of([&] { return read_file(folder.file("none")); }, folder.path()),
            "[io] none: cannot be read: No such file or directory");
  EXPECT_EQ(message_of([&] { return read_file(folder.path()); }),
            "[io] " + folder.path().string() + ": is a folder, a file is wanted");
}

TEST(WriteFile, RoundTripLeavesNothingElse) {
  const TempFolder folder;
  const auto file = folder.file("x");
  write_text_file(file, "first, a longer text");
  write_text_file(file, "second");
  EXPECT_EQ(slurp(file), "second");
  const Bytes a = {1, 2};
  const Bytes b = {};
  const Bytes c = {3};
  write_file_parts(file, std::array<std::span<const std::uint8_t>, 3>{a, b, c});
  EXPECT_EQ(slurp(file), "\x01\x02\x03");
  EXPECT_EQ(folder.names(), std::vector<std::string>{"x"});
}

TEST(WriteFile, TakesABareName) {
  const TempFolder folder;
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(folder.path());
  write_text_file("bare", "abc");
  std::filesystem::current_path(before);
  EXPECT_EQ(slurp(folder.file("bare")), "abc");
}

TEST(WriteFile, FullDiskSaysSo) {
  if (::access("/dev/full", W_OK) != 0) {
    GTEST_SKIP() << "no /dev/full";
  }
  EXPECT_EQ(message_of([] { write_text_file("/dev/full", "abc"); }),
            "[io] /dev/full: cannot be written: No space left on device\n"
            "  wanted  3 bytes        try  free some space, or another folder");
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/full"));
}

TEST(WriteFile, MissingFolderAndFolderInTheWay) {
  const TempFolder folder;
  EXPECT_EQ(message_of([&] { write_text_file(folder.file("none/x"), "abc"); }, folder.path()),
            "[io] none/x: cannot be written: No such file or directory\n"
            "  wanted  3 bytes        try  a folder that exists and can be written to");
  EXPECT_EQ(message_of([&] { write_text_file(folder.path(), "abc"); }),
            "[io] " + folder.path().string() + ": cannot be written: Is a directory\n  wanted  3 bytes");
}

/// Lets files grow to `bytes` while it lives.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  void (*handler_)(int);
  rlimit before_{};
};

TEST(WriteFile, FailureInTheMiddleLeavesTheOldFileAndNoOther) {
  const TempFolder folder;
  const auto file = folder.put("x", "old");
  std::string message;
  {
    const FileSizeLimit limit(4096);
    message = message_of([&] { write_text_file(file, std::string(100'000, 'n')); }, folder.path());
  }
  EXPECT_EQ(message,
            "[io] x: cannot be written: File too large\n  wanted  100000 bytes        "
            "try  a higher limit of the size of files (ulimit -f), or another disk");
  EXPECT_EQ(slurp(file), "old");
  EXPECT_EQ(folder.names(), std::vector<std::string>{"x"});
}

TEST(WriteFile, KilledInTheMiddleLeavesTheOldFile) {
  const TempFolder folder;
  const auto file = folder.put("x", "old");
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    // The signal that ends a process at its file size limit is a kill at a place that is always the same.
    const rlimit no_core{0, 0};
    ::setrlimit(RLIMIT_CORE, &no_core);
    const rlimit limit{4096, 4096};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    std::signal(SIGXFSZ, SIG_DFL);
    write_text_file(file, std::string(100'000, 'n'));
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGXFSZ);
  EXPECT_EQ(slurp(file), "old");
  EXPECT_EQ(slurp(folder.file(".x.tmp-" + std::to_string(child))).size(), 4096U);
}

TEST(ReadFile, WhatIsNoFileIsRefusedAtOnce) {
  const TempFolder folder;
  const auto pipe = folder.file("pipe.png");
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_EQ(message_of([&] { return read_file(pipe); }), "[io] " + pipe.string() + ": is a pipe, a file is wanted");
  EXPECT_EQ(message_of([] { return read_begin("/dev/zero", 1); }), "[io] /dev/zero: is a device, a file is wanted");
  std::filesystem::create_symlink("loop", folder.file("loop"));
  EXPECT_EQ(message_of([&] { return read_file(folder.file("loop")); }),
            "[io] " + folder.file("loop").string() + ": cannot be read: Too many levels of symbolic links");
  EXPECT_EQ(message_of([&] { return is_there(folder.file("loop")); }),
            "[io] " + folder.file("loop").string() + ": cannot be read: Too many levels of symbolic links");
  EXPECT_FALSE(is_there(folder.file("missing")));
  EXPECT_TRUE(is_there(pipe));
  EXPECT_FALSE(is_folder(pipe));
  EXPECT_TRUE(is_folder(folder.path()));
}

TEST(WriteFile, APipeThatNobodyReadsIsNotWaitedFor) {
  const TempFolder folder;
  const auto pipe = folder.file("pipe");
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_THROW(write_text_file(pipe, "x"), Error);
}

TEST(ReadFile, LooksBeforeItTakesMemory) {
  const TempFolder folder;
  const auto file = folder.put("x", "begin and more");
  ASSERT_EQ(::truncate(file.c_str(), off_t{1} << 40U), 0);  // A hole, which no memory would hold.
  std::uint64_t told = 0;
  const auto look = [&](std::span<const std::uint8_t> first, std::optional<std::uint64_t> size) {
    told = size.value_or(0);
    throw Error(ErrorKind::kData, "x", std::string(first.begin(), first.begin() + 5));
  };
  EXPECT_EQ(message_of([&] { return read_file(file, {.look = look}); }), "[data] x: begin");
  EXPECT_EQ(told, std::uint64_t{1} << 40U);
  EXPECT_EQ(message_of([&] { return read_file(file, {.most = 100}); }),
            "[data] " + file.string() + ": has 1099511627776 bytes, more than 100");
  const auto packed = folder.put("y", gzip("begin and more"));
  EXPECT_EQ(message_of([&] { return read_file(packed, {.look = look}); }), "[data] x: begin");
  EXPECT_EQ(told, 0U);
}

TEST(Gunzip, HasALimit) {
  const Bytes packed = gzip(std::string(1000, 'x'));
  EXPECT_EQ(gunzip(packed, "x", {.most = 1000}).size(), 1000U);
  EXPECT_EQ(message_of([&] { return gunzip(packed, "x", {.most = 999}); }),
            "[data] x: the gzip data unpack to more than 999 bytes\n  packed  " + std::to_string(packed.size()) +
                " bytes        try  gunzip, if they are what they should be");
  const Bytes bomb = gzip(std::string((std::size_t{1} << 27U) + 1, '\0'));
  EXPECT_THROW(static_cast<void>(gunzip(bomb, "x")), Error);
}

TEST(WriteFile, ReplacesALinkAndFollowsNoneThatWaits) {
  const TempFolder folder;
  const auto victim = folder.put("victim", std::string("precious"));
  std::filesystem::create_symlink(victim, folder.file("x"));
  std::filesystem::create_symlink(victim, folder.file(".x.tmp-" + std::to_string(::getpid())));
  write_text_file(folder.file("x"), "new");
  EXPECT_EQ(slurp(victim), "precious");
  EXPECT_TRUE(std::filesystem::is_regular_file(std::filesystem::symlink_status(folder.file("x"))));
  EXPECT_EQ(folder.names().size(), 2U);
  // To a device, a link of one's own is no way either.
  std::filesystem::create_symlink("/dev/null", folder.file("y"));
  write_text_file(folder.file("y"), "new");
  EXPECT_EQ(slurp(folder.file("y")), "new");
}

TEST(Leftovers, OfDeadWritersGo) {
  const TempFolder folder;
  // No process has so large a number.
  for (const char* name : {".a.tmp-2147483647", ".b.png.tmp-2147483647-Xy", ".c", "d.tmp-2147483647", ".e.tmp-"}) {
    (void)folder.put(name, std::string("half"));
  }
  const std::string alive = ".f.tmp-" + std::to_string(::getpid());
  (void)folder.put(alive, std::string("half"));
  remove_leftovers(folder.path());
  const auto names = folder.names();
  EXPECT_EQ(std::set<std::string>(names.begin(), names.end()),
            (std::set<std::string>{".c", ".e.tmp-", "d.tmp-2147483647", alive}));
}

TEST(Checksum, OfTheStandardText) {
  const std::string text = "123456789";
  EXPECT_EQ(crc32_of({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}), 0xcbf43926U);
  EXPECT_EQ(crc32_of({}), 0U);
}

}  // namespace
}  // namespace lapel::formats
