#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "kernels/cpu.h"
#include "plan/network.h"
#include "store/model_file.h"

namespace lapel {

/// Networks with the weights of one model file, for calls from any number of threads: each call has one of its own
/// while it runs. There are as many as there ever were calls at a time.
class NetworkPool {
 public:
  /// A network that nobody else uses; it goes back to the pool at the end.
  class Loan {
   public:
    Loan(NetworkPool& pool, std::unique_ptr<plan::Network> network) : pool_(pool), network_(std::move(network)) {}
    ~Loan() { pool_.give_back(std::move(network_)); }
    Loan(const Loan&) = delete;
    Loan& operator=(const Loan&) = delete;
    [[nodiscard]] plan::Network& operator*() const { return *network_; }
    plan::Network* operator->() const { return network_.get(); }

   private:
    NetworkPool& pool_;
    std::unique_ptr<plan::Network> network_;
  };

  using Content = std::shared_ptr<const store::ModelFile>;

  NetworkPool(Content content, kernels::Dtype dtype, int threads)
      : content_(std::move(content)), dtype_(dtype), threads_(threads) {}

  /// `batch`: the most pictures that a call looks at together. All networks have the layouts of weights that suit the
  /// first call, so that all give the same answers.
  [[nodiscard]] Loan take(std::int64_t batch);
  /// Gives all networks the weights of another file of the same model. Not while any is out.
  void replace(Content content);

 private:
  friend class Loan;
  void give_back(std::unique_ptr<plan::Network> network);

  Content content_;
  kernels::Dtype dtype_;
  int threads_;
  std::mutex mutex_;
  std::int64_t main_batch_ = 0;  ///< Of the first call; 0 before.
  std::size_t made_ = 0;
  std::vector<std::unique_ptr<plan::Network>> free_;
};

}  // namespace lapel
