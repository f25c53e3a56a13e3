#include "base/threads.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <numeric>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace lapel {
namespace {

TEST(Threads, ParallelForCoversEachItemOnce) {
  for (const int threads : {1, 2, 3, 7}) {
    const ThreadScope scope(threads);
    for (const std::int64_t count : {0, 1, 2, 3, 10, 64, 1001}) {
      for (const std::int64_t grain : {0, 1, 5, 64, 5000}) {
        std::vector<std::atomic<int>> visits(static_cast<std::size_t>(count));
        parallel_for(count, grain, [&](std::int64_t begin, std::int64_t end) {
          EXPECT_LT(begin, end);
          for (std::int64_t i = begin; i < end; ++i) {
            ++visits[static_cast<std::size_t>(i)];
          }
        });
        for (const auto& visit : visits) {
          ASSERT_EQ(visit, 1) << count << " items, grain " << grain << ", " << threads << " threads";
        }
      }
    }
  }
}

TEST(Threads, ParallelForKeepsTheGrain) {
  const ThreadScope scope(4);
  std::atomic<int> parts = 0;
  parallel_for(100, 40, [&](std::int64_t begin, std::int64_t end) {
    EXPECT_GE(end - begin, 40);
    ++parts;
  });
  EXPECT_LE(parts, 2);
}

TEST(Threads, ParallelForUsesOtherThreads) {
  const ThreadScope scope(2);
  std::vector<std::thread::id> ids(2);
  parallel_for(2, 1, [&](std::int64_t begin, std::int64_t) {
    ids[static_cast<std::size_t>(begin)] = std::this_thread::get_id();
  });
  EXPECT_NE(ids[0], ids[1]);
}

TEST(Threads, ExceptionReachesTheCaller) {
  for (const int threads : {1, 2, 4}) {
    const ThreadScope scope(threads);
    for (const std::int64_t bad : {0, 57, 99}) {
      std::string message;
      try {
        parallel_for(100, 1, [&](std::int64_t begin, std::int64_t end) {
          if (begin <= bad && bad < end) {
            throw std::runtime_error("item " + std::to_string(bad));
          }
        });
      } catch (const std::runtime_error& error) {
        message = error.what();
      }
      EXPECT_EQ(message, "item " + std::to_string(bad));
    }
  }
}

TEST(Threads, ManyExceptionsAreOne) {
  const ThreadScope scope(4);
  EXPECT_THROW(parallel_for(100, 1, [](std::int64_t, std::int64_t) { throw std::runtime_error("all"); }),
               std::runtime_error);
}

TEST(Threads, InsideAParallelRegionItIsSerial) {
  const ThreadScope scope(2);
  std::atomic<int> calls = 0;
  parallel_for(2, 1, [&](std::int64_t, std::int64_t) {
    parallel_for(1000, 1, [&](std::int64_t begin, std::int64_t end) {
      EXPECT_EQ(begin, 0);
      EXPECT_EQ(end, 1000);
      ++calls;
    });
  });
  EXPECT_EQ(calls, 2);
}

TEST(Threads, ScopeRestores) {
  const int before = omp_get_max_threads();
  {
    const ThreadScope scope(before + 3);
    EXPECT_EQ(omp_get_max_threads(), before + 3);
    {
      const ThreadScope inner(1);
      EXPECT_EQ(omp_get_max_threads(), 1);
    }
    EXPECT_EQ(omp_get_max_threads(), before + 3);
  }
  EXPECT_EQ(omp_get_max_threads(), before);
}

TEST(Team, DividesAsWithoutOne) {
  for (const int threads : {1, 2, 3}) {
    const ThreadScope scope(threads);
    for (const std::int64_t count : {0, 1, 2, 10, 1001}) {
      const auto parts_of = [&] {
        std::vector<std::int64_t> owner(static_cast<std::size_t>(count), -1);
        parallel_for(count, 4, [&](std::int64_t begin, std::int64_t end) {
          std::fill(owner.begin() + begin, owner.begin() + end, begin);
        });
        return owner;
      };
      const auto alone = parts_of();
      std::vector<std::int64_t> together;
      Team::with([&] { together = parts_of(); });
      EXPECT_EQ(together, alone) << count << " items, " << threads << " threads";
    }
  }
}

TEST(Team, WorksOnItsThreadsAndIsGoneAfterwards) {
  const ThreadScope scope(2);
  EXPECT_EQ(Team::current(), nullptr);
  for (int round = 0; round < 200; ++round) {
    std::array<std::thread::id, 2> ids;
    std::atomic<bool> other = false;
    Team::with([&] {
      ASSERT_NE(Team::current(), nullptr);
      parallel_for(2, 1, [&](std::int64_t begin, std::int64_t) {
        EXPECT_EQ(Team::current(), nullptr) << "a part has no team";
        ids.at(static_cast<std::size_t>(begin)) = std::this_thread::get_id();
        if (begin == 1) {
          other = true;
        }
        while (!other) {  // Else the caller might be first with both parts.
          std::this_thread::yield();
        }
      });
    });
    EXPECT_EQ(ids[0], std::this_thread::get_id());
    EXPECT_NE(ids[0], ids[1]);
    EXPECT_EQ(Team::current(), nullptr);
  }
}

TEST(Team, EachPartIsDoneOnceWhoeverDoesIt) {
  for (const int threads : {2, 3, 8}) {  // Of eight, most have no core and come too late.
    const ThreadScope scope(threads);
    std::vector<std::int64_t> counts(static_cast<std::size_t>(threads));
    Team::with([&] {
      for (std::int64_t round = 1; round <= 2000; ++round) {
        parallel_for(threads - round % 2, 1,
                     [&](std::int64_t begin, std::int64_t) { ++counts[static_cast<std::size_t>(begin)]; });
        ASSERT_EQ(std::accumulate(counts.begin(), counts.end(), std::int64_t{0}), round * threads - (round + 1) / 2);
      }
    });
  }
}

TEST(Threads, EnvironmentSaysHowMany) {
  const char* const before = std::getenv("OMP_NUM_THREADS");
  const std::string kept = before == nullptr ? "" : before;
  ::unsetenv("OMP_NUM_THREADS");
  const int cores = default_threads();
  EXPECT_GE(cores, 1);
  for (const auto& [text, threads] : {std::pair("3", 3), std::pair("5,2", 5), std::pair("0", cores),
                                      std::pair("", cores), std::pair("many", cores)}) {
    ::setenv("OMP_NUM_THREADS", text, 1);
    EXPECT_EQ(default_threads(), threads) << text;
  }
  if (before == nullptr) {
    ::unsetenv("OMP_NUM_THREADS");
  } else {
    ::setenv("OMP_NUM_THREADS", kept.c_str(), 1);
  }
}

TEST(Team, PhasesFollowOneAnother) {
  const ThreadScope scope(3);
  std::array<int, 3> first{};
  std::array<int, 3> second{};
  Team::with([&] {
    for (int round = 1; round <= 1000; ++round) {
      parallel_phases(
          3, [&](std::int64_t part, std::int64_t) { first.at(static_cast<std::size_t>(part)) = round; },
          [&](std::int64_t part, std::int64_t parts) {
            // Written by another thread in the phase before.
            second.at(static_cast<std::size_t>(part)) = first.at(static_cast<std::size_t>((part + 1) % parts));
          });
      ASSERT_EQ(second, (std::array<int, 3>{round, round, round}));
    }
  });
}

TEST(Team, InsideAPartOrAnotherTeamWorkIsSerial) {
  const ThreadScope scope(2);
  std::atomic<int> whole = 0;
  Team::with([&] {
    parallel_for(2, 1, [&](std::int64_t, std::int64_t) {
      Team::with([&] {
        parallel_for(100, 1, [&](std::int64_t begin, std::int64_t end) { whole += end - begin == 100 ? 1 : 0; });
      });
    });
  });
  EXPECT_EQ(whole, 2);
}

TEST(Team, ExceptionsReachTheCaller) {
  const ThreadScope scope(2);
  for (const std::int64_t bad : {0, 1}) {
    EXPECT_THROW(Team::with([&] {
                   parallel_for(2, 1, [&](std::int64_t begin, std::int64_t) {
                     if (begin == bad) {
                       throw std::runtime_error("in a part");
                     }
                   });
                 }),
                 std::runtime_error);
  }
  EXPECT_THROW(Team::with([] { throw std::runtime_error("between parts"); }), std::runtime_error);
  EXPECT_EQ(Team::current(), nullptr);
}

}  // namespace
}  // namespace lapel
