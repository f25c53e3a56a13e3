#include "api/reserve.h"

#include <algorithm>
#include <string>
#include <vector>

#include "api/seconds_of.h"

namespace lapel {

namespace {

/// Over as many calls as it takes to see what another process costs, whose turns are some milliseconds.
template <class F>
double mean_seconds_of(const F& body) {
  constexpr double kLongEnough = 0.1;
  double seconds = 0;
  int calls = 0;
  while (calls < 2 || seconds < kLongEnough) {
    seconds += seconds_of(body);
    ++calls;
  }
  return seconds / calls;
}

}  // namespace

double evaluation_reserve(Classifier::Impl& classifier, const Pictures& pictures, std::span<const MeasuredPart> parts,
                          double& plan_seconds) {
  const std::int64_t batch = std::min(pictures.count, Classifier::Impl::kPredictBatch);
  std::vector<float> answers(static_cast<std::size_t>(batch) * classifier.file.class_names.size());
  const auto one_batch = [&] { classifier.predict(pictures.pixels.data(), batch, answers); };
  std::string& views = classifier.file.preprocessing.test_time_augmentation;
  const std::string views_before = views;
  const double first = seconds_of(one_batch);
  plan_seconds = std::max(plan_seconds, first - seconds_of(one_batch));
  double seconds = 0;
  double each = 0;
  for (const MeasuredPart& part : parts) {
    if (each == 0 || views != part.test_time_augmentation) {
      views = part.test_time_augmentation;
      each = mean_seconds_of(one_batch);
    }
    const std::int64_t batches = (part.count + batch - 1) / std::max<std::int64_t>(1, batch);
    // The last batch of each part is smaller, and needs a plan of its own.
    seconds += static_cast<double>(batches) * each + (part.count % batch == 0 ? 0 : plan_seconds);
  }
  views = views_before;
  return seconds;
}

}  // namespace lapel
