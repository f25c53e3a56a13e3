#include <gtest/gtest.h>

#include <array>

#include "lapel/report.h"
#include "report/trace.h"

namespace lapel {
namespace {

BenchResult result() {
  BenchResult made;
  made.recipe = "tiny";
  made.batch = 32;
  made.precision = "float32";
  made.threads = 2;
  made.parameters = 407'050;
  made.cpu = "A CPU";
  made.isa = "avx2";
  made.lapel_version = "1.2.3";
  made.onednn_version = "oneDNN 2.6.3";
  made.load_seconds = 0.1;
  made.plan_seconds = 0.0075;
  made.flop = 52'000'000;
  made.gflops = 208;
  made.step = {4'000, 0.25, 0.2, 0.225, 1.5, 0.75};
  made.memory = {1'600'000, 1'600'000, 3'200'000, 600'000, 55'000'000, 9'000'000, 80'000'000, 74'500'000, 1.5};
  return made;
}

BenchResult with_parts() {
  BenchResult made = result();
  BenchParts parts;
  parts.machine = {"A CPU", "avx2", "oneDNN 2.6.3", 2, 500, 0, {{65'536, 700}, {268'435'456, 60}}};
  parts.working_set = 7'000'000;
  parts.gflops = 500;
  parts.gigabytes_per_second = 400;
  parts.ms = 0.2;
  parts.limit_ms = 0.125;
  parts.parts = {{"", "update", "", "", 0.08, 0, 10'000'000, 0.025, true},
                 {"dense", "dense", "backward", "brgemm:avx2", 0.12, 50'000'000, 1'000'000, 0.1, false}};
  made.parts = parts;
  return made;
}

TEST(BenchText, SaysWhatAStepTook) {
  EXPECT_EQ(
      to_text(result()),
      "tiny: 407,050 parameters, batch 32, float32, 2 threads\n"
      "A CPU (avx2), oneDNN 2.6.3\n"
      "\n"
      "One training step of 32 pictures: 250 us (median of 4,000; least 200 us, quartiles 225 us and 1.5 ms)\n"
      "  0.052 GFLOP, 208.0 GFLOP/s sustained\n"
      "Memory: parameters 1.6 MB, gradients 1.6 MB, optimizer state 3.2 MB, activations 0.6 MB: 7.0 MB\n"
      "  resident at most 74.5 MB, of which program 9.0 MB, data set 55.0 MB; the rest, 10.5 MB, is 1.50 times the "
      "above\n"
      "Set-up: data set 100 ms (at most 80.0 MB resident for it), plan 7.5 ms\n");
}

TEST(BenchText, SaysWhatWasFolded) {
  BenchResult folded = result();
  folded.folded_parameters = 1'576;
  EXPECT_EQ(to_text(folded).find(
                "tiny: 407,050 parameters (1,576 more, of normalizations, are folded into them), batch 32, float32"),
            0U);
}

TEST(BenchText, ShowsThePartsAgainstTheirLimits) {
  const std::string text = to_text(with_parts());
  const std::string tail = text.substr(text.find("Limits"));
  EXPECT_EQ(tail,
            "Limits of the machine: float32 500 GFLOP/s, bfloat16 none; update in place 700 GB/s at 64 KiB, 60 GB/s at "
            "256 MiB\n"
            "Working set 7.0 MB: limits are those of 500 GFLOP/s and 400 GB/s\n"
            "\n"
            "+---------------+----------+--------+-----------+------------+--------------+-----------+--------+--------"
            "----------+\n"
            "| part          | pass     |     ms |   lost ms | of limit   | limited by   | GFLOP/s   |   GB/s | "
            "implementation   |\n"
            "+===============+==========+========+===========+============+==============+===========+========+========"
            "==========+\n"
            "| update        |          | 0.0800 |    0.0550 | 31%        | memory       | -         |    125 |        "
            "          |\n"
            "+---------------+----------+--------+-----------+------------+--------------+-----------+--------+--------"
            "----------+\n"
            "| dense (dense) | backward | 0.1200 |    0.0200 | 83%        | arithmetic   | 417       |      8 | "
            "brgemm:avx2      |\n"
            "+---------------+----------+--------+-----------+------------+--------------+-----------+--------+--------"
            "----------+\n"
            "| all           |          | 0.2000 |    0.0750 | 62%        |              |           |        |        "
            "          |\n"
            "+---------------+----------+--------+-----------+------------+--------------+-----------+--------+--------"
            "----------+\n"
            "\n"
            "The whole step is at 50% of the limit of its parts, 125 us.\n");
}

TEST(BenchText, OfTheMachine) {
  EXPECT_EQ(to_text(with_parts().parts->machine),
            "A CPU (avx2), 2 threads, oneDNN 2.6.3\n"
            "Limits of the machine: float32 500 GFLOP/s, bfloat16 none; update in place 700 GB/s at 64 KiB, 60 GB/s at "
            "256 MiB\n");
}

TEST(BenchJson, HasTheKeysOfTheDocument) {
  const std::string json = to_json(result());
  for (const std::string_view line :
       {R"(  "recipe": "tiny")", R"(  "mode": "train")", R"(  "batch": 32)", R"(  "precision": "float32")",
        R"(  "threads": 2)", R"(  "steps": 4000)", R"(    "median": 0.25)", R"(    "min": 0.2)", R"(    "q1": 0.225)",
        R"(    "q3": 1.5)", R"(    "mean": 0.75)", R"(  "gflops": 208.0)", R"(  "parameters": 407050)",
        R"(  "cpu": "A CPU")", R"(  "isa": "avx2")", R"(    "lapel": "1.2.3")", R"(    "onednn": "oneDNN 2.6.3")",
        R"(  "load_seconds": 0.1)"}) {
    EXPECT_NE(json.find(line), std::string::npos) << line << "\n" << json;
  }
  EXPECT_EQ(json.find("\"parts\""), std::string::npos);
  EXPECT_NE(to_json(with_parts()).find("\"limit\": \"memory\""), std::string::npos);
}

TEST(TraceJson, IsAListOfCompleteEventsInNamedLanes) {
  const std::array<measuring::TraceEvent, 1> events = {{{"dense forward", 1.5, 2.25}}};
  EXPECT_EQ(report::trace_json(std::array{report::TraceLane{"parts", events}}),
            "[\n {\n  \"name\": \"thread_name\",\n  \"ph\": \"M\",\n  \"pid\": 1,\n  \"tid\": 1,\n  \"args\": {\n"
            "   \"name\": \"parts\"\n  }\n },\n {\n  \"name\": \"dense forward\",\n  \"ph\": \"X\",\n  \"pid\": 1,\n"
            "  \"tid\": 1,\n  \"ts\": 1.5,\n  \"dur\": 2.25\n }\n]\n");
}

}  // namespace
}  // namespace lapel
